"""Rejects requests with large bodies and requests from pages of other origins."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Guard:
    """ASGI middleware that checks requests.

    A browser lets any page send requests to any address, and sends the page's origin along. A page
    can also resolve its own host name to this computer (DNS rebinding), so the host name of
    requests is checked too if only this computer should have access.

    app (ASGIApp): The app.
    max_bytes (int): Maximum size of a request body.
    hosts (Optional[Collection[str]]): The accepted host names; None for any.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, hosts: Collection[str] | None) -> None:
        self.app, self.max_bytes, self.hosts = app, max_bytes, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle or reject a request."""
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
        """The response to a request that is rejected because of its headers."""
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if self.hosts is not None and _name(f"//{host}") not in self.hosts:
            return _message(
                403,
                f"Requests to the host {host!r} are not accepted. Use localhost, or allow this "
                f"host name when you start the server.",
            )
        # Requests without an origin do not come from a page, or come from a page of this server.
        if origin is not None and origin.partition("://")[2] != host:
            return _message(403, "Requests from pages of other origins are not accepted.")
        length = headers.get(b"content-length", "0")
        if length.isdecimal() and int(length) > self.max_bytes:
            return self._too_large()
        return None

    def _too_large(self) -> JSONResponse:
        return _message(
            413, f"The request has more than {self.max_bytes:,} bytes. Split it into several."
        )


def hosts_for(address: str, others: Collection[str] = ()) -> Collection[str] | None:
    """Find the host names that a service accepts.

    address (str): The address that it listens on.
    others (Collection[str]): Other host names to accept, such as that of a proxy.
    RETURNS (Optional[Collection[str]]): The host names; None for any, if the address is not a
        loopback address.
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
    """The messages of a body and its size. Stops reading when the limit is exceeded."""
    messages, size = [], 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > most or not message.get("more_body", False):
            return messages, size
