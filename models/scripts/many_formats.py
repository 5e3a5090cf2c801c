"""Files of corpora in many formats → documents of passages: texts with labeled characters.

Where a file does not have the spaces of the text, they are put where they usually are.
"""

import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from typing import Any, NamedTuple

from spacy.lang.xx import MultiLanguage
from spacy.tokens import DocBin

Label = tuple[int, int, str]


class Passage(NamedTuple):
    """A sentence, or what a corpus has in its place: its text, and the start, end and label of what
    is annotated in it.
    """

    text: str
    labels: list[Label]


Document = list[Passage]
# Words, their tags, and the text if the file has it.
Sentence = tuple[list[str], list[str], str | None]

_NO_SPACE_BEFORE = frozenset((*".,;:!?%)]}…।、。", "...", "'s"))
_NO_SPACE_AFTER = frozenset("([{¿¡„‚")
# The first of two opens, whichever it is: usage varies.
_QUOTES = frozenset('"“”«»')
_CONTRACTIONS = {
    f"{preposition} {article}": contracted + article[1:]
    for preposition, of in {
        "de": {"o": "do", "a": "da", "e": "de"},
        "em": {"o": "no", "a": "na", "e": "ne"},
        "por": {"o": "pelo", "a": "pela"},
        "a": {"o": "ao", "a": "à"},
    }.items()
    for first, contracted in of.items()
    for article in ("o", "os", "a", "as", "ele", "ela", "eles", "elas", "este", "esta", "esse")
    if article[0] == first
}


def guess_text(words: Sequence[str]) -> tuple[str, list[int]]:
    """Put words together to a text.

    words (Sequence[str]): The words and punctuation of a sentence.
    RETURNS (Tuple[str, List[int]]): The text, and where in it each word starts.
    """
    text, starts, is_open, glue = "", [], False, True
    for word in words:
        closes = word in _QUOTES and is_open
        if not (glue or closes or word in _NO_SPACE_BEFORE):
            text += " "
        starts.append(len(text))
        text += word
        opens = word == "„" or (word in _QUOTES and not is_open)
        is_open = opens or (is_open and not closes)
        glue = opens or word in _NO_SPACE_AFTER
    return text, starts


def find_words(words: Sequence[str], text: str) -> list[int] | None:
    """RETURNS (Optional[List[int]]): Where in its text each word starts; None if one is not there
    or there is more in the text.
    """
    starts, end = [], 0
    for word in words:
        start = text.find(word, end)
        if start < 0 or text[end:start].strip():
            return None
        starts.append(start)
        end = start + len(word)
    return None if text[end:].strip() else starts


def make_passage(sentence: Sentence, spaceless: bool = False) -> Passage:
    """Make a passage of words.

    sentence (Tuple[List[str], List[str], Optional[str]]): The words; their tags: IOB, IO, BILUO,
        or labels alone; and the text, where the corpus has it.
    spaceless (bool): Whether the language is written without spaces.
    RETURNS (Passage): The passage.
    """
    words, tags, text = sentence
    starts = None if text is None else find_words(words, text)
    if starts is None and spaceless:
        text, starts = "".join(words), list(accumulate(map(len, words), initial=0))[:-1]
    elif starts is None:
        text, starts = guess_text(words)
    labels: list[Label] = []
    last = ""
    for word, start, tag in zip(words, starts, tags, strict=True):
        mark, label = (tag[0], tag[2:]) if tag[1:2] == "-" else ("I", tag)
        label = "" if label in ("O", "0", "_") else label
        if label and label == last and mark in "ILE":
            labels[-1] = (labels[-1][0], start + len(word), label)
        elif label:
            labels.append((start, start + len(word), label))
        last = label
    return Passage(str(text), labels)


def columns(
    content: bytes,
    word: int = 0,
    tag: int = -1,
    comments: bool = True,
    spaceless: bool = False,
    contracted: bool = False,
) -> Iterator[Document]:
    """Read columns with a word on each line. Comments may have the text, and where documents start.

    content (bytes): The file.
    word (int): The column of the word.
    tag (int): The column of the tag, or of attributes such as "SpaceAfter=No|name=B-PER".
    comments (bool): Whether lines that start with "#" are comments.
    spaceless (bool): Whether the language is written without spaces.
    contracted (bool): Whether Portuguese words are to be contracted, which are not in the file.
    YIELDS (List[Passage]): The passages of a document; all of the file, if none are marked.
    """
    document: Document = []
    words: list[str] = []
    tags: list[str] = []
    text = None
    for line in [*content.decode("utf-8-sig").split("\n"), ""]:
        line = line.rstrip("\r")
        if line.startswith(("-DOCSTART-", "# newdoc id")):
            if document:
                yield document
            document = []
        elif comments and line.startswith("#"):
            text = line[9:].strip("\ufeff ") if line.startswith("# text = ") else text
        elif line.strip():
            cells = line.split("\t") if "\t" in line else line.split(" ")
            words.append(cells[word].strip("\ufeff"))
            name = re.search(r"(?:^|\|)name=([^|]*)", cells[tag])
            tags.append(name[1] if name else cells[tag].strip())
        elif words:
            sentence = contract(words, tags) if contracted else (words, tags, text)
            document.append(make_passage(without_bar(sentence), spaceless))
            words, tags, text = [], [], None
    if document:
        yield document


def contract(words: list[str], tags: list[str]) -> Sentence:
    """Contract Portuguese prepositions and articles, which were taken apart: "de a" → "da".

    words (List[str]): The words.
    tags (List[str]): Their tags. A contraction has that of the preposition.
    RETURNS (Tuple[List[str], List[str], None]): The sentence.
    """
    kept: list[str] = []
    kept_tags: list[str] = []
    begin = False
    for word, tag in zip(words, tags, strict=True):
        together = _CONTRACTIONS.get(f"{kept[-1].lower()} {word.lower()}") if kept else None
        if together:
            kept[-1] = together.capitalize() if kept[-1][0].isupper() else together
            begin = tag.startswith("B-")
            continue
        # The article was the first word of a name, which begins with the next word now.
        kept.append(word)
        kept_tags.append(f"B{tag[1:]}" if begin and tag.startswith("I-") else tag)
        begin = False
    return kept, kept_tags, None


def without_bar(sentence: Sentence) -> Sentence:
    """RETURNS (Tuple[List[str], List[str], Optional[str]]): A sentence without the bar that NorNE
    has at the end of headlines.
    """
    words, tags, text = sentence
    return (words[:-1], tags[:-1], text) if words[-1] == "|" and words[1:] else sentence


def zipped_columns(content: bytes, **settings: Any) -> Iterator[Document]:
    """RETURNS (Iterator[List[Passage]]): The documents of the files in an archive of columns."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield from columns(archive.read(name), **settings)


def ronec(content: bytes) -> Iterator[Document]:
    """RETURNS (Iterator[List[Passage]]): The sentences of RONEC's JSON, a document each."""
    for one in json.loads(content):
        spaced = zip(one["tokens"], one["space_after"], strict=True)
        text = "".join(word + " " * space for word, space in spaced).strip()
        yield [make_passage((one["tokens"], one["ner_tags"], text))]


def estner(content: bytes) -> Iterator[Document]:
    """RETURNS (Iterator[List[Passage]]): The documents of EstNER's JSON, with its outer names."""
    for document in json.loads(content)["documents"]:
        sentences = [one["words"] for one in document["sentences"]]
        yield [
            make_passage(([w["word"] for w in words], [w["ner_1"] for w in words], None))
            for words in sentences
            if words
        ]


def stockmark(content: bytes) -> Iterator[Document]:
    """RETURNS (Iterator[List[Passage]]): The sentences of Stockmark's JSON, a document each."""
    for one in json.loads(content):
        yield [Passage(one["text"], [(*of["span"], of["type"]) for of in one["entities"]])]


def klue(content: bytes) -> Iterator[Document]:
    """RETURNS (Iterator[List[Passage]]): The sentences of KLUE as JSON lines, a document each."""
    for line in filter(None, content.decode().split("\n")):
        one = json.loads(line)
        labels = [(span["start"], span["end"], span["label"]) for span in one["spans"]]
        yield [Passage(one["text"], labels)]


def docbin(content: bytes) -> Iterator[Document]:
    """RETURNS (Iterator[List[Passage]]): The documents of a file of spaCy, each one passage."""
    for doc in DocBin().from_bytes(content).get_docs(MultiLanguage().vocab):
        yield [Passage(doc.text, [(e.start_char, e.end_char, e.label_) for e in doc.ents])]


def factrueval(files: Iterable[tuple[str, bytes]]) -> Iterator[Document]:
    """Read factRuEval-2016. A name is from the first to the last of the spans of an object; objects
    without a name, such as "the government", are none, and of two that overlap the longer is one.

    files (Iterable[Tuple[str, bytes]]): Paths and contents of the files, several for a document.
    YIELDS (List[Passage]): The paragraphs of a document.
    """
    of_document: dict[str, dict[str, str]] = defaultdict(dict)
    for path, content in files:
        name, _, kind = path.rpartition(".")
        of_document[name][kind] = content.decode("utf-8-sig").replace("\r\n", "\n")
    for parts in of_document.values():
        if {"txt", "spans", "objects"} <= parts.keys():
            labels = _factrueval_labels(parts["spans"], parts["objects"])
            yield [*_paragraphs(parts["txt"], labels)]


def _factrueval_labels(spans: str, objects: str) -> list[Label]:
    of_id = {}
    for line in filter(str.strip, spans.split("\n")):
        number, kind, start, length = line.split()[:4]
        of_id[number] = (kind, int(start), int(start) + int(length))
    labels = []
    for line in filter(str.strip, objects.split("\n")):
        _, label, *numbers = line.partition("#")[0].split()
        found = [of_id[number] for number in numbers if number in of_id]
        if label in ("Person", "LocOrg"):  # without "president", "city"
            found = [one for one in found if not one[0].endswith(("descr", "job"))]
        named = [one for one in found if not one[0].endswith(("descr", "job", "geo_adj"))]
        if named:
            labels.append((min(s for _, s, _ in found), max(e for _, _, e in found), label))
    kept: list[Label] = []
    for one in sorted(labels, key=lambda one: one[0] - one[1]):
        if all(one[1] <= start or end <= one[0] for start, end, _ in kept):
            kept.append(one)
    return sorted(kept)


def _paragraphs(text: str, labels: list[Label]) -> Iterator[Passage]:
    for match in re.finditer(r"\S[^\n]*", text):
        start, end = match.span()
        yield Passage(
            match[0].rstrip(),
            [(a - start, b - start, of) for a, b, of in labels if start <= a and b <= end],
        )


def latvian(files: Iterable[tuple[str, bytes]]) -> Iterator[Document]:
    """RETURNS (Iterator[List[Passage]]): The documents of FullStack's columns, with outer names.
    Each file has a paragraph; its name begins with that of the document.
    """
    for _, group in groupby(files, key=lambda one: one[0].rpartition("-")[0]):
        yield [
            passage
            for _, content in group
            for document in columns(content, word=1, tag=6)
            for passage in document
        ]
