"""Health checks for containers: `python -m csbot.probe web` or `worker`; exit code 0 means healthy.

Cheap enough to run every few seconds: no Django, one request to the web process or one look into Redis.
"""

import argparse
import asyncio
import socket
import sys
from typing import Final

import redis

from csbot.environment import Environment, current_environment
from csbot.up.address import Address
from csbot.up.readiness import host_header_for, is_alive

WORKER_KEYS: Final = "csbot:worker:{host}-*"
REDIS_SECONDS: Final = 3.0


def web_is_healthy(env: Environment, *, port: int) -> bool:
    """Say whether the web process of this container answers."""
    address = Address("127.0.0.1", port)
    return asyncio.run(is_alive(address, host_header=host_header_for(env.words("ALLOWED_HOSTS"), address)))


def worker_is_healthy(env: Environment) -> bool:
    """Say whether the worker of this container's name has shown itself in Redis of late."""
    url = env.required("REDIS_URL", hint="The probe asks there.")
    try:
        with redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS) as client:
            return any(True for _ in client.scan_iter(match=WORKER_KEYS.format(host=socket.gethostname()), count=1000))
    except redis.RedisError:
        # Without Redis no worker can show itself; that is no reason to kill it in the middle of a reply.
        return True


def main() -> int:
    """Check what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m csbot.probe", description="Health check for a container.")
    parser.add_argument("what", choices=["web", "worker"])
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    env = current_environment()
    is_healthy = web_is_healthy(env, port=options.port) if options.what == "web" else worker_is_healthy(env)
    return 0 if is_healthy else 1


if __name__ == "__main__":
    sys.exit(main())
