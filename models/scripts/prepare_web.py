"""Corpora, teachers and generated texts → training and development data with 18 labels.

    python scripts/prepare_web.py DATA_FOLDER REPOSITORIES corpus/web

DATA_FOLDER and REPOSITORIES are those of `prepare_base.py`. The labels are those of spaCy's English
pipelines, two of which are the teachers: `en_core_web_md` and `en_core_web_sm`. How gold annotation
and teachers are put together is in `agree.py`. A part of the documents comes a second time, with
other names (`mentions.py`), and a share of the texts is generated (`generated.py`).
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from agree import agree, kinds_of_places
from evaluate_texts import load_peers
from generated import generate
from mentions import replace_mentions
from prepare_base import CORPORA as ALL_CORPORA
from prepare_base import PARTS, cut, read
from sources import TEXTS
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from wasabi import msg

from spacy_window_ner.annotations import copy_words

# Corpora with people, places and organizations, and with dates.
NAMES = ("PER", "LOC", "ORG")
GOLD = dict.fromkeys(("wikigold", "btc", "crossner", "uner-ewt"), NAMES)
GOLD["gum"] = (*NAMES, "DATE")
# How many generated texts there are for each other document.
GENERATED = 0.5
# The share of the documents that come again with other names, and that of their mentions.
AGAIN, REPLACED = 0.3, 0.7
TEACHERS = ("en_core_web_md", "en_core_web_sm")


def annotate(name: str, docs: Sequence[Doc], teachers: Sequence[Language]) -> list[Doc]:
    """RETURNS (List[Doc]): The documents of a corpus with the 18 labels."""
    labels = GOLD.get(name, ())
    found = [list(nlp.pipe(copy_words(doc, nlp.vocab) for doc in docs)) for nlp in teachers]
    places = kinds_of_places(docs, found[0]) if labels else {}
    return [
        agree(doc, of_teachers, labels, places)
        for doc, *of_teachers in zip(docs, *found, strict=True)
    ]


def sources(data: Path, repositories: Path) -> Iterator[tuple[str, dict[str, list[Doc]]]]:
    """YIELDS (Tuple[str, Dict[str, List[Doc]]]): The name of a corpus and its documents by part."""
    for corpus in ALL_CORPORA:
        if corpus.name not in GOLD and corpus.name not in TEXTS:
            continue
        parts = read(corpus, data, repositories)
        most = TEXTS.get(corpus.name)
        if most is not None:
            parts = {
                part: cut(docs, most // (1 + 4 * (part == "dev"))) for part, docs in parts.items()
            }
        yield corpus.name, parts


def main(
    data: Path,
    repositories: Path,
    output: Path,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn")] = 0,
) -> None:
    """Annotate the corpora, and write train.spacy and dev.spacy."""
    peers = load_peers()
    if missing := [name for name in TEACHERS if name not in peers]:
        msg.fail(f"There is no teacher {', '.join(missing)}", exits=1)
    teachers = [peers[name] for name in TEACHERS]
    together: dict[str, list[Doc]] = {part: [] for part in PARTS}
    for name, parts in sources(data, repositories):
        for part, docs in parts.items():
            annotated = annotate(name, docs, teachers)
            together[part] += annotated
            n_entities = sum(len(doc.ents) for doc in annotated)
            msg.text(f"{name} {part}: {len(docs)} documents, {n_entities} entities")
    drawn = random.Random(seed)
    for part, docs in together.items():
        if part == "train":
            again = drawn.sample(docs, round(AGAIN * len(docs)))
            docs += replace_mentions(again, REPLACED, seed)
        docs += generate(round(GENERATED * len(docs)), seed + (part == "dev"), articles=True)
    output.mkdir(parents=True, exist_ok=True)
    for part, docs in together.items():
        drawn.shuffle(docs)
        DocBin(docs=docs, store_user_data=True).to_disk(output / f"{part}.spacy")
        words = sum(map(len, docs))
        msg.good(f"{part}: {len(docs):,} documents, {words:,} words: {output}")


if __name__ == "__main__":
    typer.run(main)
