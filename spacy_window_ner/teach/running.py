"""Run the server of the page, and open a browser."""

import socket
import sys
import webbrowser
from types import FrameType

import uvicorn
from fastapi import FastAPI
from wasabi import msg

from ..serve.app import SECONDS_TO_STOP


class _Server(uvicorn.Server):
    """A server that prints its address once it has started."""

    said = ""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.config.app.state.is_stopping = True  # ends requests that wait for the pipeline
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.started:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        msg.good(f"{self.said}: {url} (press Ctrl+C to stop)")
        sys.stdout.flush()
        if sys.stdin.isatty() and sys.stdout.isatty():
            webbrowser.open(url)


def run(app: FastAPI, host: str, port: int, said: str) -> None:
    """Serve an app until it is stopped. If run in a terminal, this opens a browser.

    app (FastAPI): The app.
    host (str): The address to listen on.
    port (int): The port; 0 for any free port.
    said (str): Text to print before the address of the page.
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
