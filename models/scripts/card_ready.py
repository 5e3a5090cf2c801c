"""Meta data, card and licenses of the ready pipelines.

python scripts/card_ready.py window_ner_sm training/four/calibrated training/four/scores.json \
    training/four/final 0.3.3
"""

from pathlib import Path

import typer
from card import complete, measured
from card_base import sources as sources_of_base
from sources import GENERATED, SOURCES, TEACHERS, TEXTS, WEB_TEXTS
from spacy import util

# The template of the card of each, and its description.
CARDS = {
    "window_ner_sm": (
        "card.md",
        "Names of people, places and organizations, and dates, in English text, on a CPU.",
    ),
    "window_ner_web_sm": (
        "card_web.md",
        "The 18 labels of spaCy's English pipelines, in English text, on a CPU: in the place of "
        "their component ner.",
    ),
}


def sources() -> list[dict[str, str]]:
    """RETURNS (List[Dict[str, str]]): What the pipelines were made from."""
    texts = [one for one in sources_of_base() if one["name"] in TEXTS]
    return [*SOURCES, *texts, WEB_TEXTS, *TEACHERS, GENERATED]


def main(name: str, model: Path, scores_path: Path, output: Path, version: str) -> None:
    """Complete a trained pipeline."""
    nlp = util.load_model(model)
    values = measured(nlp, scores_path)
    template, description = CARDS[name]
    meta = {"name": name, "version": version, "description": description}
    complete(nlp, output, template, sources(), meta, **values)


if __name__ == "__main__":
    typer.run(main)
