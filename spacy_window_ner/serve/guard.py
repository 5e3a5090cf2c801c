"""What is refused before it is read: bodies that are too large, and pages of other origins."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Guard:
    """An ASGI app before another one.

    A browser lets any page send requests to any address, and tells the page's origin. A page can
    also give its own name the address of this computer (DNS rebinding): so where only this computer
    is to have access, the name that was asked for must be one of this computer.

    app (ASGIApp): The app.
    max_bytes (int): The most bytes of a body.
    hosts (Optional[Collection[str]]): The names that may be asked for; None for any.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, hosts: Collection[str] | None) -> None:
        self.app, self.max_bytes, self.hosts = app, max_bytes, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or refuse it."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return None
        headers = {key.lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refused = self._refused(headers)
        messages: list[Message] = []
        if refused is None:
            messages, size = await _read(receive, self.max_bytes)
            if size > self.max_bytes:
                refused = self._too_large()
        if refused is not None:
            return await refused(scope, receive, send)

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"x-frame-options", b"DENY"),
                    (b"cache-control", b"no-store"),
                ]
            await send(message)

        return await self.app(scope, replay, send_with_headers)

    def _refused(self, headers: dict[bytes, str]) -> JSONResponse | None:
        """The answer to what is refused by its headers."""
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if self.hosts is not None and _name(f"//{host}") not in self.hosts:
            return _message(403, f"The service is not for the host {host!r}.")
        # Requests without an origin are not those of a page, or of one of this address.
        if origin is not None and origin.partition("://")[2] != host:
            return _message(403, "The service is not for pages of other origins.")
        length = headers.get(b"content-length", "0")
        if length.isdecimal() and int(length) > self.max_bytes:
            return self._too_large()
        return None

    def _too_large(self) -> JSONResponse:
        return _message(413, f"The request has more than {self.max_bytes:,} bytes: divide it.")


def hosts_for(address: str, others: Collection[str] = ()) -> Collection[str] | None:
    """Find the names by which a service may be asked for.

    address (str): Where it listens.
    others (Collection[str]): Other names, by which a proxy asks.
    RETURNS (Optional[Collection[str]]): The names; None for any, where the address is not this
        computer's own.
    """
    return {*LOOPBACK, *others} if address in LOOPBACK else None


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _message(status: int, text: str) -> JSONResponse:
    return JSONResponse({"detail": text}, status)


async def _read(receive: Receive, most: int) -> tuple[list[Message], int]:
    """The messages of a body and its size, no further than it may be."""
    messages, size = [], 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > most or not message.get("more_body", False):
            return messages, size
