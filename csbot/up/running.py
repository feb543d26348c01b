"""One run of `up`: what starts when, what the person at the terminal is told, and the end."""

import asyncio
import shutil
import signal
import time
from pathlib import Path
from typing import Final

from csbot.embedded import Service, postgres_service, redis_service, service_account, socket_folder
from csbot.environment import current_environment
from csbot.up.address import Address, free_loopback_port, own_names
from csbot.up.folder import DataFolder
from csbot.up.gate import Gate
from csbot.up.options import Options
from csbot.up.output import say
from csbot.up.plan import Plan, has_provider, shared_variables
from csbot.up.problems import UpError
from csbot.up.readiness import ask_readiness, host_header_for
from csbot.up.records import drop_stale_lock
from csbot.up.supervisor import Child, Stage, Supervisor

SERVICE_SECONDS: Final = 300.0
READY_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.01
ASK_EVERY_SECONDS: Final = 0.2
REMIND_SECONDS: Final = 5.0
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What other commands need to use the running services.
TOLD: Final = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "CSBOT_IS_LOOPBACK", "CSBOT_DEMO")


async def run(options: Options, folder: DataFolder) -> None:
    """Run everything until a signal or until it cannot go on. Raises UpError, EmbeddedError."""
    asked = asyncio.Event()
    sockets = socket_folder(folder.sockets)
    try:
        async with Supervisor(folder, shows_all=options.is_verbose) as supervisor:
            listen_for_signals(asked, supervisor)
            stopping = asyncio.create_task(asked.wait())
            working = asyncio.create_task(Up(options, folder, supervisor=supervisor, sockets=sockets).work())
            await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
            say("Stopping.")
            stopping.cancel()
            if not working.done():
                working.cancel()
                return
            await working
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def listen_for_signals(asked: asyncio.Event, supervisor: Supervisor) -> None:
    """Let the first signal ask for a clean stop and a second one for a quick one."""

    def take_signal() -> None:
        if asked.is_set():
            supervisor.hurry()
        asked.set()

    for what in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(what, take_signal)


class Up:
    """What one run knows."""

    def __init__(self, options: Options, folder: DataFolder, *, supervisor: Supervisor, sockets: Path) -> None:
        self.options = options
        self.folder = folder
        self.supervisor = supervisor
        self.sockets = sockets
        self.env = current_environment()
        self.address = Address(options.host, options.port)
        self.gate = Gate()
        self.plan = Plan(shared_variables(options, self.env, folder=folder), gate=self.gate.way_through)
        self.began = time.monotonic()

    async def work(self) -> None:
        """Bring everything up, then watch until something gives up. Raises UpError, EmbeddedError."""
        bringing_up = asyncio.create_task(self.bring_up())
        try:
            await asyncio.wait({bringing_up, self.supervisor.failed}, return_when=asyncio.FIRST_COMPLETED)
            if bringing_up.done():
                await bringing_up
            await self.supervisor.failed
        finally:
            bringing_up.cancel()
            self.gate.open()

    async def bring_up(self) -> None:
        """Start the services, prepare the database, start our own processes, wait until a message can be answered.

        Our processes load while the database is prepared. Not on the first start: each would compile for itself what
        `prepare` compiles for all.
        """
        say(f"csbot: data folder {self.folder.path}")
        loads_early = self.folder.has_served
        self.start_simulator()
        services = self.start_services()
        if loads_early:
            self.start_processes()
        await asyncio.gather(*(self.until_service_ready(service, child) for service, child in services))
        self.folder.write_environment({name: self.plan.variables[name] for name in self.told()})
        await self.prepare()
        if not loads_early:
            self.start_processes()
        self.gate.open()
        await self.until_ready()
        self.supervisor.has_been_ready = True
        self.start_scheduler()
        self.announce()

    def told(self) -> list[str]:
        """Return the names of the variables that other commands need."""
        return [name for name in (*TOLD, "CSBOT_SIMULATOR_URL") if name in self.plan.variables]

    def start_simulator(self) -> None:
        """Start the stand-in for a provider where no key is set, and say so."""
        if has_provider(self.env):
            return
        port = free_loopback_port()
        self.plan.variables["CSBOT_SIMULATOR_URL"] = f"http://127.0.0.1:{port}/v1"
        say("csbot: no DEEPSEEK_API_KEY or OPENAI_API_KEY: the bundled simulator answers (a development tool)")
        self.supervisor.keep(self.supervisor.add("simulator", self.plan.simulator(port), stage=Stage.SUPPORT))

    def start_services(self) -> list[tuple[Service, Child]]:
        """Start the PostgreSQL and Redis that the environment doesn't name, and return them. Raises EmbeddedError."""
        account = service_account(self.folder.postgres)
        started = []
        if self.env.text("REDIS_URL"):
            say("csbot: using the Redis that REDIS_URL names")
        else:
            redis = redis_service(self.sockets, account=account)
            started.append(self.start_service(redis, variable="REDIS_URL", stage=Stage.SUPPORT))
        if self.env.text("DATABASE_URL"):
            say("csbot: using the PostgreSQL that DATABASE_URL names")
        else:
            if not self.folder.postgres.exists():
                say("csbot: making the database")
            drop_stale_lock(self.folder.postgres)
            postgres = postgres_service(self.folder.postgres, self.sockets, account=account)
            started.append(self.start_service(postgres, variable="DATABASE_URL", stage=Stage.TRUTH))
        return started

    def start_service(self, service: Service, *, variable: str, stage: Stage) -> tuple[Service, Child]:
        """Start one service and let all processes know its address."""
        self.plan.variables[variable] = service.url
        child = self.supervisor.add(service.name, service.launch, stage=stage, stop_signal=service.stop_signal)
        self.supervisor.keep(child)
        return service, child

    async def until_service_ready(self, service: Service, child: Child) -> None:
        """Wait until a service accepts connections. Raises UpError when it takes too long."""
        patience = Patience(SERVICE_SECONDS)
        while not (child.pid and service.is_ready(child.pid)):
            patience.check(f"{service.name} to accept connections")
            await asyncio.sleep(POLL_SECONDS)

    async def prepare(self) -> None:
        """Migrate and fill the database; what this prints (a new account's password) goes to the terminal only."""
        say("csbot: preparing the database")
        await self.supervisor.run_once("prepare", self.plan.prepare())

    def start_processes(self) -> None:
        """Start what a message needs to be answered, all at once."""
        count = self.options.workers
        say(f"csbot: starting web and {count} worker{'s' * (count > 1)}")
        names = ["worker"] if count == 1 else [f"worker-{number}" for number in range(1, count + 1)]
        launches = [(name, self.plan.worker(number)) for number, name in enumerate(names, start=1)]
        self.supervisor.keep(
            self.supervisor.add("web", self.plan.web(self.address), stage=Stage.DOORS),
            *(self.supervisor.add(name, launch, stage=Stage.WORK) for name, launch in launches),
        )

    def start_scheduler(self) -> None:
        """Start what no message waits for, once it takes nothing away from what one does wait for."""
        self.supervisor.keep(self.supervisor.add("scheduler", self.plan.scheduler(), stage=Stage.WORK))

    async def until_ready(self) -> None:
        """Wait until the web process says that a message can be answered. Raises UpError when it takes too long."""
        host_header = host_header_for(self.plan.variables["ALLOWED_HOSTS"].split(","), self.address)
        patience = Patience(READY_SECONDS)
        while lacking := await ask_readiness(self.address, host_header=host_header):
            patience.check(", ".join(lacking))
            await asyncio.sleep(ASK_EVERY_SECONDS)

    def announce(self) -> None:
        """Say where csbot is."""
        say(f"ready {self.address.url}")
        say(f"csbot: ready after {time.monotonic() - self.began:.1f} s; Ctrl-C stops everything")
        if self.address.is_everywhere():
            say(f"csbot: open to the network as {', '.join(own_names())}; more names: ALLOWED_HOSTS")


class Patience:
    """How long to wait for something, reminding the person at the terminal what for."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.seconds = seconds
        self.reminds = time.monotonic() + REMIND_SECONDS

    def check(self, what: str) -> None:
        """Say now and then what is waited for. Raises UpError when it has taken too long."""
        now = time.monotonic()
        if now > self.ends:
            raise UpError(f"Waited {self.seconds:.0f} s in vain for {what}: see the logs in the data folder.")
        if now > self.reminds:
            self.reminds = now + REMIND_SECONDS
            say(f"csbot: waiting for {what}")
