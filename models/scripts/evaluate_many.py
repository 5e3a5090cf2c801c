"""Score a pipeline on the test data of many languages, beside others trained on the same data, and
measure speed.

    python scripts/evaluate_many.py training/many/model-best corpus/many training/many/scores.json
        --other training/alone --other training/spacy

The pipeline is scored as it is published, without rare words and affixes. A folder of other
pipelines has one for each language, LANG/model-best. The corpora that are only for testing do not
count for a language.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from card_many import forget_rare
from evaluate import words_per_second
from many_corpora import CORPORA, NAMES
from prepare_many import file_name
from scores import Outcome, compare, predict, summary
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from wasabi import msg

from spacy_window_ner.cli.demo import READY

# How many of the English documents are read to measure speed.
TIMED = 400


def outcomes(nlp: Language, gold: Sequence[Doc]) -> list[Outcome]:
    """RETURNS (List[Outcome]): What a pipeline finds in documents, without names that have a token
    in them of which the annotation is unknown.
    """
    kept = []
    for one, doc in zip(compare(predict(nlp, gold), gold, NAMES), gold, strict=True):
        unknown = {token.i for token in doc if not token.ent_iob}
        found = {e: p for e, p in one.found.items() if unknown.isdisjoint(range(e[0], e[1]))}
        kept.append(Outcome(one.expected, found))
    return kept


def score(nlp: Language, tests: dict[str, list[Doc]], lang: str = "") -> dict[str, dict[str, Any]]:
    """Score a pipeline.

    nlp (Language): The pipeline.
    tests (Dict[str, List[Doc]]): The documents of each corpus.
    lang (str): The only language to read; all by default.
    RETURNS (Dict[str, Dict[str, Any]]): Scores by the names of corpora, and by the codes of
        languages, of all their corpora together.
    """
    together: dict[str, list[Outcome]] = defaultdict(list)
    for corpus in CORPORA:
        if corpus.name in tests and lang in ("", corpus.lang):
            of_corpus = outcomes(nlp, tests[corpus.name])
            together[corpus.name] = of_corpus
            if "train" in corpus.parts:
                together[corpus.lang] += of_corpus
    return {name: summary(some, NAMES) for name, some in together.items()}


def main(
    model: Path,
    corpus: Path,
    output: Path,
    other: Annotated[
        list[Path] | None, typer.Option(help="A folder of pipelines by language; can be repeated")
    ] = None,
) -> None:
    """Score the pipelines and write the results."""
    nlp = util.load_model(model)
    forget_rare(nlp.get_pipe("window_ner").model)
    tests = {
        one.name: list(DocBin().from_disk(path).get_docs(nlp.vocab))
        for one in CORPORA
        if (path := corpus / "tests" / f"{file_name(one)}.spacy").exists()
    }
    results: dict[str, Any] = {"systems": {"window_ner": score(nlp, tests)}}
    langs = sorted({one.lang for one in CORPORA})
    for folder in other or []:
        results["systems"][folder.name] = of_folder = {}
        for lang in langs:
            if (folder / lang / "model-best").exists():
                alone = util.load_model(folder / lang / "model-best")
                of_folder |= score(alone, tests, lang)
    results["sizes"] = srsly.read_json(corpus / "sizes.json")
    english = [doc.text for one in CORPORA if one.lang == "en" for doc in tests.get(one.name, [])]
    if english and util.is_package(READY):
        systems = {"window_ner": nlp, READY: spacy.load(READY)}
        results["words_per_second"] = words_per_second(systems, english[:TIMED] * 4)
        msg.text(f"words per second: {results['words_per_second']}")
    srsly.write_json(output, results)
    systems = results["systems"]
    rows = [
        [
            name,
            *(systems[s].get(name, {}).get("total", {}).get("f", "–") for s in systems),
            of.get("ece", "–"),
            of.get("ece_by_chance", "–"),
        ]
        for name, of in systems["window_ner"].items()
    ]
    msg.table(rows, header=("", *systems, "ECE", "by chance"), divider=True)


if __name__ == "__main__":
    typer.run(main)
