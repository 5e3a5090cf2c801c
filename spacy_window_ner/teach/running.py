"""The server of the page: where it listens, and the browser that it opens."""

import socket
import sys
import webbrowser

import uvicorn
from fastapi import FastAPI
from wasabi import msg

from ..serve.app import SECONDS_TO_STOP


class _Server(uvicorn.Server):
    """A server that says where it is once it is there."""

    said = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.started:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        msg.good(f"{self.said}: {url} (stop with Ctrl+C)")
        sys.stdout.flush()
        if sys.stdin.isatty() and sys.stdout.isatty():
            webbrowser.open(url)


def run(app: FastAPI, host: str, port: int, said: str) -> None:
    """Serve an app until it is stopped. Where there is a terminal, a browser opens.

    app (FastAPI): The app.
    host (str): The address to listen at.
    port (int): The port; 0 for any that is free.
    said (str): What to say before the address of the page.
    """
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=SECONDS_TO_STOP,
        )
    )
    server.said = said
    server.run()
