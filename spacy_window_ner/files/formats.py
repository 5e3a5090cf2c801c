"""Reads files of annotated texts in many formats as documents with entities.

| suffix | contents |
| --- | --- |
| `.spacy` | documents in spaCy's binary format |
| `.conll`, `.iob`, `.bio`, `.txt` | a token on each line, with its tag in the last column, and an empty line after each sentence. Lines with `-DOCSTART-` separate documents |
| `.jsonl`, `.ndjson` | a JSON object on each line, with a `text`, and its entities in `spans`, `entities`, `label` or `labels`, as in Prodigy, doccano and this package |
| `.json` | a list of tasks exported from Label Studio, or a list of objects as in `.jsonl` |
| `.csv`, `.tsv` | a row for each entity, with the columns `text`, `start`, `end` and `label`. A `.tsv` file without these columns is read as `.conll` |

Offsets are in characters, and ends are exclusive.
"""  # noqa: E501

from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import get_words_and_spaces

from .conll import read_conll
from .records import COLUMNS, READERS, AnnotatedRecord, read_annotated_records
from .texts import error_at, find_files, read_docs

_CONLL = (".conll", ".iob", ".bio", ".txt")
KINDS = (".spacy", *_CONLL, *READERS)


def read_annotated(
    inputs: Iterable[str | Path], nlp: Language, misaligned: list[str] | None = None
) -> Iterator[Doc]:
    """Read annotated documents.

    inputs (Iterable[Union[str, Path]]): Files, folders and globs. If a folder contains `.spacy`
        files, only these are read.
    nlp (Language): The pipeline whose tokenizer is used for files without tokens.
    misaligned (Optional[List[str]]): A list to which a message is added for each entity that does
        not align with tokens. The tokens that it touches get missing annotation.
    YIELDS (Doc): The documents, with their entities.
    RAISES (InputError): If there is no file, or one cannot be read. The message states file, line,
        what is wrong, and what to do.
    """
    for path in _files(inputs):
        if path.suffix.lower() == ".spacy":
            yield from read_docs(path, nlp.vocab)
        elif path.suffix.lower() in _CONLL or _is_conll(path):
            yield from read_conll(path, nlp)
        else:
            for record in read_annotated_records(path):
                yield _doc(record, nlp, path, [] if misaligned is None else misaligned)


def _files(inputs: Iterable[str | Path]) -> Iterator[Path]:
    for given in inputs:
        is_corpus = Path(given).is_dir() and any(Path(given).rglob("*.spacy"))
        yield from find_files([given], (".spacy",) if is_corpus else KINDS)


def _is_conll(path: Path) -> bool:
    if path.suffix.lower() != ".tsv":
        return False
    with path.open("rb") as file:
        header = file.readline().decode("utf-8-sig", errors="replace").split("\t")
    return not set(COLUMNS) <= {name.strip() for name in header}


def _doc(record: AnnotatedRecord, nlp: Language, path: Path, misaligned: list[str]) -> Doc:
    """The document of a record."""
    if record.words is None:
        doc = nlp.make_doc(record.text)
    else:
        try:
            words, spaces = get_words_and_spaces(record.words, record.text)
        except ValueError as error:
            why = "its tokens do not match its text. Correct or remove the field 'tokens'"
            raise error_at(path, record.position, why) from error
        doc = Doc(nlp.vocab, words=words, spaces=spaces)
    entities, missing = [], []
    for start, end, label in record.spans:
        entity = doc.char_span(start, end, label=label)
        if entity is not None:
            entities.append(entity)
            continue
        around = doc.char_span(start, end, alignment_mode="expand")
        assert around is not None
        missing.append(around)
        text = record.text[start:end]
        misaligned.append(f"{path}, {record.position}: {text!r} ({label}) in {around.text!r}")
    taken = {token.i for entity in entities for token in entity}
    touched = {token.i for span in missing for token in span}  # two may be in the same token
    gaps = [doc[i : i + 1] for i in sorted(touched - taken)]
    default = "outside" if record.is_complete else "missing"
    doc.set_ents(entities, missing=gaps, default=default)
    return doc
