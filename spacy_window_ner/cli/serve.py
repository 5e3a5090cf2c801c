"""`python -m spacy window-ner serve`: a pipeline as a service on the web."""

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
    label_studio: Annotated[
        bool,
        typer.Option(
            "--label-studio",
            help="Be an ML backend for Label Studio, which reads its tasks and learns what is "
            "annotated in them; texts of a request are not limited",
        ),
    ] = False,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="For --label-studio: the directory of what is annotated and learned, new or not",
        ),
    ] = Path("label_studio"),
    seed: Annotated[
        int, typer.Option("--seed", "-s", help="For --label-studio: seed of the training")
    ] = 0,
    public_host: Annotated[
        list[str] | None,
        typer.Option(
            "--public-host",
            help="For --label-studio: another name it is asked for by, such as "
            "host.docker.internal; repeatable",
        ),
    ] = None,
    basic_auth: Annotated[
        str | None,
        typer.Option(
            "--basic-auth",
            envvar="WINDOW_NER_BASIC_AUTH",
            help="For --label-studio: USER:PASSWORD that it has to send",
        ),
    ] = None,
) -> None:
    """Serve a pipeline: entities by POST /entities, and a page to try it on. It is for this
    computer alone, unless --host is another address, and has neither passwords nor encryption.
    """
    import_code(code_path)
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        msg.fail(
            f"serve needs FastAPI and uvicorn ({error})",
            "Install them: pip install 'spacy-window-ner[serve]'",
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
            f"--max-length is {max_length:,}, but the pipeline reads no more than "
            f"{nlp.max_length:,} characters (nlp.max_length)",
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
    """The settings of the ML backend. Nobody else has the directory meanwhile."""
    from ..confidence.scored_examples import find_component
    from ..label_studio.client import Studio
    from ..label_studio.projects import Projects
    from ..learning.learn import config_from
    from ..training.start_from import NAME
    from .teach import locked

    login = None if basic_auth is None else tuple(basic_auth.split(":", 1))
    if login is not None and not (len(login) == 2 and all(map(str.isascii, login)) and all(login)):
        msg.fail("--basic-auth must be USER:PASSWORD, in ASCII", exits=1)
    url, token = (os.environ.get(f"LABEL_STUDIO_{name}") for name in ("URL", "API_KEY"))
    if bool(url) != bool(token):
        msg.fail("Set both LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY, or none of them", exits=1)
    output.mkdir(parents=True, exist_ok=True)
    with explained(f"Cannot serve {model}"), locked(output):
        nlp = load(model)
        find_component(nlp, NAME).require_initialized()
        config_from(nlp, model)  # which says what nothing can begin from
        yield {
            "projects": Projects(output, nlp, model, seed),
            "login": login,
            "studio": Studio(url, token) if url and token else None,
        }


def _run(web: Any, title: str, host: str, port: int, log_level: str = "warning") -> None:
    import uvicorn

    from ..serve.app import SECONDS_TO_STOP

    shown = f"[{host}]" if ":" in host else host
    msg.good(f"{title}: http://{shown}:{port} (stop with Ctrl+C)")
    uvicorn.run(
        web,
        host=host,
        port=port,
        log_level=log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )
