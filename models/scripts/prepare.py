"""Corpora → training and development data in spaCy's binary format.

    python scripts/prepare.py DATA_FOLDER corpus

Each document says which labels its corpus annotates: `gum` alone has dates. Types other than PER,
LOC, ORG and DATE are left out. Texts that are marked as documents stay whole, and so do tweets;
sentences of Wikipedia are put together in tens.
"""

from collections.abc import Iterator
from pathlib import Path

import typer
from spacy.tokens import Doc, DocBin
from spacy.training.converters import conll_ner_to_docs
from spacy.util import filter_spans
from wasabi import msg

from spacy_window_ner.labels import annotated_labels, set_annotated_labels

NAMES = ("LOC", "ORG", "PER")
DATES = (*NAMES, "DATE")
# For each corpus the labels that it annotates, and how many sentences make a document; 0 where
# documents are marked.
CORPORA = {
    "wikigold": (NAMES, 10),
    "btc": (NAMES, 1),
    "uner-ewt": (NAMES, 1),
    "gum": (DATES, 0),
    "crossner": (NAMES, 1),
}
DOCUMENT = "-DOCSTART- -X- O O"


def read(path: Path, labels: tuple[str, ...], n_sentences: int) -> Iterator[Doc]:
    """Read a file of tokens and IOB tags.

    path (Path): The file.
    labels (Tuple[str]): The labels that it annotates.
    n_sentences (int): The number of sentences of a document; 0 where the file marks documents.
    YIELDS (Doc): The documents.
    """
    text = path.read_text(encoding="utf8")
    parts = text.split(DOCUMENT) if n_sentences == 0 else [text]
    for part in filter(str.strip, parts):
        # No document has so many sentences.
        n = n_sentences or 1_000_000
        for doc in conll_ner_to_docs(part, n_sents=n, no_print=True):
            doc.ents = [ent for ent in doc.ents if ent.label_ in labels]
            set_annotated_labels(doc, labels)
            yield doc


def without_handles(doc: Doc) -> Doc:
    """Take the annotation of handles away, so that nothing is learned about them. The Broad Twitter
    Corpus takes them apart ("@", "name") and calls them people and organizations; spaCy's tokenizer
    does not take them apart, and other corpora do not call them names.

    doc (Doc): The document, which is changed.
    RETURNS (Doc): The document.
    """
    handles = [doc[i : i + 2] for i in range(len(doc) - 1) if doc[i].text == "@"]
    inside = {token.i for span in handles for token in span}
    names = [ent for ent in doc.ents if not inside.intersection(range(ent.start, ent.end))]
    doc.set_ents(names, missing=filter_spans(handles))
    return doc


def sentences(doc: Doc) -> Iterator[Doc]:
    """The sentences of a document of more than one.

    doc (Doc): The document.
    YIELDS (Doc): A document for each sentence.
    """
    found = list(doc.sents)
    for sentence in found if len(found) > 1 else ():
        one = sentence.as_doc()
        one.has_unknown_spaces = doc.has_unknown_spaces
        set_annotated_labels(one, annotated_labels(doc))
        yield one


def main(data: Path, output: Path) -> None:
    """Convert all corpora: train.spacy and dev.spacy together, dev and test of each by itself."""
    output.mkdir(parents=True, exist_ok=True)
    together: dict[str, DocBin] = {part: DocBin(store_user_data=True) for part in ("train", "dev")}
    for name, (labels, n_sentences) in CORPORA.items():
        for part in ("train", "dev", "test"):
            docs = list(read(data / name / f"{part}.conll", labels, n_sentences))
            if part != "test":
                docs = list(map(without_handles, docs))
            for doc in docs if part in together else ():
                together[part].add(doc)
                if part == "dev":  # people read short texts and long ones
                    for sentence in sentences(doc):
                        together[part].add(sentence)
            if part != "train":
                DocBin(docs=docs, store_user_data=True).to_disk(output / f"{name}-{part}.spacy")
            n_entities = sum(len(doc.ents) for doc in docs)
            msg.text(f"{name} {part}: {len(docs)} documents, {n_entities} entities")
    for part, docs in together.items():
        docs.to_disk(output / f"{part}.spacy")
    msg.good(f"Converted all corpora: {output}")


if __name__ == "__main__":
    typer.run(main)
