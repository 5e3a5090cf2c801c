"""Writes annotated documents in the formats of other tools. `formats` can read all of them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import srsly
from spacy.tokens import Doc, DocBin

from .conll import DOCUMENT_START
from .records import Offsets
from .saving import replacing

# The formats, and the suffix of their files.
SUFFIXES = {
    "spacy": ".spacy",
    "conll": ".conll",
    "prodigy": ".jsonl",
    "doccano": ".jsonl",
    "label-studio": ".json",
}


def format_of(path: Path) -> str:
    """RETURNS (str): The format of a file by its suffix; the first one if several formats have it.

    RAISES (ValueError): If the suffix is unknown.
    """
    found = next((form for form, suffix in SUFFIXES.items() if suffix == path.suffix), None)
    if found is None:
        known = ", ".join(dict.fromkeys(SUFFIXES.values()))
        raise ValueError(f"{path} must end in one of {known}.")
    return found


def write_annotated(path: Path, docs: Sequence[Doc], form: str) -> None:
    """Write annotated documents.

    path (Path): The file. An existing file is replaced atomically.
    docs (Sequence[Doc]): The documents. Only `spacy` and `conll` can represent missing annotation.
        `conll` does not preserve white space, inside and between tokens.
    form (str): A name in `SUFFIXES`.
    """
    with replacing(path) as unfinished:
        if form == "spacy":
            DocBin(docs=docs, store_user_data=True).to_disk(unfinished)
        elif form == "conll":
            unfinished.write_text("".join(_conll(docs)), encoding="utf8", newline="\n")
        elif form == "label-studio":
            srsly.write_json(unfinished, [_task(doc) for doc in docs])
        else:
            srsly.write_jsonl(unfinished, map(_prodigy if form == "prodigy" else _doccano, docs))


def offsets_of(doc: Doc) -> list[Offsets]:
    """RETURNS (List[Tuple[int, int, str]]): The entities of a document, as character offsets."""
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def tokens_of(doc: Doc) -> list[tuple[int, int]]:
    """RETURNS (List[Tuple[int, int]]): Start and end character offsets of tokens."""
    return [(token.idx, token.idx + len(token)) for token in doc]


def for_prodigy(
    text: str, tokens: Sequence[tuple[int, int]], entities: Iterable[Offsets]
) -> dict[str, Any]:
    """Convert an annotated text to a task for Prodigy.

    text (str): The text.
    tokens (Sequence[Tuple[int, int]]): Start and end character offsets of its tokens.
    entities (Iterable[Tuple[int, int, str]]): Its entities. Those that do not align with the tokens
        are left out, since Prodigy requires alignment.
    RETURNS (Dict[str, Any]): A task of `ner.manual`.
    """
    first = {start: i for i, (start, _) in enumerate(tokens)}
    last = {end: i for i, (_, end) in enumerate(tokens)}
    spans = [
        {
            "start": start,
            "end": end,
            "label": label,
            "token_start": first[start],
            "token_end": last[end],
        }
        for start, end, label in entities
        if start in first and end in last
    ]
    numbered = [
        {"id": i, "text": text[start:end], "start": start, "end": end}
        for i, (start, end) in enumerate(tokens)
    ]
    return {"text": text, "tokens": numbered, "spans": spans}


def for_label_studio(
    text: str,
    entities: Iterable[Offsets],
    tags: tuple[str, str] = ("label", "text"),
) -> list[dict[str, Any]]:
    """Convert entities to regions of Label Studio.

    text (str): The text.
    entities (Iterable[Tuple[int, int, str]]): Its entities, as character offsets.
    tags (Tuple[str, str]): The names of the labels tag and the text tag in the labeling config. The
        defaults are those of the template for named entities.
    RETURNS (List[Dict[str, Any]]): The `result` of an annotation or a prediction.
    """
    return [
        {
            "from_name": tags[0],
            "to_name": tags[1],
            "type": "labels",
            "value": {"start": start, "end": end, "text": text[start:end], "labels": [label]},
        }
        for start, end, label in entities
    ]


def _prodigy(doc: Doc) -> dict[str, Any]:
    return {**for_prodigy(doc.text, tokens_of(doc), offsets_of(doc)), "answer": "accept"}


def _doccano(doc: Doc) -> dict[str, Any]:
    return {"text": doc.text, "label": [list(entity) for entity in offsets_of(doc)]}


def _task(doc: Doc) -> dict[str, Any]:
    result = for_label_studio(doc.text, offsets_of(doc))
    return {"data": {"text": doc.text}, "annotations": [{"result": result}]}


def _conll(docs: Sequence[Doc]) -> Iterator[str]:
    """The lines. A document with several sentences starts with a document marker."""
    sentences = [
        list(doc.sents) if doc.has_annotation("SENT_START") else [doc[:]] if len(doc) else []
        for doc in docs
    ]
    marked = any(len(of_doc) > 1 for of_doc in sentences)
    for of_doc in sentences:
        if marked:
            yield f"{DOCUMENT_START} -X- O O\n\n"
        for sentence in of_doc:
            for token in sentence:
                if not token.is_space:
                    tag = token.ent_iob_ or "-"
                    tag = f"{tag}-{token.ent_type_}" if tag in "BI" else tag
                    yield f"{token.text}\t{tag}\n"
            yield "\n"
