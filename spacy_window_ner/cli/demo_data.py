"""`python -m spacy window-ner demo --data`: the generated corpus as files to try commands on."""

from pathlib import Path

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from wasabi import msg

from .demo import TEXTS
from .demo_corpus import Sentence, generate

# The names of the development and the test data are the same, but not the sentences.
DOCUMENTS = {"train": 100, "dev": 40, "test": 40}
_SPLITS = {"train": "train", "dev": "dev", "test": "dev"}
_SENTENCES = 5
_TEXTS = 50


def write_data(folder: Path, seed: int = 0) -> None:
    """Write annotated documents to `train.spacy`, `dev.spacy` and `test.spacy`, and texts to
    `texts.jsonl`, beginning with those of the lecture notes. Earlier files of these names are
    replaced.

    folder (Path): The folder; it is made if there is none.
    seed (int): Seed of the sentences.
    RAISES (SystemExit): With a message, if the files cannot be written.
    """
    nlp = spacy.blank("en")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken: set[str] = set()
        for name, size in DOCUMENTS.items():
            documents = _documents(_SPLITS[name], size, seed, taken)
            docs = [make_document(nlp, sentences) for sentences in documents]
            DocBin(docs=docs).to_disk(folder / f"{name}.spacy")
        texts = [" ".join(s.text for s in one) for one in _documents("dev", _TEXTS, seed, taken)]
        texts.insert(0, " ".join(TEXTS))
        srsly.write_jsonl(folder / "texts.jsonl", [{"text": text} for text in texts])
    except OSError as error:
        msg.fail(f"Cannot write the data to {folder}", str(error), exits=1)
    names = ", ".join([f"{name}.spacy" for name in DOCUMENTS])
    msg.good(
        f"Saved {names} and texts.jsonl to {folder}",
        "The sentences are generated: what is learned from them is of no use on other text.",
    )


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
    """Documents of sentences that are not taken yet; they are then."""
    needed = size * _SENTENCES
    found = [s for s in generate(split, needed + len(taken), seed) if s.text not in taken][:needed]
    taken.update(sentence.text for sentence in found)
    return [found[i : i + _SENTENCES] for i in range(0, needed, _SENTENCES)]
