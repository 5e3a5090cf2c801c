"""Corpora, teachers and generated texts → training and development data with 18 labels.

    python scripts/prepare_web.py DATA_FOLDER REPOSITORIES corpus/web

DATA_FOLDER and REPOSITORIES are those of `prepare_base.py`. The labels are those of spaCy's English
pipelines, two of which are the teachers: `en_core_web_md` and `en_core_web_sm`. How gold annotation
and teachers are put together is in `agree.py`. A part of the documents comes a second time, with
other names (`mentions.py`), and a share of the texts is generated (`generated.py`).

The domains of CrossNER have events, songs, albums, books and poems, which stay; the corpora have no
others. The training texts of the English Web Treebank (blogs, newsgroups, e-mail, reviews,
questions and answers in UD_English-EWT) have no annotation there. From these, nothing is learned
about names of people, places and organizations, in which the teachers are weaker than the corpora.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from agree import NAMES as NAMES_OF_TEACHERS
from agree import agree, kinds_of_places
from clones import files
from evaluate_texts import load_peers
from generated import generate
from mentions import replace_mentions
from prepare_base import CORPORA as ALL_CORPORA
from prepare_base import PARTS, cut, nlp, read, words
from scores import EIGHTEEN
from sources import TEXTS
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import filter_spans
from wasabi import msg

from spacy_window_ner.annotations import copy_words
from spacy_window_ner.labels import set_annotated_labels

# Corpora with people, places and organizations, and with dates.
NAMES = ("PER", "LOC", "ORG")
GOLD = dict.fromkeys(("wikigold", "btc", "crossner", "uner-ewt"), NAMES)
GOLD["gum"] = (*NAMES, "DATE")
# How many generated texts there are for each other document.
GENERATED = 0.5
# The share of the documents that come again with other names, and that of their mentions.
AGAIN, REPLACED = 0.3, 0.7
# Labels of the domains of CrossNER that are those of spaCy's pipelines.
OF_DOMAINS = {"crossner.event": "EVENT"}
OF_DOMAINS |= {f"crossner.{x}": "WORK_OF_ART" for x in ("album", "song", "book", "poem")}
WEB = "web texts"
TREEBANK = "UniversalDependencies+UD_English-EWT"
FOLDER = "not-to-release"  # a file for each text, and lists of those of each part
TEXT = "# text = "
TEACHERS = ("en_core_web_md", "en_core_web_sm")


def annotate(name: str, docs: Sequence[Doc], teachers: Sequence[Language]) -> list[Doc]:
    """RETURNS (List[Doc]): The documents of a corpus with the 18 labels."""
    labels = GOLD.get(name, ())
    found = [list(nlp.pipe(copy_words(doc, nlp.vocab) for doc in docs)) for nlp in teachers]
    places = kinds_of_places(docs, found[0]) if labels else {}
    agreed = [
        agree(doc, of_teachers, labels, places)
        for doc, *of_teachers in zip(docs, *found, strict=True)
    ]
    return list(map(without_names, agreed)) if name == WEB else agreed


def without_names(doc: Doc) -> Doc:
    """RETURNS (Doc): The document, which does not annotate people, places, organizations now."""
    missing = [doc[token.i : token.i + 1] for token in doc if not token.ent_iob]
    doc.set_ents([e for e in doc.ents if e.label_ not in NAMES_OF_TEACHERS], missing=missing)
    set_annotated_labels(doc, EIGHTEEN.keys() - NAMES_OF_TEACHERS)
    return doc


def add_domains(docs: Iterable[Doc], data: Path, repositories: Path) -> None:
    """Annotate what the domains of CrossNER have and its sentences with three labels do not.

    docs (Iterable[Doc]): The sentences, which are changed.
    data (Path): The data folder.
    repositories (Path): The folder of the clones.
    """
    of_domains = {}
    for corpus in ALL_CORPORA:
        if corpus.name.startswith("crossner-"):
            test = corpus.dev[0].replace("dev", "test")
            parts = read(replace(corpus, dev=(*corpus.dev, test)), data, repositories)
            of_domains |= {words(doc): doc for part in PARTS for doc in parts[part]}
    for doc in docs:
        found = of_domains.get(words(doc), doc).ents
        labeled = ((ent.start, ent.end, OF_DOMAINS.get(ent.label_)) for ent in found)
        more = [Span(doc, start, end, label) for start, end, label in labeled if label]
        doc.set_ents(filter_spans([*doc.ents, *more]), default="unmodified")


def read_web(repositories: Path) -> dict[str, list[Doc]]:
    """RETURNS (Dict[str, List[Doc]]): The training texts of the English Web Treebank, with spaCy's
    tokens, ten sentences a document; every tenth text is for development.
    """
    (_, listed), *_ = files(repositories, TREEBANK, (f"{FOLDER}/file-lists/files.train",), WEB)
    paths = tuple(f"{FOLDER}/sources/{path}" for path in listed.decode().split())
    parts: dict[str, list[Doc]] = {part: [] for part in PARTS}
    for number, (_, content) in enumerate(files(repositories, TREEBANK, paths, WEB)):
        lines = content.decode().splitlines()
        sentences = [nlp.make_doc(x.removeprefix(TEXT)) for x in lines if x.startswith(TEXT)]
        for sentence in sentences:
            for token in sentence:
                token.is_sent_start = token.i == 0
        tens = [Doc.from_docs(sentences[i : i + 10]) for i in range(0, len(sentences), 10)]
        parts["dev" if number % 10 == 9 else "train"] += tens
    return parts


def sources(data: Path, repositories: Path) -> Iterator[tuple[str, dict[str, list[Doc]]]]:
    """YIELDS (Tuple[str, Dict[str, List[Doc]]]): The name of a corpus and its documents by part."""
    for corpus in ALL_CORPORA:
        if corpus.name not in GOLD and corpus.name not in TEXTS:
            continue
        parts = read(corpus, data, repositories)
        if corpus.name == "crossner":
            add_domains((doc for part in PARTS for doc in parts[part]), data, repositories)
        most = TEXTS.get(corpus.name)
        if most is not None:
            parts = {
                part: cut(docs, most // (1 + 4 * (part == "dev"))) for part, docs in parts.items()
            }
        yield corpus.name, parts
    yield WEB, read_web(repositories)


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
