"""The web app of `teach`: its page and endpoints, and the requests that it rejects."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse

from ..about import __version__
from ..inspect.page import render
from ..serve.app import add_errors, add_status, ask, failures
from ..serve.guard import Guard, hosts_for
from ..serve.worker import Worker
from . import schema
from .checks import LONGEST_LABEL
from .session import JsonObject, Session, find_texts
from .store import ConflictError, Marked, MissingError, Store

# Maximum size of a body, and maximum number of requests that are running or waiting.
MAX_BYTES, QUEUE = 8_000_000, 64
LONGEST_ANNOTATOR = 200
_FAILURES = failures(
    {
        404: "The text does not exist",
        409: "The request conflicts with another decision",
        422: "The request is invalid",
        503: "Too many requests are waiting",
    }
)

# The interval at which a request checks whether the pipeline is finished.
_SECONDS_BETWEEN = 0.25
ExportFormat = Literal["spacy", "conll", "prodigy", "doccano", "label-studio"]

T = TypeVar("T")
Who = Callable[[Request], str]


def make_teach_app(
    session: Session,
    *,
    host: str = "127.0.0.1",
    public_hosts: Collection[str] = (),
    user_header: str | None = None,
    title: str = "teach",
) -> FastAPI:
    """Make the web app of a project.

    session (Session): The project.
    host (str): The address to listen on. If it is a loopback address, only requests to a loopback
        host name or to one of `public_hosts` are accepted.
    public_hosts (Collection[str]): Other host names to accept, such as that of a proxy.
    user_header (Optional[str]): The header in which a proxy sends the name of the annotator; None
        for a single annotator.
    title (str): The name of the project, for the page.
    RETURNS (FastAPI): The app.
    """
    worker, searcher = Worker(QUEUE), Worker(QUEUE)
    searched = Store(session.store.path, readonly=True)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for one in (worker, searcher):
            one.close()
        searched.close()

    app = FastAPI(title=title, version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.worker, app.state.is_stopping = worker, False
    app.add_middleware(Guard, max_bytes=MAX_BYTES, hosts=hosts_for(host, public_hosts))
    add_errors(app)
    add_status(app, MissingError, 404)
    add_status(app, ConflictError, 409)

    async def call(function: Callable[..., T], *args: Any) -> T:
        return await ask(worker, function, *args)

    async def find(words: str, limit: int) -> JsonObject:
        return await ask(searcher, find_texts, searched, words, limit)

    who = _annotator(user_header)
    _add_work(app, session, call, who)
    _add_rest(app, session, call, who)
    _add_search(app, find)
    _add_results(app, session, call)
    _add_page(app, session, call, title)
    return app


def _annotator(header: str | None) -> Who:
    """A function that finds the annotator of a request."""

    def found(request: Request) -> str:
        if header is None:
            return ""
        name = request.headers.get(header, "").strip()
        if not 0 < len(name) <= LONGEST_ANNOTATOR or not name.isprintable():
            raise HTTPException(
                401,
                f"The name of the annotator is missing. Configure the proxy to send it in the "
                f"header {header}.",
            )
        return name

    return found


def _add_work(
    app: FastAPI, session: Session, call: Callable[..., Any], who: Callable[[Request], str]
) -> None:
    """Add the endpoints for single texts."""
    nothing = {204: {"description": "No texts are left"}}

    @app.get("/next", response_model=schema.ShownText, responses=_FAILURES | nothing)
    async def next_text(annotator: Annotated[str, Depends(who)]) -> Any:
        return await call(session.next, annotator) or Response(status_code=204)

    @app.post("/read", response_model=schema.ShownText, responses=_FAILURES)
    async def read(question: schema.Read) -> Any:
        return await call(session.read, question.id, _marks(question.entities))

    @app.post("/decide", response_model=schema.Decided, responses=_FAILURES)
    async def decide(question: schema.Decide, annotator: Annotated[str, Depends(who)]) -> Any:
        marks = _marks(question.entities)
        settings = question.answer, marks, question.checked
        return await call(session.decide, annotator, question.id, *settings)

    @app.post("/undo", response_model=schema.ShownText, responses=_FAILURES)
    async def undo(annotator: Annotated[str, Depends(who)]) -> Any:
        return await call(session.undo, annotator)

    @app.post("/open", response_model=schema.ShownText, responses=_FAILURES)
    async def open_text(question: schema.Open, annotator: Annotated[str, Depends(who)]) -> Any:
        return await call(session.open, annotator, question.id)


def _add_rest(
    app: FastAPI, session: Session, call: Callable[..., Any], who: Callable[[Request], str]
) -> None:
    """Add the endpoints that concern all texts."""

    @app.get("/status", response_model=schema.Status)
    async def status(annotator: Annotated[str, Depends(who)]) -> Any:
        return await call(session.status, annotator)

    @app.post("/names", response_model=schema.NameCount, responses=_FAILURES)
    async def add_name(question: schema.Name) -> Any:
        return await call(session.add_name, question.text, question.label)

    @app.delete("/names", response_model=schema.NameCount, responses=_FAILURES)
    async def remove_name(question: schema.NameAlone) -> Any:
        return await call(session.remove_name, question.text)

    @app.post("/labels", response_model=schema.Labels, responses=_FAILURES)
    async def add_label(question: schema.NewLabel) -> Any:
        return await call(session.add_label, question.label)

    @app.get("/doubts", response_model=schema.Doubts)
    async def doubts() -> Any:
        return await call(session.doubts)

    @app.post("/doubts", response_model=schema.Doubts, responses=_FAILURES)
    async def answer(one: schema.DoubtAnswer, annotator: Annotated[str, Depends(who)]) -> Any:
        spans = [None if span is None else _marked(span) for span in (one.annotated, one.instead)]
        return await call(session.answer_doubt, annotator, one.id, *spans, one.take)


def _add_search(app: FastAPI, find: Callable[[str, int], Awaitable[JsonObject]]) -> None:
    @app.get("/search", response_model=schema.Results, responses=_FAILURES)
    async def search(
        q: Annotated[str, Query(max_length=1_000)],
        limit: Annotated[int, Query(ge=1, le=1_000)] = 20,
    ) -> Any:
        return await find(q, limit)


def _add_results(app: FastAPI, session: Session, call: Callable[..., Any]) -> None:
    """Add the endpoints for results."""

    @app.get("/export", response_class=Response, responses=_FAILURES)
    async def export(format: Annotated[ExportFormat, Query()] = "spacy") -> Any:
        with TemporaryDirectory() as folder:
            path = await call(session.export, format, Path(folder))
            headers = {"Content-Disposition": f'attachment; filename="{path.name}"'}
            return Response(path.read_bytes(), 200, headers, "application/octet-stream")

    @app.post("/finish", response_model=schema.Made, responses=_FAILURES)
    async def finish(request: Request) -> Any:
        await call(session.finish)
        while (found := await call(session.finished)) is None:
            await asyncio.sleep(_SECONDS_BETWEEN)
            if app.state.is_stopping or await request.is_disconnected():
                raise HTTPException(
                    503, "The server was stopped. Start it again, then click Finish again."
                )
        return found


def _add_page(app: FastAPI, session: Session, call: Callable[..., Any], title: str) -> None:
    def page() -> str:
        return render(
            "teach.html",
            "teach.js",
            connect="'self'",
            package="spacy_window_ner.teach",
            styles=["teach.css"],
            name=title,
            labels=session.store.labels,
            longest_label=LONGEST_LABEL,
        )

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index() -> Any:
        return await call(page)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "project": title}


def _marks(entities: Iterable[schema.Mark]) -> list[Marked]:
    return list(map(_marked, entities))


def _marked(one: schema.Mark) -> Marked:
    return one.start, one.end, one.label
