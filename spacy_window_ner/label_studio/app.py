"""The web app of the ML backend: its endpoints, and the requests that it rejects."""

import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from ..about import __version__
from ..serve.app import add_errors, add_status, failures
from ..serve.guard import Guard, hosts_for
from ..serve.worker import Worker
from ..teach.store import MissingError
from .backend import Backend
from .client import Studio
from .config import read_label_config
from .projects import Projects
from .schema import Event, Predict, Predictions, Setup, Train, Validate, Version

# Label Studio sends all tasks of a project at once, with all that is annotated in them.
MAX_BYTES = 200_000_000
_FAILURES = failures(
    {
        404: "The project does not exist",
        409: "The address of Label Studio is unknown",
        422: "The request is invalid",
        503: "Too many requests are waiting",
    }
)


def make_label_studio_app(
    projects: Projects,
    *,
    host: str = "127.0.0.1",
    public_hosts: Collection[str] = (),
    queue: int = 64,
    login: tuple[str, str] | None = None,
    studio: Studio | None = None,
) -> FastAPI:
    """Make the web app of an ML backend.

    projects (Projects): The projects.
    host (str): The address to listen on. If it is a loopback address, only requests to a loopback
        host name or to one of `public_hosts` are accepted.
    public_hosts (Collection[str]): Other host names to accept.
    queue (int): Maximum number of requests that are running or waiting.
    login (Optional[Tuple[str, str]]): The user name and password that requests must have.
    studio (Optional[Studio]): The Label Studio to get annotations from; see `Backend`.
    RETURNS (FastAPI): The app.
    """
    worker = Worker(queue)
    backend = Backend(projects, worker, studio)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        backend.start()
        yield
        await backend.close()
        worker.close()

    app = FastAPI(
        title="window-ner for Label Studio",
        version=__version__,
        lifespan=lifespan,
        redoc_url=None,
        dependencies=[] if login is None else [Depends(_asks_for(login))],
    )
    app.state.backend = backend
    app.add_middleware(Guard, max_bytes=MAX_BYTES, hosts=hosts_for(host, public_hosts))
    add_errors(app)
    add_status(app, MissingError, 404)
    _add_questions(app, backend)
    return app


def _asks_for(login: tuple[str, str]) -> Any:
    """A dependency that rejects requests without the user name and password."""
    basic = HTTPBasic()

    def check(given: Annotated[HTTPBasicCredentials, Depends(basic)]) -> None:
        user, password = (
            secrets.compare_digest(one.encode(), other.encode())
            for one, other in zip((given.username, given.password), login, strict=True)
        )
        if not (user and password):
            raise HTTPException(
                401,
                "The user name or password is wrong. Check the settings of the ML backend in Label "
                "Studio.",
                {"WWW-Authenticate": "Basic"},
            )

    return check


def _add_questions(app: FastAPI, backend: Backend) -> None:
    """Add the endpoints that Label Studio uses."""

    @app.get("/health", summary="Check that the backend is running")
    @app.get("/", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "UP", "model_class": "window_ner"}

    @app.post("/setup", response_model=Version, responses=_FAILURES, summary="Connect a project")
    async def setup(question: Setup) -> Any:
        return {"model_version": await backend.setup(question)}

    @app.post("/validate", responses=_FAILURES, summary="Check a labeling config")
    async def validate(question: Validate) -> dict[str, str]:
        try:
            read_label_config(question.config)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return {"status": "ok"}

    @app.post("/predict", response_model=Predictions, responses=_FAILURES, summary="Predict tasks")
    async def predict(question: Predict) -> Any:
        return {"results": await backend.predict(question)}

    @app.post("/train", status_code=201, responses=_FAILURES, summary="Train on all annotations")
    async def train(question: Train) -> dict[str, str]:
        await backend.train(question)
        return {"status": "stored"}

    @app.post(
        "/webhook", status_code=201, responses=_FAILURES, summary="Handle an event in Label Studio"
    )
    async def webhook(event: Event) -> dict[str, str]:
        return {"status": await backend.event(event)}
