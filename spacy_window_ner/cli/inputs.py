"""Input of the commands: pipelines, their components, and annotated documents."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from wasabi import msg

from ..component import WindowNER
from ..files.formats import read_annotated
from ..training.corpus import read_examples
from .output import printable

# How many entities that do not align are printed.
SHOWN = 3


@contextmanager
def explained(title: str) -> Iterator[None]:
    """Print an error in the input, and exit.

    title (str): What cannot be done.
    RAISES (SystemExit): If there is an error.
    """
    try:
        yield
    except (ValueError, OSError, zlib.error) as error:
        msg.fail(title, printable(str(error)), exits=1)


def load(model: str) -> Language:
    """Load a pipeline.

    model (str): Its name or path.
    RETURNS (Language): The pipeline.
    RAISES (SystemExit): If it cannot be loaded.
    """
    with explained(f"Cannot load the pipeline {model}"):
        return util.load_model(model)


def load_component(model: str, name: str | None) -> tuple[Language, str]:
    """Load a pipeline, and find its `window_ner`.

    model (str): Name or path of the pipeline.
    name (Optional[str]): The name of the component; can be None if there is only one `window_ner`.
    RETURNS (Tuple[Language, str]): The pipeline, and the name of the component.
    RAISES (SystemExit): If there is no such component, or several and no name.
    """
    nlp = load(model)
    names = [other for other, pipe in nlp.pipeline if isinstance(pipe, WindowNER)]
    if name is None and len(names) == 1:
        return nlp, names[0]
    if name not in names:
        found = ", ".join(names) or "none"
        msg.fail(
            f"The pipeline has no window_ner component named '{name}'"
            if name is not None
            else "The pipeline does not have exactly one window_ner component",
            f"Choose one with --name. The pipeline has: {found}.",
            exits=1,
        )
    return nlp, str(name)


def annotated_docs(nlp: Language, *paths: Path) -> list[Doc]:
    """Read annotated documents, and warn of entities that do not align with tokens.

    nlp (Language): The pipeline whose tokenizer is used for files without tokens.
    paths (Path): Files of any kind that `read_annotated` reads, or folders of these.
    RETURNS (List[Doc]): The documents.
    RAISES (SystemExit): If there are none, or they cannot be read.
    """
    misaligned: list[str] = []
    with explained("Cannot read the annotated documents"):
        docs = list(read_annotated(paths, nlp, misaligned))
    if misaligned:
        more = len(misaligned) - SHOWN
        msg.warn(
            f"{len(misaligned)} entities start or end inside a token. They are treated as missing "
            f"annotation. Check their offsets and the tokenizer.",
            "\n".join([*misaligned[:SHOWN], *([f"and {more} more"] if more > 0 else [])]),
        )
    return docs


def annotated_examples(nlp: Language, *paths: Path) -> list[Example]:
    """Read annotated documents with tokens; see `annotated_docs`.

    RETURNS (List[Example]): The documents, with the pipeline's tokens.
    """
    return read_examples(nlp, [doc for doc in annotated_docs(nlp, *paths) if len(doc)])
