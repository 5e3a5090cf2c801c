"""`python -m spacy window-ner teach`: annotate and train in one browser tab."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy import util
from wasabi import msg

from ..confidence.scored_examples import find_component
from ..files.exports import SUFFIXES, format_of
from ..teach.checks import checked_label
from ..teach.learner import Learner, saved_network
from ..teach.networks import base_pipeline
from ..teach.session import Session, write_decisions
from ..teach.store import FILE, MADE_WITH, Store
from ..teach.texts import Added, add_inputs
from ..training.start_from import NAME
from .inputs import SHOWN, explained
from .learn import BASES
from .options import ANNOTATED_KINDS, Base, TextField, new_app
from .output import check_writable, printable

app = new_app()

LOCK = "teach.lock"
ExportFormat = Enum("ExportFormat", {form: form for form in SUFFIXES}, type=str)  # type: ignore[misc]


@app.command("teach")
def teach(
    output: Annotated[Path, typer.Option("--output", "-o", help="Project directory")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXTS...",
            help="Texts: .jsonl, .txt (one text per line), .spacy; or folders or globs of these. "
            "Not needed to continue a project",
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            help="Comma-separated labels to annotate; default: the labels of --annotated and "
            "--names, or of the base",
        ),
    ] = None,
    base: Base = None,
    names: Annotated[
        list[Path] | None,
        typer.Option(
            "--names",
            help="Names to find: .txt with a name, a tab and its label on each line, or .jsonl "
            "with patterns of spaCy's entity_ruler",
        ),
    ] = None,
    annotated: Annotated[
        list[Path] | None,
        typer.Option("--annotated", help=f"Texts that are already annotated: {ANNOTATED_KINDS}"),
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", "-l", help="Two-letter language code; default: en")
    ] = None,
    text_field: TextField = "text",
    seed: Annotated[
        int | None, typer.Option("--seed", "-s", help="Random seed; default: 0")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on")] = 8000,
    user_header: Annotated[
        str | None,
        typer.Option("--user-header", help="Header in which a proxy sends the annotator's name"),
    ] = None,
    public_host: Annotated[
        list[str] | None,
        typer.Option("--public-host", help="Host name under which a proxy serves the page"),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the annotated texts to this file and exit"),
    ] = None,
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", "-f", help="Export format; default: taken from the suffix"),
    ] = None,
) -> None:
    """Annotate texts and train a network in the browser. The network learns from your annotation
    while you work. Every decision is saved immediately: stop with Ctrl+C at any time, and repeat
    the command to continue.

    By default, the page can only be reached from this computer. It has no passwords and no
    encryption, so put it behind a proxy before you set --host to another address.
    """
    if export is not None:
        _export(output, export, form)
        return
    try:
        from ..teach.app import make_teach_app
        from ..teach.running import run
    except ImportError as error:
        msg.fail(
            f"teach needs FastAPI and uvicorn ({error})",
            "Install them with: pip install 'spacy-window-ner[serve]'",
            exits=1,
        )
    with explained(f"Cannot open the project {output}"), alone(output):
        store = Store(output / FILE)
        settings = _settings(store, base=base, lang=lang, seed=seed)
        nlp = base_pipeline(settings["base"], settings["lang"])
        store.change(MADE_WITH, settings)
        store.add_labels([checked_label(one) for given in label or () for one in given.split(",")])
        _warn(add_inputs(store, nlp, texts or (), annotated or (), names or (), text_field))
        if not store.n_texts:
            raise ValueError("The project has no texts. Pass one or more files of texts.")
        if not store.labels and not store.add_labels(find_component(nlp, NAME).label_data):
            raise ValueError("The project has no labels. Set them with --label.")
        learner = Learner(output, **settings)
        session = Session(
            store,
            nlp,
            learner,
            seed=settings["seed"],
            network=saved_network(output),
            has_annotators=user_header is not None,
        )
        learner.start()
        web = make_teach_app(
            session,
            host=host,
            user_header=user_header,
            public_hosts=public_host or (),
            title=output.resolve().name,
        )
        run(web, host, port, f"{store.n_texts:,} texts")
        learner.close()
        store.close()


def _settings(store: Store, **given: Any) -> dict[str, Any]:
    """The settings that a project was created with, which do not change."""
    own = store.setting(MADE_WITH)
    if own is None:
        lang = given["lang"] or "en"
        base = given["base"] or next(filter(util.is_package, BASES.get(lang, ())), None)
        return {"base": base, "lang": lang, "seed": given["seed"] or 0}
    for name, value in given.items():
        if value is not None and value != own[name]:
            raise ValueError(
                f"The project was created with --{name} {own[name]}, not {value}. Leave out the "
                f"option, or start a new project."
            )
    return dict(own)


def _warn(added: Added) -> None:
    """Warn about texts that cannot be read."""
    if added.errors:
        more = len(added.errors) - SHOWN
        msg.warn(
            f"{len(added.errors):,} texts cannot be read and are left out",
            "\n".join(
                [*map(printable, added.errors[:SHOWN]), *([f"and {more} more"] if more > 0 else [])]
            ),
        )


def _export(project: Path, path: Path, form: ExportFormat | None) -> None:
    """Write the annotated texts to a file, even while a server uses the project."""
    check_writable(path)
    with explained(f"Cannot export the project {project}"):
        store = Store(project / FILE, readonly=True)
        settings = _settings(store)
        nlp = base_pipeline(settings["base"], settings["lang"])
        n = write_decisions(store, nlp, path, form.value if form else format_of(path))
    msg.good(f"Saved {n:,} annotated texts: {path}")


@contextmanager
def alone(project: Path) -> Iterator[None]:
    """Lock a project, so that no other server uses it.

    project (Path): The directory; it is created if it does not exist.
    RAISES (ValueError): If another server uses it, or it is neither a project nor empty.
    """
    project.mkdir(parents=True, exist_ok=True)
    others = [path.name for path in project.iterdir() if not path.name.startswith(LOCK)]
    if others and FILE not in others:
        raise ValueError(
            "The directory is not empty and does not contain a project. Choose another one."
        )
    with locked(project):
        yield


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Lock a directory. The lock ends with the process, even if the process is killed.

    directory (Path): The directory.
    RAISES (ValueError): If another server has locked it.
    """
    lock = sqlite3.connect(directory / LOCK, timeout=0, isolation_level=None)
    try:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise ValueError(
                f"Another server is using it ({error}). Use that server's page, or stop it first."
            ) from error
        yield
    finally:
        lock.close()
