"""What the index of transcript search costs each stored message: `python -m bench.inserts`.

One message a transaction, as csbot stores them: without the index, with it, and with its list of pending entries off.
"""

import argparse
import sys
from pathlib import Path

from bench.database import call_with_models, own_database


def main() -> None:
    """Fill, insert, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="in the table before")
    parser.add_argument("--inserts", type=int, default=3_000)
    parser.add_argument("--texts", type=Path, help="real messages: JSON lines with `text`")
    chosen = parser.parse_args()
    with own_database():
        sizes = {"messages": chosen.messages, "inserts": chosen.inserts}
        sys.exit(call_with_models("bench.insert_costs", source=chosen.texts, **sizes))


if __name__ == "__main__":
    main()
