"""Pairs of mentions, judged by hand, beside what a database of names makes of them.

    python benchmarks/name_pairs.py database ../shared/data names.db wikigold crossner \
        --pipeline en_window_ner_sm
    python benchmarks/name_pairs.py draw names.db > pairs.txt
    python benchmarks/name_pairs.py judge names.db tests/data/name_pairs.txt

`database` indexes corpora, or with `crossner:dev` a part of one, with a pipeline or with the
entities that they are annotated with. The pairs in `tests/data/name_pairs_annotated.txt` are of
`gum crossner:dev crossner:test wikigold:dev wikigold:test`, and those in `name_pairs_fresh.txt` of
`crossner:train wikigold:train`, all annotated.

`draw` knows nothing of how mentions are grouped: it takes pairs with one label and different texts
that might be of one name, half of them from one document, where the words of one are among those of
the other, and half from two, where their letters are the same but for case, accents, and "the".
Replace the `?` at the beginning of
each line by `yes` or `no`, and then let `judge` say which of them the database brings together.

On each line are the judgment, the words of a mention, the label, and the two mentions in brackets
with the text around them, divided by tabs. Lines that begin with # are comments.
"""

import random
import re
import sqlite3
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from data import SPLITS
from names import lines_of, read_corpus
from spacy.tokens import DocBin
from wasabi import msg

from spacy_window_ner.mentions.database import reading
from spacy_window_ner.mentions.indexing import index

# How many characters before and behind a mention are shown.
AROUND = 80
# Dates and the like are mentions too, but no names.
LABELS = ("PER", "PERSON", "LOC", "GPE", "ORG")
Key = tuple[str, str]
app = typer.Typer(help=__doc__)


@dataclass(frozen=True)
class Pair:
    """Two mentions.

    same (bool): Whether they are of one name.
    contexts (Tuple[str, str]): The text around them, with the mentions in brackets.
    """

    same: bool
    contexts: tuple[str, str]


def read_pairs(path: Path) -> list[Pair]:
    """Read pairs that were judged.

    path (Path): The file.
    RETURNS (List[Pair]): The pairs.
    RAISES (ValueError): If a line has another form.
    """
    pairs = []
    for number, line in lines_of(path):
        fields = line.split("\t")
        has_mentions = all(re.search(r"\[.+\]", context) for context in fields[3:])
        if len(fields) != 5 or fields[0] not in ("yes", "no") or not has_mentions:
            raise ValueError(
                f"Line {number} of {path} has not yes or no, a name, a label, and two mentions in "
                f"brackets."
            )
        pairs.append(Pair(fields[0] == "yes", (fields[3], fields[4])))
    return pairs


def draw_pairs(
    connection: sqlite3.Connection, number: int, labels: Sequence[str], seed: int = 0
) -> Iterator[str]:
    """Draw pairs that might be of one name, at random.

    connection (sqlite3.Connection): The database.
    number (int): How many.
    labels (Sequence[str]): The labels.
    seed (int): The seed.
    YIELDS (str): A line for each, to be judged.
    """
    marks = ", ".join("?" * len(labels))
    rows = connection.execute(
        f"SELECT * FROM mentions WHERE label IN ({marks}) ORDER BY id", labels
    ).fetchall()
    by_document, by_letters = defaultdict(list), defaultdict(list)
    for row in rows:
        by_document[row["document_id"]].append(row)
        by_letters["".join(_words(row["text"]))].append(row)
    rng = random.Random(seed)
    shares = ((_of_one_document, by_document, number // 2), (_alike, by_letters, -(-number // 2)))
    for is_candidate, groups, n in shares:
        pairs: dict[Any, tuple[Any, Any]] = {}
        for place, mentions in groups.items():
            for one, other in combinations(mentions, 2):
                is_new = one["label"] == other["label"] and one["text"] != other["text"]
                if is_new and is_candidate(one, other):
                    pairs.setdefault((place, *sorted([one["text"], other["text"]])), (one, other))
        for pair in rng.sample(list(pairs.values()), min(n, len(pairs))):
            one, other = rng.sample(pair, 2)
            contexts = (_around(connection, row) for row in (one, other))
            yield "\t".join(["?", " ".join(_words(one["text"])), one["label"], *contexts])


def _of_one_document(one: Any, other: Any) -> bool:
    first, second = set(_words(one["text"])), set(_words(other["text"]))
    return bool(first and second) and (first <= second or second <= first)


def _alike(one: Any, other: Any) -> bool:
    """Their letters are the same, which is why they are in one group."""
    return bool(one["document_id"] != other["document_id"])


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    words = re.findall(r"\w+", re.sub("[\u0300-\u036f.]", "", plain))
    return [word for word in words if word not in ("the", "s")] or words


def _around(connection: sqlite3.Connection, row: Any) -> str:
    """The text around a mention, in its sentence."""
    sentence = connection.execute(
        "SELECT start, text FROM sentences WHERE id = ?", (row["sentence_id"],)
    ).fetchone()
    text = sentence["text"]
    start, end = row["start"] - sentence["start"], row["end"] - sentence["start"]
    around = f"{text[:start][-AROUND:]}[{text[start:end]}]{text[end:][:AROUND]}"
    return re.sub(r"\s", " ", around)


def keys_of(connection: sqlite3.Connection, pair: Pair) -> list[Key] | None:
    """RETURNS (Optional[List[Tuple[str, str]]]): The keys and labels of the names of both mentions;
    None if one is not in the database.
    """
    keys = []
    for context in pair.contexts:
        before, _, rest = context.partition("[")
        mention, _, after = rest.partition("]")
        rows = connection.execute(
            "SELECT names.key, names.label, mentions.start - sentences.start AS place, "
            "sentences.text FROM mentions JOIN names ON names.id = mentions.name_id "
            "JOIN sentences ON sentences.id = mentions.sentence_id "
            "WHERE mentions.text = ? ORDER BY mentions.id",
            (mention,),
        )
        for row in rows:
            text = re.sub(r"\s", " ", row["text"])
            place, end = row["place"], row["place"] + len(mention)
            if text[:place].endswith(before) and text[end:].startswith(after):
                keys.append((row["key"], row["label"]))
                break
    return keys if len(keys) == 2 else None


@app.command("database")
def database(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora", exists=True)],
    path: Annotated[Path, typer.Argument(help="Database to make")],
    corpora: Annotated[list[str], typer.Argument(help="Corpora, or parts of them as gum:train")],
    pipeline: Annotated[
        str | None, typer.Option(help="Pipeline to find names with, instead of the annotation")
    ] = None,
) -> None:
    """Index the names of corpora."""
    parts = defaultdict(set)
    for one in corpora:
        name, _, split = one.partition(":")
        parts[name] |= {split} if split else set(SPLITS)
    nlp = spacy.blank("en") if pipeline is None else spacy.load(pipeline)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, splits in parts.items():
            for split, docs in read_corpus(data / name, splits).items():
                files.append(Path(folder) / f"{name}-{split}.spacy")
                texts = docs if pipeline is None else map(nlp.make_doc, (doc.text for doc in docs))
                DocBin(docs=texts).to_disk(files[-1])
        index(nlp, files, path)


@app.command("draw")
def draw(
    database: Annotated[Path, typer.Argument(help="Database of `index`", exists=True)],
    number: Annotated[int, typer.Option(help="Number of pairs")] = 100,
    label: Annotated[list[str] | None, typer.Option(help="Labels; can be repeated")] = None,
    seed: Annotated[int, typer.Option(help="Seed")] = 0,
) -> None:
    """Print pairs to be judged."""
    with reading(database) as connection:
        for line in draw_pairs(connection, number, label or LABELS, seed):
            print(line)


@app.command("judge")
def judge(
    database: Annotated[Path, typer.Argument(help="Database of `index`", exists=True)],
    path: Annotated[Path, typer.Argument(help="Pairs with judgments", exists=True)],
) -> None:
    """Print precision and recall of the pairs that the database brings together, and mistakes."""
    counts: dict[Any, int] = defaultdict(int)
    with reading(database) as connection:
        for pair in read_pairs(path):
            keys = keys_of(connection, pair)
            found = None if keys is None else keys[0] == keys[1]
            counts[pair.same, found] += 1
            if found is not pair.same:
                kind = {True: "together", False: "apart", None: "not found"}[found]
                print(
                    f"{'same' if pair.same else 'other'} name, {kind}: {' | '.join(pair.contexts)}"
                )
    right, wrong, missed = counts[True, True], counts[False, True], counts[True, False]
    not_found = counts[True, None] + counts[False, None]
    precision, recall = right / max(right + wrong, 1), right / max(right + missed, 1)
    msg.good(
        f"{right} of {right + wrong} pairs together are of one name (precision {precision:.3f}); "
        f"{right} of {right + missed} of one name are together (recall {recall:.3f})"
    )
    if not_found:
        msg.warn(f"{not_found} pairs are not in the database: it was made by another pipeline")


if __name__ == "__main__":
    app()
