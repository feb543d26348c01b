"""The address that `up` listens on: is it free, is it loopback, which Host headers belong to it."""

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Final

from csbot.up.problems import UpError

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
# Documentation addresses: "connecting" a UDP socket sends nothing, it only asks which of our addresses faces there.
FAR_AWAY: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


@dataclass(frozen=True)
class Address:
    """Where the web process listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Return the address as people write it."""
        return f"http://{bracketed(self.host)}:{self.port}"

    @property
    def local_host(self) -> str:
        """Return a host by which this machine reaches the server."""
        if self.host in {"0.0.0.0", ""}:  # noqa: S104 - compared, not bound
            return "127.0.0.1"
        return "::1" if self.host == "::" else self.host

    def is_loopback(self) -> bool:
        """Say whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def is_everywhere(self) -> bool:
        """Say whether the server listens on all addresses of the machine."""
        return self.host in {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound


def bracketed(host: str) -> str:
    """Return a host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def check_free(address: Address) -> None:
    """Raise UpError where nothing can listen on the address."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
            probe.listen()
        except OSError as error:
            raise UpError(sentence_for(error, address)) from error


def sentence_for(error: OSError, address: Address) -> str:
    """Return what an operator can do about an address that cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {address.port} on {address.host} is already in use: choose another with --port."
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"This user may not listen on port {address.port}: choose one above 1023 with --port."
    return f"Nothing can listen on {address.host}, port {address.port}: {error.strerror}."


def free_loopback_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def allowed_hosts(address: Address) -> list[str]:
    """Return the Host headers to accept where ALLOWED_HOSTS is not set."""
    if address.is_loopback():
        return list(LOOPBACK_HOSTS)
    own = own_names() if address.is_everywhere() else [address.host]
    return [*LOOPBACK_HOSTS, *(bracketed(name) for name in own)]


def own_names() -> list[str]:
    """Return this machine's name and its addresses as seen from outside."""
    names = [os.uname().nodename]
    for family, target in FAR_AWAY:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
            except OSError:
                continue
            names.append(str(probe.getsockname()[0]))
    return names
