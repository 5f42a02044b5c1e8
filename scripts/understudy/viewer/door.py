"""The way into the live view: one address with a secret in it, for those alone who were given it.

viser itself lets in every page of every site and every user of the machine. It serves by ``websockets.asyncio.server.serve``;
while it starts, ``Door.guarding`` puts its own rules in there, and refuses a viser that opens its server in another way.
"""

import errno
import ipaddress
import logging
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import websockets.asyncio.server as websocket_server
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response
from websockets.typing import Data, Subprotocol

from understudy.commands import called
from understudy.errors import InputError

logger = logging.getLogger(__name__)

MOST_VIEWERS = 16
"""Browsers that look on at once: every one gets all Gaussians of all pictures."""
MOST_CONNECTIONS = 256
"""Connections at once, those included that have not said yet what they want; each takes a file descriptor."""
MOST_BYTES = 1 << 16
"""Size of a message from a browser; honest ones have a few hundred bytes."""
PORTS = 1000
"""So many are tried."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
}
"""Of all answers, so that neither the page nor its address is kept, sent on or shown inside another page."""
REFUSED = "This view opens to those alone who have its whole address, as `understudy view` printed it.\n"
HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::\d{1,5})?", re.IGNORECASE | re.ASCII)

Heard = Callable[[Data], bytes | None]
"""What of a browser's message is passed on; None for nothing."""

_one_at_a_time = threading.Lock()


class Door:
    """A socket that listens, and who may come in.

    Raises:
        InputError: There is no such host or port, or all ports are taken.
    """

    def __init__(self, host: str, port: int) -> None:
        """Listen at a name or address; at the next free port where this one is taken."""
        self.socket = _listening(host, port)
        self._token = secrets.token_urlsafe(32)
        address = ipaddress.ip_address(self.socket.getsockname()[0])
        self._addresses = [address]
        self.local = address.is_loopback
        """Whether this machine alone can reach it."""
        self._names = {"localhost", host.lower()}
        if address.is_unspecified:
            own = socket.gethostname().lower()
            self._names = {"localhost", own, f"{own}.local"}
            loopback = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
            self._addresses = [loopback, *_seen_from_outside(self.socket.family)]

    @property
    def urls(self) -> list[str]:
        """Addresses to open, with the secret in them; that of this machine comes first.

        They have numbers, since another user of the machine might listen at another address of the same name.
        """
        port = self.socket.getsockname()[1]
        hosts = (f"[{one}]" if one.version == 6 else str(one) for one in self._addresses)
        return [f"http://{host}:{port}/{self._token}" for host in hosts]

    def admits(self, connection: ServerConnection, request: Request) -> bool:
        """Whether a request has the secret, is for this server, and comes from its own page or from no page.

        A page of another site has another Origin. One whose name was made to lead here (DNS rebinding) has its name for Host.
        """
        path = request.path.partition("?")[0].removesuffix("/")
        known = secrets.compare_digest(path.encode(errors="surrogateescape"), f"/{self._token}".encode())
        hosts, origins = request.headers.get_all("Host"), request.headers.get_all("Origin")
        if not known or len(hosts) != 1 or len(origins) > 1 or not self._own(hosts[0], connection.local_address[0]):
            return False
        return not origins or origins[0].lower() in {f"{scheme}://{hosts[0].lower()}" for scheme in ("http", "https")}

    def _own(self, host: str, here: str) -> bool:
        """Whether a Host is this server's, reached at an address of this machine; ports may be forwarded from others."""
        parts = HOST.fullmatch(host)
        if parts is None:
            return False
        try:
            address = ipaddress.ip_address(parts["v6"] or parts["name"])
        except ValueError:
            return (parts["name"] or "").lower() in self._names
        return str(address) in {"127.0.0.1", "::1", str(ipaddress.ip_address(here.partition("%")[0]))}

    @contextmanager
    def guarding(self, heard: Heard, subprotocol: str) -> Iterator[None]:
        """Whoever calls ``websockets.asyncio.server.serve`` meanwhile, in any thread, serves at this door by its rules.

        Args:
            heard: What of each message is passed on.
            subprotocol: The only one that is spoken.

        Raises:
            InputError: Nobody called it.
        """
        calls = []

        def serve(handler: Callable[[ServerConnection], Any], *_: Any, **options: Any) -> Any:
            calls.append(handler)
            return original(_quietly(handler), **self._rules(options, heard, subprotocol))

        with _one_at_a_time:
            original: Any = websocket_server.serve
            setattr(websocket_server, "serve", serve)  # noqa: B010  # a class for type checkers
            try:
                yield
            finally:
                setattr(websocket_server, "serve", original)  # noqa: B010
        if len(calls) != 1:
            raise InputError(
                f"this viser cannot be kept to those who may look: {called('pip')} install -e '.[viewer]' in"
                " Understudy's folder, or write a page with --page."
            )

    def _rules(self, options: dict[str, Any], heard: Heard, subprotocol: str) -> dict[str, Any]:
        page: Any = options.get("process_request")

        def answer(connection: ServerConnection, request: Request) -> Response | None:
            if not self.admits(connection, request):
                return connection.respond(403, REFUSED)
            if len(connection.server.connections) >= MOST_VIEWERS:
                return connection.respond(503, f"{MOST_VIEWERS} browsers look on already.\n")
            return page(connection, replace(request, path="/"))

        def with_headers(connection: ServerConnection, request: Request, response: Response) -> None:
            response.headers.update(HEADERS)

        class Connection(ServerConnection):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                if len(self.server.handlers) > MOST_CONNECTIONS:
                    transport.abort()

            async def recv(self, decode: bool | None = None) -> Any:
                while True:
                    message = heard(await super().recv(decode))
                    if message is not None:
                        return message

        return {
            **options,
            "sock": self.socket,
            "process_request": answer,
            "process_response": with_headers,
            "subprotocols": [Subprotocol(subprotocol)],
            "select_subprotocol": None,
            "create_connection": Connection,
            "max_size": MOST_BYTES,
            "close_timeout": 1,
            "server_header": None,
            "logger": _silent(),
        }


def _quietly(handler: Callable[[ServerConnection], Any]) -> Callable[[ServerConnection], Any]:
    """A handler whose errors end one connection and are one line, without what the browser said."""

    async def handle(connection: ServerConnection) -> None:
        try:
            await handler(connection)
        except Exception as error:
            logger.warning("a browser of the live view was cut off (%s)", type(error).__name__)

    return handle


def _silent() -> logging.Logger:
    """A logger that nobody listens to: websockets logs whole requests, whose paths have the secret."""
    silent = logging.Logger("understudy.viewer.connections")
    silent.addHandler(logging.NullHandler())
    return silent


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise InputError(f"--port is {port}; it must be between 0 and 65535.")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, ValueError) as error:
        raise InputError(f"--host {host!r} is not a name or address of this machine ({error}).") from None
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    last = min(port + PORTS, 65536) - 1
    for number in range(port, last + 1):
        try:
            return socket.create_server((address[0], number, *address[2:]), family=family)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise InputError(
                    f"nothing can listen at {host}:{number} ({error.strerror}); choose another --host or --port."
                ) from None
    raise InputError(f"all ports of {host} from {port} to {last} are taken; choose another --port.")


def _seen_from_outside(family: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """This machine's address in its network; none without a network."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1" if family == socket.AF_INET else "2001:db8::1", 9))  # sends nothing
        except OSError:
            return []
        address = ipaddress.ip_address(probe.getsockname()[0])
    return [] if address.is_loopback else [address]
