"""`manage.py up`: everything csbot needs on one machine, from one command to one Ctrl-C.

Never reads Django's settings: it makes the environment from which its processes read theirs.
"""

import asyncio
import resource
import signal
import sys
from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from csbot.embedded import EmbeddedError
from csbot.environment import current_environment
from csbot.up.address import Address, check_free
from csbot.up.folder import opened_folder
from csbot.up.options import Options, parse_options
from csbot.up.output import say
from csbot.up.problems import UpError
from csbot.up.records import end_left_behind
from csbot.up.running import run

MOST_FILES: Final = 65536
INTERRUPTED: Final = 130


def up(arguments: Sequence[str]) -> int:
    """Run csbot until it is told to stop; return the exit code."""
    # Until the loop has handlers of its own, a SIGTERM ends this process as a Ctrl-C would.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_in_folder(parse_options(arguments, current_environment()))
    except (UpError, EmbeddedError, ImproperlyConfigured) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def run_in_folder(options: Options) -> None:
    """Check what can be checked before anything starts, then run. Raises UpError, EmbeddedError."""
    raise_file_limit()
    with opened_folder(options.data) as folder:
        check_free(Address(options.host, options.port))
        for name in end_left_behind(folder.processes):
            say(f"Ended {name}, which a killed `manage.py up` had left running.")
        try:
            asyncio.run(run(options, folder))
        finally:
            folder.environment.unlink(missing_ok=True)


def raise_file_limit() -> None:
    """Allow as many open files as the system lets us: each socket of a customer is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
