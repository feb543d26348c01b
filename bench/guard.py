"""The rollout guard against seeded traffic: how often it rolls a harmless canary back, how soon it finds a bad one.

`python -m bench.guard [--runs 200]`. Drives the very functions that the scheduler's job calls; no database, no clock.
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
    """Run all cases; fail where a limit was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="seeded rollouts a case")
    runs = parser.parse_args().runs
    set_up_django(SETTINGS)
    sys.exit(call_with_models("bench.guard_traffic", runs=runs))


if __name__ == "__main__":
    main()
