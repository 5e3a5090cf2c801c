"""`python -m spacy window-ner serve`: a pipeline as a service on the web."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import import_code
from wasabi import msg

from .inputs import explained, load_component
from .options import Code, Model, Name, new_app

app = new_app()


@app.command("serve")
def serve(
    model: Model,
    host: Annotated[str, typer.Option(help="Address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at")] = 8000,
    max_length: Annotated[
        int,
        typer.Option(min=1, help="Most characters of a text; of a request, ten times as many"),
    ] = 100_000,
    max_texts: Annotated[int, typer.Option(min=1, help="Most texts of a request")] = 100,
    queue: Annotated[int, typer.Option(min=1, help="Most requests that are at work or wait")] = 64,
    name: Name = None,
    code_path: Code = None,
) -> None:
    """Serve a pipeline: entities by POST /entities, and a page to try it on. It is for this
    computer alone, unless --host is another address, and has neither passwords nor encryption.
    """
    import_code(code_path)
    try:
        import uvicorn

        from ..serve.app import SECONDS_TO_STOP, Limits, make_app
        from ..serve.service import Service
    except ImportError as error:
        msg.fail(
            f"serve needs FastAPI and uvicorn ({error})",
            "Install them: pip install 'spacy-window-ner[serve]'",
            exits=1,
        )
    nlp, component = load_component(model, name)
    if max_length > nlp.max_length:
        msg.fail(
            f"--max-length is {max_length:,}, but the pipeline reads no more than "
            f"{nlp.max_length:,} characters (nlp.max_length)",
            exits=1,
        )
    with explained(f"Cannot serve {model}"):
        service = Service(nlp, component)
    title = Path(model).name if Path(model).exists() else model
    limits = Limits(max_length, max_texts, queue)
    shown = f"[{host}]" if ":" in host else host
    msg.good(f"Serving {model}: http://{shown}:{port} (stop with Ctrl+C)")
    uvicorn.run(
        make_app(service, title=title, limits=limits, host=host),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )
