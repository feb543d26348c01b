"""Runs the simulator: `python -m conversations.llm.simulator --host 127.0.0.1 --port 8100`."""

import argparse
import asyncio
import logging
import signal
import sys

import uvloop

from conversations.llm.simulator.delivery import Pace
from conversations.llm.simulator.server import MILLISECONDS, Setup, Simulator, start

logger = logging.getLogger("conversations.llm.simulator")


def read_arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m conversations.llm.simulator",
        description="A development tool that stands in for a model provider. It is no language model.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 takes a free one")
    parser.add_argument("--first-token-ms", type=float, default=150.0, help="wait before the first token")
    parser.add_argument("--token-ms", type=float, default=30.0, help="wait before each further token")
    parser.add_argument("--places", type=int, default=0, help="answers at once; more are queued (0: no limit)")
    parser.add_argument("--noise", type=float, default=0.0, help="how much a temperature shakes answers (0: not)")
    parser.add_argument("--api-key", default="", help="the only key accepted; left out: any key")
    return parser.parse_args(words)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    pace = Pace(arguments.first_token_ms / MILLISECONDS, arguments.token_ms / MILLISECONDS)
    simulator = Simulator(Setup(pace=pace, api_key=arguments.api_key, places=arguments.places, noise=arguments.noise))
    runner, port = await start(simulator, host=arguments.host, port=arguments.port)
    logger.info("simulator (development tool, no model) at http://%s:%d/v1", arguments.host, port)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    """Run the command."""
    arguments = read_arguments(sys.argv[1:])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        uvloop.run(serve(arguments))
    except OSError as problem:
        logger.error("%s:%d can't be used: %s", arguments.host, arguments.port, problem.strerror)
        sys.exit(1)


if __name__ == "__main__":
    main()
