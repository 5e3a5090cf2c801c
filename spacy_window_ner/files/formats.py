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

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import biluo_tags_to_spans
from spacy.util import get_words_and_spaces

from .texts import InputError, checked_text, decode_line, find_files, parse_json_line

Offsets = tuple[int, int, str]

DOCUMENT_START = "-DOCSTART-"
# The fields that the entities of a JSON object may be in, the first one that there is.
FIELDS = ("spans", "entities", "label", "labels")
COLUMNS = ("text", "start", "end", "label")
# Prodigy's recipes with yes or no to one entity have this view; all else is not annotated there.
_ONE_ENTITY = "ner"
_TAG = re.compile(r"O|-|[BILUES]-.+")
# Other letters for the tags of the last token and of the only one.
_BILUO = str.maketrans("ES", "LU")


@dataclass(frozen=True)
class AnnotatedRecord:
    """An annotated text.

    position (int): Its line, or its number in the file, from 1.
    text (str): The text.
    spans (List[Tuple[int, int, str]]): Its entities, in their order.
    words (Optional[List[str]]): Its tokens, if the file says what they are.
    is_complete (bool): Whether what is outside of the entities is annotated too.
    """

    position: int
    text: str
    spans: list[Offsets]
    words: list[str] | None = None
    is_complete: bool = True


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
            yield from _read_conll(path, nlp)
        else:
            for record in _read_records(path):
                yield _doc(record, nlp, path, [] if misaligned is None else misaligned)


def _files(inputs: Iterable[str | Path]) -> Iterator[Path]:
    for given in inputs:
        is_corpus = Path(given).is_dir() and any(Path(given).rglob("*.spacy"))
        yield from find_files([given], (".spacy",) if is_corpus else KINDS)


def _error(path: Path, position: int, error: object) -> InputError:
    what = "task" if path.suffix.lower() == ".json" else "line"
    return InputError(f"{path}, {what} {position}: {error}.")


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
            raise _error(path, record.position, why) from error
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


def _read_records(path: Path) -> Iterator[AnnotatedRecord]:
    for position, found in _READERS[path.suffix.lower()](path):
        try:
            record = found()
        except ValueError as error:
            raise _error(path, position, error) from error
        if record is not None:
            yield record


# The position of each text, and what reads it; None for one that is not annotated.
_Found = Iterator[tuple[int, Callable[[], AnnotatedRecord | None]]]


def _read_json_lines(path: Path) -> _Found:
    with path.open("rb") as file:
        for position, line in enumerate(file, start=1):
            if line.strip():
                yield position, partial(_parsed, position, line)


def _read_json(path: Path) -> _Found:
    try:
        tasks = json.loads(decode_line(path.read_bytes()))
        if not isinstance(tasks, list):
            raise ValueError("there is no list of tasks")
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not what Label Studio exports as JSON: {error}. If it has one object on "
            f"each line, name it .jsonl."
        ) from error
    for position, task in enumerate(tasks, start=1):
        if isinstance(task, dict) and "data" in task:
            yield position, partial(_task, position, task)
        else:
            yield position, partial(_record, position, task)


def _parsed(position: int, line: bytes) -> AnnotatedRecord | None:
    return _record(position, parse_json_line(decode_line(line), "text"))


def _record(position: int, fields: Any) -> AnnotatedRecord | None:
    """What a JSON object of Prodigy, doccano or this package has; None if a person has skipped it,
    or has said that it is wrong.
    """
    fields = checked_text(fields, "text")
    if fields.get("answer", "accept") != "accept":
        return None
    name = next((name for name in FIELDS if fields.get(name) is not None), None)
    if name is None:
        known = ", ".join(FIELDS)
        raise ValueError(f"there is no annotation: none of the fields {known}. Annotate it first")
    words, text = None, fields["text"]
    if fields.get("tokens"):
        try:
            words = [text[token["start"] : token["end"]] for token in fields["tokens"]]
        except (KeyError, TypeError) as error:
            raise ValueError("its tokens need start and end: leave them out") from error
    is_complete = fields.get("_view_id") != _ONE_ENTITY
    return AnnotatedRecord(position, text, _spans(text, fields[name]), words, is_complete)


def _task(position: int, task: Mapping[str, Any]) -> AnnotatedRecord | None:
    """What a task of Label Studio has: its last annotation; None if nobody has annotated it."""
    text = checked_text(task["data"], "text")["text"]
    done = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
    if not done:
        return None
    values = [one["value"] for one in done[-1].get("result") or [] if one.get("type") == "labels"]
    return AnnotatedRecord(
        position, text, _spans(text, [_by_characters(text, one) for one in values])
    )


def _by_characters(text: str, value: dict[str, Any]) -> dict[str, Any]:
    """A region of Label Studio. Its page counts UTF-16 units, two for most emoji."""
    units = text.encode("utf-16-le")
    try:
        start, end = (
            len(units[: 2 * value[key]].decode("utf-16-le", "ignore")) for key in ("start", "end")
        )
        is_moved = text[value["start"] : value["end"]] != value["text"] == text[start:end]
    except (KeyError, TypeError):
        return value
    return {**value, "start": start, "end": end} if is_moved else value


def _read_table(path: Path) -> _Found:
    reader = csv.DictReader(
        _lines(path), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True
    )
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"there is no column {', '.join(missing)}. Name the columns there")
        rows = [(reader.line_num, row) for row in reader]
    except (ValueError, csv.Error) as error:
        raise _error(path, reader.line_num, error) from error
    for text, group in groupby(rows, key=lambda numbered: numbered[1]["text"]):
        of_text = list(group)
        yield of_text[0][0], partial(_of_rows, text, of_text)


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            yield decode_line(line) + "\n"


def _of_rows(text: str, rows: list[tuple[int, dict[str, str]]]) -> AnnotatedRecord:
    spans = []
    for position, row in rows:
        values = [row[name] or "" for name in COLUMNS[1:]]
        if any(values):
            try:
                spans.append([int(values[0]), int(values[1]), values[2]])
            except ValueError as error:
                raise ValueError(
                    f"start and end of the entity on line {position} are no numbers: "
                    f"{values[0]!r}, {values[1]!r}"
                ) from error
    unique = [list(span) for span in dict.fromkeys(map(tuple, spans))]
    return AnnotatedRecord(
        rows[0][0], checked_text({"text": text}, "text")["text"], _spans(text, unique)
    )


def _spans(text: str, given: Any) -> list[Offsets]:
    """The entities of a text, in their order, without white space around them."""
    if not isinstance(given, list):
        raise ValueError(f"its entities are no list, but {given!r:.50}")
    spans = sorted(_span(text, one) for one in given)
    for (start, end, label), (other, other_end, other_label) in pairwise(spans):
        if other < end:
            raise ValueError(
                f"{text[start:end]!r} ({label}) and {text[other:other_end]!r} ({other_label}) "
                f"overlap. Keep one of them"
            )
    return spans


def _span(text: str, given: Any) -> Offsets:
    try:
        if isinstance(given, dict):
            start, end = (given.get(key, given.get(f"{key}_offset")) for key in ("start", "end"))
            label = given.get("label", given.get("labels"))
            [label] = label if isinstance(label, list) else [label]
        else:
            start, end, label = given
    except (TypeError, ValueError) as error:
        raise ValueError(f"{given!r:.80} is no entity. Write [start, end, label]") from error
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label:
        raise ValueError(f"{given!r:.80} is no entity: it needs start, end and label")
    if not 0 <= start < end <= len(text):
        raise ValueError(f"{given!r:.80} is empty, or outside of its {len(text)} characters")
    inside = text[start:end]
    start, end = end - len(inside.lstrip()), start + len(inside.rstrip())
    if start >= end:
        raise ValueError(f"{given!r:.80} has nothing but white space. Leave it out")
    return start, end, label


def _is_conll(path: Path) -> bool:
    if path.suffix.lower() != ".tsv":
        return False
    with path.open("rb") as file:
        header = file.readline().decode("utf-8-sig", errors="replace").split("\t")
    return not set(COLUMNS) <= {name.strip() for name in header}


def _read_conll(path: Path, nlp: Language) -> Iterator[Doc]:
    """Read tokens with tags. Sentences are documents, unless the file says where these begin."""
    sentences, in_documents = list[list[tuple[str, str]]](), False
    for rows, begins in _conll_sentences(path):
        in_documents |= begins
        if sentences and (begins or not in_documents):
            yield _conll_doc(sentences, nlp)
            sentences = []
        if rows:
            sentences.append(rows)
    if sentences:
        yield _conll_doc(sentences, nlp)


def _conll_sentences(path: Path) -> Iterator[tuple[list[tuple[str, str]], bool]]:
    """The sentences, and whether a document begins with each."""
    rows, begins = list[tuple[str, str]](), False
    with path.open("rb") as file:
        for position, line in enumerate(file, start=1):
            try:
                columns = decode_line(line)
                text = columns.strip()
                if not text or text.startswith(DOCUMENT_START):
                    if rows:
                        yield rows, begins
                        rows, begins = [], False
                    begins |= bool(text)
                elif (row := _row(text)) is not None:
                    rows.append(row)
            except ValueError as error:
                raise _error(path, position, error) from error
    if rows:
        yield rows, begins


def _row(line: str) -> tuple[str, str] | None:
    """The token and the tag of a line; None for a comment."""
    columns = line.split("\t") if "\t" in line else line.split()
    token, tag = columns[0].strip(), columns[-1].strip()
    if len(columns) > 1 and token and _TAG.fullmatch(tag):
        return token, tag[0].translate(_BILUO) + tag[1:]
    if line.startswith("# "):
        return None
    raise ValueError(
        f"{line!r:.80} is no token with its tag. Write the token first and the tag last: O, or "
        f"B-, I-, L-, U-, E- or S- with the label, or - where the annotation is missing"
    )


def _conll_doc(sentences: list[list[tuple[str, str]]], nlp: Language) -> Doc:
    words = [word for sentence in sentences for word, _ in sentence]
    starts: list[bool | int | None] = [
        i == 0 for sentence in sentences for i in range(len(sentence))
    ]
    doc = Doc(nlp.vocab, words=words, sent_starts=starts)
    tags = [tag for sentence in sentences for tag in _biluo([tag for _, tag in sentence])]
    missing = [doc[i : i + 1] for i, tag in enumerate(tags) if tag == "-"]
    doc.set_ents(biluo_tags_to_spans(doc, tags), missing=missing)
    return doc


def _biluo(tags: list[str]) -> list[str]:
    """Tags of a sentence in any scheme → BILUO: entities go on while their label stays the same and
    nothing begins or ends one.
    """
    begins = []
    for i, tag in enumerate(tags):
        before = tags[i - 1] if i else "O"
        same = before[1:] == tag[1:] and before[0] in "BI" and tag[0] in "IL"
        begins.append(not same)
    ends = [*begins[1:], True]
    letters = {(True, True): "U", (True, False): "B", (False, True): "L", (False, False): "I"}
    return [
        tag if tag in ("O", "-") else letters[begin, end] + tag[1:]
        for tag, begin, end in zip(tags, begins, ends, strict=True)
    ]


_CONLL = (".conll", ".iob", ".bio", ".txt")
_READERS: dict[str, Callable[[Path], _Found]] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json,
    ".csv": _read_table,
    ".tsv": _read_table,
}
KINDS = (".spacy", *_CONLL, *_READERS)
