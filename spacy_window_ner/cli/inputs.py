"""What commands read: pipelines, their components, and annotated documents."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy import util
from spacy.language import Language
from spacy.training import Corpus, Example
from wasabi import msg

from ..component import WindowNER
from .output import printable


@contextmanager
def explained(title: str) -> Iterator[None]:
    """Print an error of the input, and exit.

    title (str): What cannot be done.
    RAISES (SystemExit): With a message, where there is an error.
    """
    try:
        yield
    except (ValueError, OSError, zlib.error) as error:
        msg.fail(title, printable(str(error)), exits=1)


def load(model: str) -> Language:
    """Load a pipeline.

    model (str): Its name or path.
    RETURNS (Language): The pipeline.
    RAISES (SystemExit): With a message, if it cannot be loaded.
    """
    with explained(f"{model} cannot be loaded"):
        return util.load_model(model)


def load_component(model: str, name: str | None) -> tuple[Language, str]:
    """Load a pipeline with the component that a command is about.

    model (str): Name or path of the pipeline.
    name (Optional[str]): The name that was given; None if there is only one `window_ner`.
    RETURNS (Tuple[Language, str]): The pipeline, and the name of the component.
    RAISES (SystemExit): With a message, if there is none, or the name is needed.
    """
    nlp = load(model)
    names = [other for other, pipe in nlp.pipeline if isinstance(pipe, WindowNER)]
    if name is None and len(names) == 1:
        return nlp, names[0]
    if name not in names:
        found = ", ".join(names) or "none"
        msg.fail(
            f"The pipeline has no window_ner named '{name}'"
            if name is not None
            else "The pipeline does not have exactly one window_ner",
            f"Give one with --name; there is: {found}.",
            exits=1,
        )
    return nlp, str(name)


def read_annotated(nlp: Language, path: Path) -> list[Example]:
    """Read annotated documents.

    nlp (Language): The pipeline, whose tokenizer the predictions are made with.
    path (Path): A file in spaCy's binary format, or a folder of these.
    RETURNS (List[Example]): The documents.
    RAISES (SystemExit): With a message, if there are none, or they cannot be read.
    """
    if not path.exists() or (path.is_file() and path.suffix != ".spacy"):
        msg.fail(f"There are no documents at {path}", "Give a file in .spacy format.", exits=1)
    with explained(f"Cannot read {path}: is it in .spacy format?"):
        return list(Corpus(path, gold_preproc=False)(nlp))
