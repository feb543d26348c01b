"""A lookup among 100,000 known questions: the very same one, and the nearest; beside brute force.

`python -m bench.lookup [--entries 100000]` starts a PostgreSQL of its own.
"""

import argparse
import sys

from bench.database import call_with_models, own_database


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    arguments = parser.parse_args()
    with own_database():
        sys.exit(call_with_models("bench.lookup_parts", entries=arguments.entries))


if __name__ == "__main__":
    main()
