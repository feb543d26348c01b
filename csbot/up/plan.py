"""Which processes csbot consists of and how each is started; docker-compose.yml has the same lines."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Final

from csbot.embedded import Launch
from csbot.environment import Environment
from csbot.gate import WAITS
from csbot.up.address import Address, allowed_hosts
from csbot.up.folder import DataFolder
from csbot.up.options import PROJECT, Options

THREADS_PER_WORKER: Final = 2


@dataclass(frozen=True)
class Plan:
    """The command lines of one `up`, and the environment that all its processes share."""

    variables: dict[str, str]
    gate: int = subprocess.DEVNULL
    """Standard input of what needs a prepared database: it loads, and then waits until this ends (`csbot.gate`)."""

    def python(self, *arguments: str) -> Launch:
        """Return the launch of one of our own Python processes."""
        return Launch((sys.executable, *arguments), folder=PROJECT, variables=self.variables)

    def gated(self, *arguments: str) -> Launch:
        """Return the launch of one that waits at the gate once it has loaded."""
        return replace(self.python(*arguments), stdin=self.gate, variables={**self.variables, WAITS: "1"})

    def prepare(self) -> Launch:
        """Migrate, and put in what a new shop needs; ends by itself."""
        return self.python("manage.py", "prepare", "--migrate")

    def web(self, address: Address) -> Launch:
        """The web process: pages, admin, sockets."""
        return self.gated("-m", "csbot.web", "--host", address.host, "--port", str(address.port))

    def worker(self, number: int) -> Launch:
        """A worker process: makes replies."""
        pool = ("--pool", "threads", "--concurrency", str(THREADS_PER_WORKER))
        name = ("--queues", "csbot", "--hostname", f"worker-{number}@%h", "--without-gossip", "--without-mingle")
        return self.gated("-m", "celery", "-A", "csbot", "worker", *pool, *name)

    def scheduler(self) -> Launch:
        """The scheduler: periodic jobs."""
        return self.python("manage.py", "scheduler")

    def simulator(self, port: int) -> Launch:
        """The stand-in for a model provider, for machines without a key."""
        return self.python("-m", "conversations.llm.simulator", "--host", "127.0.0.1", "--port", str(port))


def shared_variables(options: Options, env: Environment, *, folder: DataFolder) -> dict[str, str]:
    """Return the environment of all processes, but for the addresses of the services."""
    address = Address(options.host, options.port)
    return {
        **os.environ,
        "SECRET_KEY": env.text("SECRET_KEY") or folder.secret_key(),
        "ALLOWED_HOSTS": env.text("ALLOWED_HOSTS") or ",".join(allowed_hosts(address)),
        "CSBOT_IS_LOOPBACK": "1" if address.is_loopback() else "0",
        "CSBOT_DEMO": "1" if options.is_demo else "0",
        # Within the ten seconds in which `up` stops: a reply that takes longer is handed on to the next start.
        "CSBOT_DRAIN_SECONDS": env.text("CSBOT_DRAIN_SECONDS", default="2"),
        "PYTHONUNBUFFERED": "1",
        **bytecode_variables(env, folder=folder),
    }


def bytecode_variables(env: Environment, *, folder: DataFolder) -> dict[str, str]:
    """Let Python keep compiled modules in the data folder where it is told not to write them beside the source.

    Without any, each process compiles all it imports again: two seconds a start instead of half a second.
    """
    if not sys.dont_write_bytecode or env.text("PYTHONPYCACHEPREFIX"):
        return {}
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder.bytecode)}


def has_provider(env: Environment) -> bool:
    """Say whether a model provider's key is set; without one the simulator answers."""
    return bool(env.words("DEEPSEEK_API_KEY") or env.words("OPENAI_API_KEY"))
