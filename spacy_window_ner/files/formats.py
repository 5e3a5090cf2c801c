"""Files of annotated texts, of all kinds that people have → documents with their entities.

| suffix | what is in it |
| --- | --- |
| `.spacy` | documents in spaCy's binary format |
| `.conll`, `.iob`, `.bio`, `.txt` | a token on each line and its tag in the last column; an empty line after each sentence. With `-DOCSTART-` lines, documents are what is between these |
| `.jsonl`, `.ndjson` | a `text` on each line, and its entities in `spans`, `entities`, `label` or `labels`: those of Prodigy, doccano and this package |
| `.json` | a list of tasks that Label Studio has exported, or a list of what `.jsonl` has on its lines |
| `.csv`, `.tsv` | the columns `text`, `start`, `end` and `label`, a row for each entity. A `.tsv` without them is read as `.conll` |

Offsets are in characters, and ends are exclusive.
"""  # noqa: E501

from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import get_words_and_spaces

from .conll import read_conll
from .records import COLUMNS, READERS, AnnotatedRecord, read_annotated_records
from .texts import InputError, error_at, find_files

_CONLL = (".conll", ".iob", ".bio", ".txt")
KINDS = (".spacy", *_CONLL, *READERS)


def read_annotated(
    inputs: Iterable[str | Path], nlp: Language, misaligned: list[str] | None = None
) -> Iterator[Doc]:
    """Read annotated documents.

    inputs (Iterable[Union[str, Path]]): Files, folders and globs. Of a folder with `.spacy` files,
        only these are read.
    nlp (Language): The pipeline, whose tokenizer divides texts where a file does not.
    misaligned (Optional[List[str]]): Gets a line on each entity that does not align with tokens.
        The annotation of the tokens that it touches is missing, so that nothing wrong is learned.
    YIELDS (Doc): The documents, with their entities.
    RAISES (InputError): If there is no file, or one cannot be read: with file, line, what is wrong,
        and what to do.
    """
    for path in _files(inputs):
        if path.suffix.lower() == ".spacy":
            yield from _read_spacy(path, nlp)
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


def _read_spacy(path: Path, nlp: Language) -> Iterator[Doc]:
    try:
        yield from DocBin().from_disk(path).get_docs(nlp.vocab)
    except Exception as error:  # zlib, msgpack and NumPy have exceptions of their own
        raise InputError(f"{path} is damaged, or not of spaCy: {error}.") from error


def _doc(record: AnnotatedRecord, nlp: Language, path: Path, misaligned: list[str]) -> Doc:
    """The document of a record."""
    if record.words is None:
        doc = nlp.make_doc(record.text)
    else:
        try:
            words, spaces = get_words_and_spaces(record.words, record.text)
        except ValueError as error:
            why = "its tokens are not those of its text: leave the field 'tokens' out"
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
    gaps = [doc[i : i + 1] for span in missing for i in range(span.start, span.end)]
    gaps = [gap for gap in gaps if gap.start not in taken]
    default = "outside" if record.is_complete else "missing"
    doc.set_ents(entities, missing=gaps, default=default)
    return doc
