"""The service on the web: what is asked at which address, and what is refused."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse

from ..about import __version__
from ..inspect.page import colors_of, render
from .guard import Guard, hosts_for
from .schema import Failure, Health, Question, ReadResults, Why
from .service import Service
from .worker import QueueFullError, Worker

# How long requests that are at work have when the service is stopped.
SECONDS_TO_STOP = 30
# All texts of a request together may be so many times as long as one.
TOGETHER = 10
# An explanation takes a thousand times as long as reading.
MAX_EXPLAINED = 2_000
# A character takes no more bytes of JSON, written as two escapes; and what is around the texts.
_BYTES_EACH, _BYTES_AROUND = 12, 100_000

# What is on the page of an English pipeline when it opens.
EXAMPLE = (
    "Nadia Okafor left the University of Leeds on 3 May 2021 to join Brightwater Energy, a small "
    "company in Porto. Two years later it was worth $40 million, and Siemens offered to buy it. "
    "Okafor said no: next week she will open a second plant near Lagos, where her parents live."
)

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """How much may be asked at a time.

    max_length (int): The most characters of a text.
    max_texts (int): The most texts of a request.
    queue (int): The most requests that are at work or wait.
    """

    max_length: int = 100_000
    max_texts: int = 100
    queue: int = 64

    def check(self, texts: list[str]) -> None:
        """RAISES (HTTPException): If the texts are too many or too long, or no Unicode."""
        if len(texts) > self.max_texts:
            raise HTTPException(
                413, f"There are {len(texts):,} texts; {self.max_texts:,} at a time are allowed."
            )
        for n, text in enumerate(texts, 1):
            if not _is_unicode(text):
                raise HTTPException(422, f"Text {n} is no Unicode: it has half a surrogate pair.")
            if len(text) > self.max_length:
                raise HTTPException(
                    413,
                    f"Text {n} has {len(text):,} characters; {self.max_length:,} are allowed.",
                )
        if sum(map(len, texts)) > TOGETHER * self.max_length:
            raise HTTPException(
                413,
                f"The texts together have {sum(map(len, texts)):,} characters; "
                f"{TOGETHER * self.max_length:,} at a time are allowed.",
            )


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf8")
    except UnicodeEncodeError:
        return False
    return True


def make_app(
    service: Service,
    *,
    title: str = "window-ner",
    limits: Limits | None = None,
    host: str = "127.0.0.1",
) -> FastAPI:
    """Make the web app of a service.

    service (Service): The service.
    title (str): The name of the pipeline, for the page.
    limits (Optional[Limits]): How much may be asked at a time.
    host (str): The address that it will listen at. At this computer's own, it answers only those
        who ask for this computer by name.
    RETURNS (FastAPI): The app.
    """
    limits = limits or Limits()
    worker = Worker(limits.queue)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        worker.close()

    app = FastAPI(title=title, version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.worker = worker
    max_bytes = _BYTES_EACH * TOGETHER * limits.max_length + _BYTES_AROUND
    app.add_middleware(Guard, max_bytes=max_bytes, hosts=hosts_for(host))
    add_errors(app)
    _add_pages(app, service, title, limits, worker)
    _add_answers(app, service, limits, worker)
    return app


def _add_answers(app: FastAPI, service: Service, limits: Limits, worker: Worker) -> None:
    """Add what is answered by the worker."""
    failing = failures(
        {
            413: "Too much at a time",
            422: "Something is wrong with the question",
            503: "Too many requests wait already",
        }
    )

    @app.post(
        "/entities",
        response_model=ReadResults,
        response_model_exclude_unset=True,
        responses=failing,
        summary="Find the entities of texts",
    )
    async def entities(question: Question) -> Any:
        texts = [question.text] if isinstance(question.text, str) else question.text
        limits.check(texts)
        found = await ask(
            worker,
            service.read,
            texts,
            threshold=question.threshold,
            candidates=question.candidates,
        )
        return {"results": found}

    @app.post(
        "/explain",
        responses=failing,
        description=f"The explanation is null for texts of more than {MAX_EXPLAINED:,} characters.",
        summary="Explain why a span is an entity, or is none, and what else it could be",
    )
    async def explain(why: Why) -> dict[str, Any]:
        limits.check([why.text])
        return await ask(
            worker,
            service.explain,
            why.text,
            why.start,
            why.end,
            why.label,
            threshold=why.threshold,
            alternatives_alone=len(why.text) > MAX_EXPLAINED,
        )


def failures(descriptions: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Describe how questions can fail, for the description of the interface.

    descriptions (Mapping[int, str]): The reason by status.
    RETURNS (Dict[Union[int, str], Dict[str, Any]]): What FastAPI takes as `responses`.
    """
    return {
        status: {"model": Failure, "description": text} for status, text in descriptions.items()
    }


def add_status(app: FastAPI, kind: type[Exception], status: int) -> None:
    """Answer errors of a kind with a status, and what they say.

    app (FastAPI): The app.
    kind (type): The kind of error.
    status (int): The status.
    """

    @app.exception_handler(kind)
    async def answer(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status)


async def ask(worker: Worker, function: Callable[..., T], *args: Any, **settings: Any) -> T:
    """Let the worker call a function.

    worker (Worker): The worker.
    function (Callable): The function, called with the arguments and settings that follow.
    RETURNS (Any): What it returned.
    RAISES (HTTPException): If too many requests wait, or the function raises a ValueError.
    """
    try:
        return await worker.run(function, *args, **settings)
    except QueueFullError:
        raise HTTPException(
            503, "Too many requests wait already: try again later.", {"Retry-After": "1"}
        ) from None
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _add_pages(app: FastAPI, service: Service, title: str, limits: Limits, worker: Worker) -> None:
    """Add what is answered at once."""
    own = service.component.threshold
    own = own if isinstance(own, float) else None  # there may be one for each label
    page = render(
        "serve.html",
        "serve.js",
        connect="'self'",
        name=title,
        labels=service.labels,
        colors=colors_of(service.labels),
        example=EXAMPLE if service.nlp.lang == "en" else "",
        threshold=own,
        start=0.5 if own is None else round(own, 2),
        max_length=limits.max_length,
        max_explained=MAX_EXPLAINED,
    )

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index() -> str:
        return page

    @app.get("/healthz", response_model=Health, summary="Whether the service is there")
    async def healthz() -> Any:
        return {
            "status": "ok",
            "pipeline": title,
            "labels": service.labels,
            "waiting": worker.waiting,
        }


def add_errors(app: FastAPI) -> None:
    """Say what is wrong, without repeating what was asked: it may be long, and no valid text.

    app (FastAPI): The app whose errors are answered.
    """

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        if error.errors()[0]["type"] == "json_invalid":
            place = error.errors()[0]["loc"][-1]
            return JSONResponse({"detail": f"The body is no JSON, from character {place} on."}, 422)
        places = [
            (".".join(str(part) for part in one["loc"] if part != "body"), one["msg"])
            for one in error.errors()[:5]
        ]
        text = "; ".join(f"{place}: {said}" if place else said for place, said in places)
        return JSONResponse({"detail": text.encode("utf8", "replace").decode("utf8")}, 422)

    @app.exception_handler(400)
    async def unreadable(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"detail": "The body is no JSON in UTF-8, or nested too deeply."}, 422)

    @app.exception_handler(RuntimeError)
    async def failed(_: Request, error: RuntimeError) -> JSONResponse:
        logging.getLogger("uvicorn.error").error("The pipeline failed: %s", error)
        return JSONResponse({"detail": "The pipeline failed on this text."}, 500)
