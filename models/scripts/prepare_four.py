"""The data with 18 labels → the same with the four of `en_window_ner_sm`.

    python scripts/prepare_four.py corpus/web corpus/four

Places of all kinds are LOC, and "the" is not part of names. Entities of other labels are outside.
"""

from pathlib import Path

import spacy
import typer
from scores import FOUR
from spacy.tokens import Doc, DocBin, Span
from wasabi import msg

from spacy_window_ner.labels import set_annotated_labels


def with_four_labels(doc: Doc) -> Doc:
    """RETURNS (Doc): The document, changed."""
    missing = [doc[token.i : token.i + 1] for token in doc if not token.ent_iob]
    entities = []
    for ent in doc.ents:
        label = FOUR.get(ent.label_)
        if label is not None:
            leads = label != "DATE" and ent[0].lower_ == "the" and len(ent) > 1
            entities.append(Span(doc, ent.start + leads, ent.end, label))
    doc.set_ents(entities, missing=missing)
    set_annotated_labels(doc, set(FOUR.values()))
    return doc


def main(corpus: Path, output: Path) -> None:
    """Rename the labels of train.spacy and dev.spacy."""
    output.mkdir(parents=True, exist_ok=True)
    for part in ("train", "dev"):
        read = DocBin(store_user_data=True).from_disk(corpus / f"{part}.spacy")
        docs = [with_four_labels(doc) for doc in read.get_docs(spacy.blank("en").vocab)]
        DocBin(docs=docs, store_user_data=True).to_disk(output / f"{part}.spacy")
        n_entities = sum(len(doc.ents) for doc in docs)
        msg.good(f"{part}: {len(docs):,} documents, {n_entities:,} entities: {output}")


if __name__ == "__main__":
    typer.run(main)
