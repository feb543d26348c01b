"""The gateway by itself: a routing decision, its own latency beside a bare SDK call, a day's figures of five million.

`python -m bench.gateway [--rows 5000000]` starts a PostgreSQL and a Redis of its own. `--rows 0` leaves out the last;
`--replay FILE` (JSON lines with session, lang, text) adds what share of such traffic the provider's cache would serve.
"""

import argparse
import sys
from pathlib import Path

from bench.database import call_with_models, own_services


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--replay", type=Path, help="traffic to replay through the simulator")
    parser.add_argument("--messages", type=int, default=6_000, help="how many messages of it")
    arguments = parser.parse_args()
    with own_services():
        sys.exit(
            call_with_models(
                "bench.gateway_parts", rows=arguments.rows, replay=arguments.replay, messages=arguments.messages
            )
        )


if __name__ == "__main__":
    main()
