"""`python -m spacy window-ner serve`: a pipeline as a service on the web."""

from pathlib import Path
from typing import Any

from spacy import util
from wasabi import msg

from .components import find_name

# How long requests that are at work have when the service is stopped.
SECONDS_TO_STOP = 30


def serve(
    model: str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    max_length: int = 100_000,
    max_texts: int = 100,
    queue: int = 64,
    name: str | None = None,
) -> None:
    """Serve a pipeline until the process is told to stop.

    model (str): Name or path of the pipeline.
    host (str): The address to listen at.
    port (int): The port.
    max_length (int): The most characters of a text.
    max_texts (int): The most texts of a request.
    queue (int): The most requests that are at work or wait.
    name (Optional[str]): The name of the component; that of the only `window_ner` if None.
    RAISES (SystemExit): With a message, if FastAPI or uvicorn is missing, or something is wrong
        with the input.
    """
    try:
        import uvicorn

        from ..serve.app import Limits
    except ImportError as error:
        msg.fail(
            f"serve needs FastAPI and uvicorn ({error})",
            "Install them: pip install 'spacy-window-ner[serve]'",
            exits=1,
        )
    app = load_app(model, Limits(max_length, max_texts, queue), host=host, name=name)
    shown = f"[{host}]" if ":" in host else host
    msg.good(f"Serving {model}: http://{shown}:{port} (stop with Ctrl+C)")
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )


def load_app(model: str, limits: Any, *, host: str = "127.0.0.1", name: str | None = None) -> Any:
    """Load a pipeline, and make its app.

    model (str): Name or path of the pipeline.
    limits (Limits): How much may be asked at a time.
    host (str): The address that it will listen at.
    name (Optional[str]): The name of the component; that of the only `window_ner` if None.
    RETURNS (FastAPI): The app.
    RAISES (SystemExit): With a message, if the pipeline does not fit.
    """
    from ..serve.app import make_app
    from ..serve.service import Service

    nlp = util.load_model(model)
    if limits.max_length > nlp.max_length:
        msg.fail(
            f"--max-length is {limits.max_length:,}, but the pipeline reads no more than "
            f"{nlp.max_length:,} characters (nlp.max_length)",
            exits=1,
        )
    try:
        service = Service(nlp, find_name(nlp, name))
    except ValueError as error:
        msg.fail(f"Cannot serve {model}", str(error), exits=1)
    title = Path(model).name if Path(model).exists() else model
    return make_app(service, title=title, limits=limits, host=host)
