"""`python -m spacy window-ner teach`: annotation and learning in one browser tab."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from .inputs import SHOWN, explained, load
from .options import ANNOTATED_KINDS, TextField, new_app
from .output import printable
from .serve import SECONDS_TO_STOP

app = new_app()


@app.command("teach")
def teach(
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXTS...",
            help="Texts: .jsonl, .txt (a text on each line), .spacy; folders or globs of these",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory of the project")],
    label: Annotated[
        str | None, typer.Option("--label", help="Labels to annotate, separated by commas")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", "-b", help="Pipeline to begin from, name or path")
    ] = None,
    names: Annotated[
        list[Path] | None,
        typer.Option("--names", help="Names to find: a name on each line, a tab, and its label"),
    ] = None,
    annotated: Annotated[
        list[Path] | None,
        typer.Option(
            "--annotated", help=f"Texts that are annotated already; repeatable: {ANNOTATED_KINDS}"
        ),
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Two-letter code of the language, without --base")
    ] = "en",
    text_field: TextField = "text",
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of order and training")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at")] = 8000,
    user_header: Annotated[
        str | None,
        typer.Option("--user-header", help="Header in which a proxy says who annotates"),
    ] = None,
    public_host: Annotated[
        list[str] | None,
        typer.Option("--public-host", help="Host name of the proxy; repeatable"),
    ] = None,
) -> None:
    """Annotate texts in a browser while a network learns from what has been annotated. Everything
    is on disk at once: stop with Ctrl+C, and the same command goes on at the same text.
    """
    try:
        import uvicorn

        from ..teach.app import make_teach_app
    except ImportError as error:
        msg.fail(
            f"teach needs FastAPI and uvicorn ({error})",
            "Install them: pip install 'spacy-window-ner[serve]'",
            exits=1,
        )
    from ..teach.session import Session
    from ..teach.store import FILE, Store
    from ..teach.texts import add_inputs

    output.mkdir(parents=True, exist_ok=True)
    with explained("Cannot open the project"), alone(output):
        store = Store(output / FILE)
        nlp = load(base or "en_window_ner_sm")
        store.add_labels(label.split(",") if label else nlp.get_pipe("window_ner").labels)
        added = add_inputs(store, nlp, texts, annotated or (), text_field)
        if added.errors:
            more = len(added.errors) - SHOWN
            msg.warn(
                f"{len(added.errors)} texts cannot be read, and are left out",
                printable("\n".join(added.errors[:SHOWN]))
                + (f" and {more} more" if more > 0 else ""),
            )
        session = Session(store, nlp)
        shown = f"[{host}]" if ":" in host else host
        msg.good(f"{store.n_texts:,} texts: http://{shown}:{port} (stop with Ctrl+C)")
        uvicorn.run(
            make_teach_app(
                session,
                host=host,
                user_header=user_header,
                public_hosts=public_host or (),
                title=output.name,
            ),
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=SECONDS_TO_STOP,
        )


@contextmanager
def alone(project: Path) -> Iterator[None]:
    """Keep other servers from a project. The lock ends with the process, also when it is killed.

    project (Path): The directory.
    RAISES (ValueError): If another server has it.
    """
    lock = sqlite3.connect(project / "teach.lock", timeout=0, isolation_level=None)
    try:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise ValueError(
                f"Another server has the project {project} open. Use its page, or stop it first."
            ) from error
        yield
    finally:
        lock.close()
