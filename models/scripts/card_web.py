"""Meta data, card and licenses of the pipeline with 18 labels; parameters in half precision.

python scripts/card_web.py training/web/model-best training/web/scores.json training/web/final
"""

from pathlib import Path

import typer
from card import SOURCES, complete, measured
from card_base import sources as sources_of_base
from generated import SOURCE as GENERATED
from prepare_web import TEXTS
from spacy import util

DESCRIPTION = (
    "The 18 labels of spaCy's English pipelines, in English text, on a CPU: in the place of their "
    "component ner."
)
TEACHERS = [
    {
        "name": f"{name} 3.8.0, which labeled what the corpora do not",
        "author": "Explosion",
        "license": "MIT",
        "url": f"https://github.com/explosion/spacy-models/releases/tag/{name}-3.8.0",
    }
    for name in ("en_core_web_md", "en_core_web_sm")
]


def sources() -> list[dict[str, str]]:
    """RETURNS (List[Dict[str, str]]): What the pipeline was made from."""
    texts = [one for one in sources_of_base() if one["name"] in TEXTS]
    return [*SOURCES, *texts, *TEACHERS, GENERATED]


def main(
    model: Path,
    scores_path: Path,
    output: Path,
    name: str = "window_ner_web_sm",
    version: str = "0.3.0",
) -> None:
    """Complete the trained pipeline."""
    nlp = util.load_model(model)
    values = measured(nlp, scores_path)
    meta = {"name": name, "version": version, "description": DESCRIPTION}
    complete(nlp, output, "card_web.md", sources(), meta, **values)


if __name__ == "__main__":
    typer.run(main)
