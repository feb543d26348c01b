"""The gate before publishing, over many runs: how often it stops a release for nothing, how often one that broke.

`python -m bench.gate [--runs 200] [--noise 1.0] [--only "the same"]`. The simulator answers the starter cases, shaken
as by a temperature; scoring and judging are the functions of an evaluation. No database, no network, no clock.
"""

import argparse
import sys

from bench.database import call_with_models, set_up_django

SETTINGS = {
    "DATABASE_URL": "postgresql://none/none",
    "REDIS_URL": "redis://none",
    "SECRET_KEY": "bench-only-" + "0" * 40,
}
RUNS = 200


def main() -> None:
    """Run all drafts; fail where a limit was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="evaluations a draft")
    parser.add_argument("--noise", type=float, default=1.0, help="how much a temperature shakes answers")
    parser.add_argument("--samples", type=int, default=3, help="answers a question")
    parser.add_argument("--only", default="", help="only drafts whose name has this in it")
    arguments = parser.parse_args()
    set_up_django(SETTINGS)
    sys.exit(call_with_models("bench.gate_runs", **vars(arguments)))


if __name__ == "__main__":
    main()
