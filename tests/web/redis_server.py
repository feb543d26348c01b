"""A Redis of one test's own, which can be killed and come back empty at the same address."""

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from csbot.embedded.redis import redis_program


@dataclass
class RedisServer:
    """A server on a unix socket."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its REDIS_URL."""
        return f"unix://{self.folder / 'r.sock'}"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        options = ["--port", "0", "--unixsocket", str(self.folder / "r.sock"), "--save", "", "--dir", str(self.folder)]
        command = [str(redis_program(None)), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        patience = Retry(ConstantBackoff(0.05), 100, supported_errors=(RedisConnectionError,))
        with Redis.from_url(self.url, retry=patience) as client:
            client.ping()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it without warning."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)
