"""Score a pipeline on texts of many kinds and on the test files of all corpora, beside the
pipelines of spaCy that are installed, and measure speed.

    python scripts/evaluate.py training/model-best corpus training/scores.json --data DATA_FOLDER

Corpora are read sentence by sentence, with their own tokens. The labels of spaCy's pipelines are
mapped to those of the corpora; entities of other labels do not count. The figures of all systems
are made in the same run. See `evaluate_texts` for the other texts.

With DATA_FOLDER, that of `prepare.py`, two corpora are scored from which nothing was learned, where
the folder has them: news (CoNLL-2003, development file) and social media (WNUT 2017, test file).
Of the labels of the second, person is PER, location LOC, corporation and group are ORG; its
products and creative works do not count, and neither does MISC of the first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from time import process_time
from typing import Annotated, Any

import spacy
import srsly
import typer
from evaluate_texts import load_peers, print_scores, score_texts
from prepare import CORPORA, read
from scores import FOUR, NAMES, compare, predict, summary
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from wasabi import msg

from spacy_window_ner.labels import annotated_labels, set_annotated_labels

REPEATS = 3
# Files from which nothing was learned, and what their labels are called in the score.
HELD_OUT = {"conll03": "conll03/dev.conll", "wnut17": "wnut17/test.conll"}
NAMED = FOUR | {"person": "PER", "location": "LOC", "corporation": "ORG", "group": "ORG"}


def sentences(docs: Iterable[Doc]) -> Iterator[Doc]:
    """YIELDS (Doc): The sentences of documents."""
    for doc in docs:
        for sentence in doc.sents:
            one = sentence.as_doc()
            set_annotated_labels(one, annotated_labels(doc))
            yield one


def read_corpus(path: Path) -> list[Doc]:
    """RETURNS (List[Doc]): The sentences of the documents of a file that `prepare.py` wrote."""
    return list(sentences(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)))


def read_held_out(path: Path) -> list[Doc]:
    """RETURNS (List[Doc]): The sentences of a file of `HELD_OUT`."""
    docs = list(read(path, tuple(NAMED), n_sentences=1))
    for doc in docs:
        set_annotated_labels(doc, NAMES)
    return list(sentences(docs))


def score_names(
    systems: dict[str, Language], name: str, gold: list[Doc]
) -> dict[str, dict[str, Any]]:
    """RETURNS (Dict[str, Dict[str, Any]]): The scores of each pipeline on a corpus."""
    row = {
        key: summary(compare(predict(nlp, gold), gold, NAMED), NAMES)
        for key, nlp in systems.items()
    }
    figures = ", ".join(f"{key} {of['total']['f']}" for key, of in row.items())
    own = row["window_ner"]
    msg.text(f"{name}: F1 of names {figures}; ECE {own['ece']} ({own['ece_by_chance']})")
    return row


def words_per_second(systems: dict[str, Language], texts: list[str]) -> dict[str, float]:
    """RETURNS (Dict[str, float]): The words that each pipeline reads in a second, from text to
    entities, the pipelines taking turns.
    """
    seconds: dict[str, list[float]] = defaultdict(list)
    n_words = sum(len(doc) for doc in spacy.blank("en").pipe(texts))
    for _ in range(REPEATS):
        for name, nlp in systems.items():
            start = process_time()
            for _ in nlp.pipe(texts):
                pass
            seconds[name].append(process_time() - start)
    return {name: round(n_words / median(times)) for name, times in seconds.items()}


def main(
    model: Path,
    corpus: Path,
    output: Path,
    data: Annotated[Path | None, typer.Option(help="The folder of the corpora")] = None,
) -> None:
    """Score all pipelines and write the results."""
    systems = {"window_ner": util.load_model(model), **load_peers()}
    results: dict[str, Any] = {"texts": score_texts(systems)}
    print_scores(results["texts"])
    results["corpora"] = {
        name: score_names(systems, name, read_corpus(corpus / f"{name}-test.spacy"))
        for name in CORPORA
    }
    results["held_out"] = {
        name: score_names(systems, name, read_held_out(data / path))
        for name, path in HELD_OUT.items()
        if data is not None and (data / path).is_file()
    }
    texts = [doc.text for doc in read_corpus(corpus / "gum-dev.spacy")] * 4
    results["words_per_second"] = words_per_second(systems, texts)
    msg.text(f"words per second: {results['words_per_second']}")
    srsly.write_json(output, results)


if __name__ == "__main__":
    typer.run(main)
