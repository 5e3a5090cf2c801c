"""`python -m spacy window-ner teach`: annotation and learning in one browser tab."""

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
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory of the project")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXTS...",
            help="Texts: .jsonl, .txt (a text on each line), .spacy; folders or globs of these. "
            "Not needed to go on with a project",
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            help="Labels to annotate, separated by commas; default: those of the annotation, of "
            "the names, or of the base",
        ),
    ] = None,
    base: Base = None,
    names: Annotated[
        list[Path] | None,
        typer.Option(
            "--names",
            help="Names to find: .txt, a name on each line, a tab, and its label; or .jsonl, "
            "patterns as spaCy's entity_ruler has them",
        ),
    ] = None,
    annotated: Annotated[
        list[Path] | None,
        typer.Option("--annotated", help=f"Texts that are annotated already: {ANNOTATED_KINDS}"),
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", "-l", help="Two-letter code of the language; default en")
    ] = None,
    text_field: TextField = "text",
    seed: Annotated[
        int | None, typer.Option("--seed", "-s", help="Seed of order and training; default 0")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at")] = 8000,
    user_header: Annotated[
        str | None,
        typer.Option("--user-header", help="Header in which a proxy says who annotates"),
    ] = None,
    public_host: Annotated[
        list[str] | None,
        typer.Option("--public-host", help="Name by which a browser asks a proxy for the page"),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write what is annotated to a file, and end"),
    ] = None,
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", "-f", help="Format of the export; default: by its suffix"),
    ] = None,
) -> None:
    """Annotate texts in a browser while a network learns from what has been annotated. Everything
    is on disk at once: stop with Ctrl+C, and the same command goes on at the same text.

    It is for this computer alone, unless --host is another address, and has neither passwords nor
    encryption.
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
            "Install them: pip install 'spacy-window-ner[serve]'",
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
            raise ValueError("The project has no texts. Give files of texts.")
        if not store.labels and not store.add_labels(find_component(nlp, NAME).label_data):
            raise ValueError("The project has no labels. Give some with --label.")
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
    """What a project is made with, which does not change."""
    own = store.setting(MADE_WITH)
    if own is None:
        lang = given["lang"] or "en"
        base = given["base"] or next(filter(util.is_package, BASES.get(lang, ())), None)
        return {"base": base, "lang": lang, "seed": given["seed"] or 0}
    for name, value in given.items():
        if value is not None and value != own[name]:
            raise ValueError(
                f"The project was made with --{name} {own[name]}, not {value}. Leave the option "
                f"out, or begin a new project."
            )
    return dict(own)


def _warn(added: Added) -> None:
    """Say which texts cannot be read."""
    if added.errors:
        more = len(added.errors) - SHOWN
        msg.warn(
            f"{len(added.errors):,} texts cannot be read, and are left out",
            "\n".join(
                [*map(printable, added.errors[:SHOWN]), *([f"and {more} more"] if more > 0 else [])]
            ),
        )


def _export(project: Path, path: Path, form: ExportFormat | None) -> None:
    """Write what is annotated to a file, also while a server has the project."""
    check_writable(path)
    with explained(f"Cannot export the project {project}"):
        store = Store(project / FILE, readonly=True)
        settings = _settings(store)
        nlp = base_pipeline(settings["base"], settings["lang"])
        n = write_decisions(store, nlp, path, form.value if form else format_of(path))
    msg.good(f"Saved {n:,} annotated texts: {path}")


@contextmanager
def alone(project: Path) -> Iterator[None]:
    """Keep other servers from a project.

    project (Path): The directory, which is made if it does not exist.
    RAISES (ValueError): If another server has it, or it is not a project and not empty.
    """
    project.mkdir(parents=True, exist_ok=True)
    others = [path.name for path in project.iterdir() if not path.name.startswith(LOCK)]
    if others and FILE not in others:
        raise ValueError("The directory is not empty, and not a project. Give another one.")
    with locked(project):
        yield


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Lock a directory. The lock ends with the process, also when it is killed.

    directory (Path): The directory.
    RAISES (ValueError): If another server has locked it.
    """
    lock = sqlite3.connect(directory / LOCK, timeout=0, isolation_level=None)
    try:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise ValueError(
                f"Another server has it open ({error}). Use its page, or stop it first."
            ) from error
        yield
    finally:
        lock.close()
