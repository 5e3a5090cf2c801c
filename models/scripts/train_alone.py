"""Train one pipeline for each language, to compare with the one for all of them.

    python scripts/train_alone.py corpus/many training/alone
    python scripts/train_alone.py corpus/many training/spacy --ner

Writes OUTPUT/LANG/model-best: a network of the preset `efficiency`, or, with `--ner`, spaCy's `ner`
with the config of `spacy init config --pipeline ner --optimize efficiency`. Both have the data of
`prepare_many.py` and its tokens; those of one language alone, all of them. What is there already is
not trained again. `evaluate_many.py --other OUTPUT` scores them.
"""

from pathlib import Path
from typing import Annotated

import typer
from spacy import util
from spacy.cli.init_config import init_config
from spacy.cli.train import train
from wasabi import msg

EFFICIENCY = Path(__file__).parents[2] / "configs" / "efficiency.cfg"


def main(
    corpus: Path,
    output: Path,
    lang: Annotated[
        list[str] | None, typer.Option(help="A language to train; can be repeated. All by default")
    ] = None,
    ner: Annotated[bool, typer.Option("--ner", help="Train spaCy's `ner`")] = False,
    steps: Annotated[int, typer.Option(help="Steps of each training")] = 4000,
    evaluations: Annotated[int, typer.Option(help="How many times to score on dev")] = 10,
) -> None:
    """Train the pipelines."""
    output.mkdir(parents=True, exist_ok=True)
    if ner:
        config = init_config(lang="xx", pipeline=["ner"], optimize="efficiency")
    else:
        config = util.load_config(EFFICIENCY)
        config["training"]["optimizer"]["learn_rate"]["total_steps"] = steps
    config["nlp"]["lang"] = "xx"
    config["initialize"]["before_init"] = {
        "@callbacks": "spacy.copy_from_base_model.v1",
        "tokenizer": str(corpus / "tokenizer"),
        "vocab": None,
    }
    config["training"].update(max_steps=steps, eval_frequency=max(1, steps // evaluations))
    config.to_disk(output / "config.cfg")
    files = sorted((corpus / "languages").glob("*-train.spacy"))
    for path in files:
        code = path.name.partition("-")[0]
        if (lang and code not in lang) or (output / code / "model-best").exists():
            continue
        msg.info(f"{code}: {output / code}")
        dev = path.with_name(f"{code}-dev.spacy")
        train(
            output / "config.cfg",
            output / code,
            overrides={"paths.train": str(path), "paths.dev": str(dev)},
        )


if __name__ == "__main__":
    typer.run(main)
