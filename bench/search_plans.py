"""Every hot query against millions of messages: its plan, its time, and what to expect at twenty million.

`python -m bench.search_plans` fails where a query reads a big table from end to end or misses its limit. It starts an
empty PostgreSQL of its own, fills it (a minute for a million messages) and builds the search index.
"""

import argparse
import sys
from pathlib import Path

from bench.database import call_with_models, own_database


def main() -> None:
    """Fill, explain, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--texts", type=Path, help="real messages: JSON lines with `text`")
    arguments = parser.parse_args()
    with own_database():
        sys.exit(call_with_models("bench.hot_queries", messages=arguments.messages, source=arguments.texts))


if __name__ == "__main__":
    main()
