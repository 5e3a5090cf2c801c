"""`python -m spacy window-ner serve`: serve a pipeline over HTTP."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.cli._util import import_code
from wasabi import msg

from .inputs import explained, load, load_component
from .options import Code, Model, Name, new_app

app = new_app()


@app.command("serve")
def serve(
    model: Model,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on")] = 8000,
    max_length: Annotated[
        int,
        typer.Option(min=1, help="Maximum characters per text; ten times as many per request"),
    ] = 100_000,
    max_texts: Annotated[int, typer.Option(min=1, help="Maximum texts per request")] = 100,
    queue: Annotated[
        int, typer.Option(min=1, help="Maximum requests running or waiting at a time")
    ] = 64,
    name: Name = None,
    code_path: Code = None,
    label_studio: Annotated[
        bool,
        typer.Option(
            "--label-studio",
            help="Run as an ML backend for Label Studio, which predicts tasks and learns from "
            "annotations. Texts are not limited in number or length",
        ),
    ] = False,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="With --label-studio: directory for annotations and networks, new or existing",
        ),
    ] = Path("label_studio"),
    seed: Annotated[
        int, typer.Option("--seed", "-s", help="With --label-studio: random seed of the training")
    ] = 0,
    public_host: Annotated[
        list[str] | None,
        typer.Option(
            "--public-host",
            help="With --label-studio: another host name to accept, such as host.docker.internal. "
            "Can be repeated",
        ),
    ] = None,
    basic_auth: Annotated[
        str | None,
        typer.Option(
            "--basic-auth",
            envvar="WINDOW_NER_BASIC_AUTH",
            help="With --label-studio: USER:PASSWORD that requests must have",
        ),
    ] = None,
) -> None:
    """Serve a pipeline over HTTP. POST /entities returns entities, and a web page lets you try the
    pipeline. By default, the service can only be reached from this computer. It has no passwords
    and no encryption, so put it behind a proxy before you set --host to another address.
    """
    import_code(code_path)
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        msg.fail(
            f"serve needs FastAPI and uvicorn ({error})",
            "Install them with: pip install 'spacy-window-ner[serve]'",
            exits=1,
        )
    if label_studio:
        with _backend(model, output, seed, basic_auth) as settings:
            from ..label_studio.app import make_label_studio_app

            web = make_label_studio_app(
                **settings, host=host, public_hosts=public_host or (), queue=queue
            )
            _run(web, f"Serving {model} for Label Studio", host, port, log_level="info")
        return
    from ..serve.app import Limits, make_app
    from ..serve.service import Service

    nlp, component = load_component(model, name)
    if max_length > nlp.max_length:
        msg.fail(
            f"--max-length is {max_length:,}, but the pipeline accepts at most {nlp.max_length:,} "
            f"characters (nlp.max_length)",
            exits=1,
        )
    with explained(f"Cannot serve {model}"):
        service = Service(nlp, component)
    title = Path(model).name if Path(model).exists() else model
    limits = Limits(max_length, max_texts, queue)
    web = make_app(service, title=title, limits=limits, host=host)
    _run(web, f"Serving {model}", host, port)


@contextmanager
def _backend(
    model: str, output: Path, seed: int, basic_auth: str | None
) -> Iterator[dict[str, Any]]:
    """The settings of the ML backend, with the directory locked."""
    from ..confidence.scored_examples import find_component
    from ..label_studio.client import Studio
    from ..label_studio.projects import Projects
    from ..learning.learn import config_from
    from ..training.start_from import NAME
    from .teach import locked

    login = None if basic_auth is None else tuple(basic_auth.split(":", 1))
    if login is not None and not (len(login) == 2 and all(map(str.isascii, login)) and all(login)):
        msg.fail("--basic-auth must be USER:PASSWORD with ASCII characters only", exits=1)
    url, token = (os.environ.get(f"LABEL_STUDIO_{name}") for name in ("URL", "API_KEY"))
    if bool(url) != bool(token):
        msg.fail("Set both LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY, or neither", exits=1)
    output.mkdir(parents=True, exist_ok=True)
    with explained(f"Cannot serve {model}"), locked(output):
        nlp = load(model)
        find_component(nlp, NAME).require_initialized()
        config_from(nlp, model)  # raises if training cannot start from this pipeline
        yield {
            "projects": Projects(output, nlp, model, seed),
            "login": login,
            "studio": Studio(url, token) if url and token else None,
        }


def _run(web: Any, title: str, host: str, port: int, log_level: str = "warning") -> None:
    import uvicorn

    from ..serve.app import SECONDS_TO_STOP

    shown = f"[{host}]" if ":" in host else host
    msg.good(f"{title}: http://{shown}:{port} (press Ctrl+C to stop)")
    uvicorn.run(
        web,
        host=host,
        port=port,
        log_level=log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )
