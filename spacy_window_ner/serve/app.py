"""The web app of the service: its endpoints, and the requests that it rejects."""

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

# Seconds that running requests have to finish when the service is stopped.
SECONDS_TO_STOP = 30
# The maximum length of all texts of a request, as a multiple of that of a single text.
TOGETHER = 10
# An explanation takes a thousand times as long as a prediction.
MAX_EXPLAINED = 2_000
# Maximum bytes per character in JSON (two escapes), and of everything around the texts.
_BYTES_EACH, _BYTES_AROUND = 12, 100_000

# The initial text on the page of an English pipeline.
EXAMPLE = (
    "Nadia Okafor left the University of Leeds on 3 May 2021 to join Brightwater Energy, a small "
    "company in Porto. Two years later it was worth $40 million, and Siemens offered to buy it. "
    "Okafor said no: next week she will open a second plant near Lagos, where her parents live."
)

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """Limits on requests.

    max_length (int): Maximum number of characters per text.
    max_texts (int): Maximum number of texts per request.
    queue (int): Maximum number of requests that are running or waiting.
    """

    max_length: int = 100_000
    max_texts: int = 100
    queue: int = 64

    def check(self, texts: list[str]) -> None:
        """RAISES (HTTPException): If texts are too many or too long, or are not valid Unicode."""
        if len(texts) > self.max_texts:
            raise HTTPException(
                413,
                f"The request has {len(texts):,} texts, but at most {self.max_texts:,} are "
                f"allowed. Send them in several requests.",
            )
        for n, text in enumerate(texts, 1):
            if not _is_unicode(text):
                raise HTTPException(
                    422,
                    f"Text {n} is not valid Unicode: it contains an unpaired surrogate. Remove it.",
                )
            if len(text) > self.max_length:
                raise HTTPException(
                    413,
                    f"Text {n} has {len(text):,} characters, but at most {self.max_length:,} are "
                    f"allowed. Split the text.",
                )
        if sum(map(len, texts)) > TOGETHER * self.max_length:
            raise HTTPException(
                413,
                f"The texts have {sum(map(len, texts)):,} characters in total, but at most "
                f"{TOGETHER * self.max_length:,} are allowed. Send them in several requests.",
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
    limits (Optional[Limits]): Limits on requests.
    host (str): The address to listen on. If it is a loopback address, only requests to a loopback
        host name are accepted.
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
    """Add the endpoints that use the worker."""
    failing = failures(
        {
            413: "The request is too large",
            422: "The request is invalid",
            503: "Too many requests are waiting",
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
        summary="Explain why a span is or is not an entity, and list its alternatives",
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
    """Describe error responses for the OpenAPI schema.

    descriptions (Mapping[int, str]): The reason for each status code.
    RETURNS (Dict[Union[int, str], Dict[str, Any]]): The argument `responses` of FastAPI.
    """
    return {
        status: {"model": Failure, "description": text} for status, text in descriptions.items()
    }


def add_status(app: FastAPI, kind: type[Exception], status: int) -> None:
    """Answer a type of exception with a status code and its message.

    app (FastAPI): The app.
    kind (type): The type of exception.
    status (int): The status code.
    """

    @app.exception_handler(kind)
    async def answer(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status)


async def ask(worker: Worker, function: Callable[..., T], *args: Any, **settings: Any) -> T:
    """Call a function in the worker.

    worker (Worker): The worker.
    function (Callable): The function, called with the arguments and settings that follow.
    RETURNS (Any): Its return value.
    RAISES (HTTPException): If too many requests are waiting, or the function raises a ValueError.
    """
    try:
        return await worker.run(function, *args, **settings)
    except QueueFullError:
        raise HTTPException(
            503, "Too many requests are waiting. Try again later.", {"Retry-After": "1"}
        ) from None
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _add_pages(app: FastAPI, service: Service, title: str, limits: Limits, worker: Worker) -> None:
    """Add the endpoints that do not use the worker."""
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

    @app.get("/healthz", response_model=Health, summary="Check the state of the service")
    async def healthz() -> Any:
        return {
            "status": "ok",
            "pipeline": title,
            "labels": service.labels,
            "waiting": worker.waiting,
        }


def add_errors(app: FastAPI) -> None:
    """Add error responses that do not repeat the request, since it may be long or invalid.

    app (FastAPI): The app.
    """

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        if error.errors()[0]["type"] == "json_invalid":
            place = error.errors()[0]["loc"][-1]
            text = f"The request body is not valid JSON (error at character {place})."
            return JSONResponse({"detail": text}, 422)
        places = [
            (".".join(str(part) for part in one["loc"] if part != "body"), one["msg"])
            for one in error.errors()[:5]
        ]
        text = "; ".join(f"{place}: {said}" if place else said for place, said in places)
        return JSONResponse({"detail": text.encode("utf8", "replace").decode("utf8")}, 422)

    @app.exception_handler(400)
    async def unreadable(_: Request, __: Exception) -> JSONResponse:
        text = "The request body is not valid JSON in UTF-8, or is nested too deeply."
        return JSONResponse({"detail": text}, 422)

    @app.exception_handler(RuntimeError)
    async def failed(_: Request, error: RuntimeError) -> JSONResponse:
        logging.getLogger("uvicorn.error").error("The pipeline failed: %s", error)
        text = "The pipeline failed on this text. See the log of the server for the error."
        return JSONResponse({"detail": text}, 500)
