"""What the parts of a reply cost by themselves: CPU time and database queries of each. `python -m bench.parts`.

CPU time hardly depends on what else the machine does, so this tells a slow part from a busy machine.
"""

import sys

from bench.database import call_with_models, own_services


def main() -> None:
    """Measure every part and print the table."""
    with own_services():
        sys.exit(call_with_models("bench.part_costs"))


if __name__ == "__main__":
    main()
