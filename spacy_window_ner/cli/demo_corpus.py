"""The corpus of the demo: English news sentences, generated from templates and lists of names.

The sentences are fictitious; people and companies are combined at random. There are four labels:
PER, LOC (also hotels, stadiums, museums, stations and streets), ORG and DATE (explicit dates such
as "April 1987", not "last night"). The article is not part of a name.

Training and development sentences share the templates but no names: each split has its own lists of
names, days and years in `demo_corpus.json`. Only months and generic words (Hotel, Bank, University)
occur in entities of both. Many names are used for both people and places (Chelsea, Jordan), so the
context has to decide. Neither the sentences of the lecture notes nor their names are in the corpus.

In the grammar, each string is one way to expand a symbol, and braces mark further symbols. `LABELS`
maps the symbols that are entities to their labels. Entities are not nested.
"""

import random
from pathlib import Path
from typing import NamedTuple

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin

# The two sentences of the lecture notes.
TEXTS = (
    "Last night, Paris Hilton wowed in a sequin gown.",
    "Samuel Quinn was arrested in the Hilton Hotel in Paris in April 1989.",
)

_DATA = srsly.read_json(Path(__file__).with_suffix(".json"))
NAMES: dict[str, dict[str, list[str]]] = _DATA["names"]
GRAMMAR: dict[str, list[str]] = _DATA["grammar"]
LABELS: dict[str, str] = _DATA["labels"]

SIZES = {"train": 1000, "dev": 300}
DEFAULT_SEED = 0

# The files of documents that can be written, the split of each, and its number of documents. The
# names of the development and the test data are the same, but not the sentences.
FILES = {"train": ("train", 100), "dev": ("dev", 40), "test": ("dev", 40)}
_SENTENCES, _TEXTS = 5, 50

# No space is written before these.
_CLOSE = (",", ".", "'s", "-based")


class Sentence(NamedTuple):
    """One sentence of the corpus.

    text (str): The text.
    entities (List[Tuple[int, int, str]]): Start and end character offsets (end exclusive) and
        label of each entity, in the order of the text.
    """

    text: str
    entities: list[tuple[int, int, str]]


def generate(split: str, size: int | None = None, seed: int = DEFAULT_SEED) -> list[Sentence]:
    """Generate sentences with their entities.

    split (str): `train` or `dev`.
    size (Optional[int]): The number of sentences; if None, the one in `SIZES`.
    seed (int): Random seed. The same arguments always give the same sentences.
    RETURNS (List[Sentence]): The sentences, without duplicates.
    RAISES (ValueError): If the split is unknown, or the size is negative.
    """
    if split not in NAMES:
        raise ValueError(f"Unknown split {split!r}. Use one of {', '.join(map(repr, NAMES))}.")
    size = SIZES[split] if size is None else size
    if size < 0:
        raise ValueError(f"The number of sentences cannot be negative, got {size}.")
    rules = GRAMMAR | NAMES[split]
    rng = random.Random(f"{split} {seed}")
    sentences: dict[str, Sentence] = {}
    while len(sentences) < size:
        sentence = _sentence(rules, rng)
        if not _repeats_entity(sentence):
            sentences.setdefault(sentence.text, sentence)
    return list(sentences.values())


def _sentence(rules: dict[str, list[str]], rng: random.Random) -> Sentence:
    pieces = _expand("sentence", rules, rng)
    text, starts = _join([piece for piece, _ in pieces])
    entities = [
        (start, start + len(piece), label)
        for start, (piece, label) in zip(starts, pieces, strict=True)
        if label
    ]
    return Sentence(text[0].upper() + text[1:], entities)


def _repeats_entity(sentence: Sentence) -> bool:
    """Whether the same entity is there twice, as in "the train from Leeds to Leeds"."""
    names = [sentence.text[start:end] for start, end, _ in sentence.entities]
    return len(set(names)) < len(names)


def _expand(symbol: str, rules: dict[str, list[str]], rng: random.Random) -> list[tuple[str, str]]:
    """Expand a symbol to pieces of text with their labels, "" for text outside entities."""
    pieces: list[tuple[str, str]] = []
    for word in rng.choice(rules[symbol]).split():
        if word.startswith("{"):
            pieces += _expand(word.strip("{}"), rules, rng)
        else:
            pieces.append((word, ""))
    if symbol in LABELS:
        text, _ = _join([piece for piece, _ in pieces])
        return [(text, LABELS[symbol])]
    return pieces


def _join(pieces: list[str]) -> tuple[str, list[int]]:
    """Join pieces with spaces where they belong; RETURNS: the text, and where each piece starts."""
    text = ""
    starts = []
    for piece in pieces:
        if text and not piece.startswith(_CLOSE):
            text += " "
        starts.append(len(text))
        text += piece
    return text, starts


def write_data(folder: Path, seed: int = DEFAULT_SEED) -> list[str]:
    """Write annotated documents to the `FILES`, and texts to `texts.jsonl`, starting with those of
    the lecture notes. Existing files with these names are replaced.

    folder (Path): The folder; it is created if it does not exist.
    seed (int): Random seed.
    RETURNS (List[str]): The names of the files.
    RAISES (OSError): If the files cannot be written.
    """
    nlp = spacy.blank("en")
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for name, (split, size) in FILES.items():
        documents = _documents(split, size, seed, taken)
        docs = [make_document(nlp, sentences) for sentences in documents]
        DocBin(docs=docs).to_disk(folder / f"{name}.spacy")
    texts = [" ".join(s.text for s in one) for one in _documents("dev", _TEXTS, seed, taken)]
    texts.insert(0, " ".join(TEXTS))
    srsly.write_jsonl(folder / "texts.jsonl", [{"text": text} for text in texts])
    return [*(f"{name}.spacy" for name in FILES), "texts.jsonl"]


def make_document(nlp: Language, sentences: list[Sentence]) -> Doc:
    """Make an annotated document of sentences.

    nlp (Language): The pipeline whose tokenizer to use.
    sentences (List[Sentence]): The sentences.
    RETURNS (Doc): The document, with entities and sentence starts.
    """
    doc = nlp.make_doc(" ".join(sentence.text for sentence in sentences))
    first, ents, starts = 0, [], set()
    for sentence in sentences:
        starts.add(first)
        ents += [(first + start, first + end, label) for start, end, label in sentence.entities]
        first += len(sentence.text) + 1
    spans = [doc.char_span(*ent, alignment_mode="expand") for ent in ents]
    doc.ents = [span for span in spans if span is not None]
    for token in doc:
        token.is_sent_start = token.idx in starts
    return doc


def _documents(split: str, size: int, seed: int, taken: set[str]) -> list[list[Sentence]]:
    """Documents of sentences that are not taken yet, which are then marked as taken."""
    needed = size * _SENTENCES
    found = [s for s in generate(split, needed + len(taken), seed) if s.text not in taken][:needed]
    taken.update(sentence.text for sentence in found)
    return [found[i : i + _SENTENCES] for i in range(0, needed, _SENTENCES)]
