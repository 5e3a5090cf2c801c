"""The annotated documents of a command."""

from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from wasabi import msg

from ..files.formats import read_annotated, read_examples
from ..files.texts import InputError

SHOWN = 3


def annotated_docs(nlp: Language, *paths: Path) -> list[Doc]:
    """Read annotated documents, and warn of entities that do not align with tokens.

    nlp (Language): The pipeline, whose tokenizer divides texts where a file does not.
    paths (Path): Files of any kind that `read_annotated` reads, or folders of these.
    RETURNS (List[Doc]): The documents.
    RAISES (SystemExit): With a message, if there are none, or they cannot be read.
    """
    misaligned: list[str] = []
    try:
        docs = list(read_annotated(paths, nlp, misaligned))
    except (InputError, OSError) as error:
        return msg.fail("Cannot read the annotated documents", str(error), exits=1)
    if misaligned:
        more = len(misaligned) - SHOWN
        msg.warn(
            f"{len(misaligned)} entities begin or end inside a token, and count as missing "
            f"annotation. Check their offsets, or the tokenizer.",
            "\n".join([*misaligned[:SHOWN], *([f"and {more} more"] if more > 0 else [])]),
        )
    return docs


def annotated_examples(nlp: Language, *paths: Path) -> list[Example]:
    """Read annotated documents with tokens; see `annotated_docs`.

    RETURNS (List[Example]): The documents, with the pipeline's tokens.
    """
    return read_examples(nlp, [doc for doc in annotated_docs(nlp, *paths) if len(doc)])
