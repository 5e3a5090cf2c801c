"""The annotated documents of a command."""

from pathlib import Path

from spacy.language import Language
from spacy.training import Corpus, Example
from wasabi import msg


def read_annotated(nlp: Language, path: Path) -> list[Example]:
    """Read annotated documents.

    nlp (Language): The pipeline, whose tokenizer the predictions are made with.
    path (Path): A file in spaCy's binary format, or a folder of these.
    RETURNS (List[Example]): The documents.
    RAISES (SystemExit): With a message, if there are none, or they cannot be read.
    """
    if not path.exists() or (path.is_file() and path.suffix != ".spacy"):
        msg.fail(f"There are no documents at {path}", "Give a file in .spacy format.", exits=1)
    try:
        return list(Corpus(path, gold_preproc=False)(nlp))
    except ValueError as error:
        return msg.fail(f"Cannot read {path}", f"{error} Give a file in .spacy format.", exits=1)
