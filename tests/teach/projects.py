"""Projects of `teach` for the tests."""

from pathlib import Path

from spacy_window_ner.teach.session import Session
from spacy_window_ner.teach.store import FILE, Store
from spacy_window_ner.teach.texts import add_inputs
from tests.pipelines import shared, texts_of

TEXTS = texts_of()
LABELS = ["PER", "LOC", "DATE"]


def write_texts(path: Path, texts=TEXTS) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf8", newline="\n")
    return path


def store_in(folder: Path, texts=TEXTS) -> Store:
    """A project of some texts; the numbers of the texts are 1, 2, …"""
    store = Store(folder / FILE)
    add_inputs(store, shared(), [write_texts(folder / "texts.txt", texts)])
    store.add_labels(LABELS)
    return store


def session_in(folder: Path, texts=TEXTS) -> Session:
    return Session(store_in(folder, texts), shared())
