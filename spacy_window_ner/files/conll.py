"""Reads CoNLL files, with a token on each line, as annotated documents."""

import re
from collections.abc import Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import biluo_tags_to_spans

from .texts import decode_line, error_at

DOCUMENT_START = "-DOCSTART-"
_TAG = re.compile(r"O|-|[BILUES]-.+")
# Other letters for the tags of the last token and of the only one.
_BILUO = str.maketrans("ES", "LU")


def read_conll(path: Path, nlp: Language) -> Iterator[Doc]:
    """Read tokens with tags. Each sentence is a document, unless the file marks document starts.

    path (Path): The file.
    nlp (Language): The pipeline whose vocabulary is used.
    YIELDS (Doc): The documents, with their entities.
    RAISES (InputError): If a line cannot be read.
    """
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
    """The sentences, and whether each one starts a document."""
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
                raise error_at(path, position, error) from error
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
        f"{line!r:.80} is not a token with a tag. Write the token first and the tag last: O, or a "
        f"label with the prefix B-, I-, L-, U-, E- or S-, or - for missing annotation"
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
    """Convert the tags of a sentence from any scheme to BILUO. An entity continues while its label
    stays the same and no tag starts or ends an entity.
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
