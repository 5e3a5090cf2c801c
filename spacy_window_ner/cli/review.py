"""`python -m spacy window-ner review`: find annotation that is probably wrong."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy import util
from spacy.cli._util import import_code
from spacy.language import Language
from spacy.training import Example
from thinc.api import Config
from wasabi import msg

from ..inspect.folds import own_config
from ..inspect.review import Suspect, review, review_by_folds, tasks_of
from ..inspect.tasks import write_tasks
from ..training.corpus import read_examples
from .inputs import annotated_docs, explained, load_component
from .options import (
    WITH_OVERRIDES,
    AnnotatedData,
    Code,
    Model,
    Name,
    TaskFormat,
    TasksIn,
    new_app,
    overrides,
)
from .output import check_writable

app = new_app()

SHOWN = 15


@app.command("review", context_settings=WITH_OVERRIDES)
def review_annotation(
    ctx: typer.Context,
    model: Model,
    data_path: AnnotatedData,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to save the results to")],
    folds: Annotated[
        int,
        typer.Option(
            "--folds",
            "-k",
            min=0,
            help="Number of folds for cross-validation: each fold is checked by a network trained "
            "on the rest. 0 uses the pipeline itself",
        ),
    ] = 0,
    config_path: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-C",
            help="Config to train the folds with; default: the config of the pipeline. Its "
            "settings can be overridden as in spacy train, for example --training.max_steps 600",
        ),
    ] = None,
    form: TasksIn = TaskFormat.prodigy,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Random seed of the folds")] = 0,
    name: Name = None,
    code_path: Code = None,
) -> None:
    """Find annotation that is probably wrong. Looks for wrong labels, wrong boundaries, missed and
    spurious entities, ranked by how strongly the network disagrees. With --folds, documents are
    checked by networks that were not trained on them.
    """
    import_code(code_path)
    settings = overrides(ctx)
    if not folds and (config_path is not None or settings):
        given = "--config" if config_path is not None else f"--{next(iter(settings))}"
        msg.fail(f"{given} can only be used with --folds", "Add --folds 5, for example.", exits=1)
    check_writable(output)
    nlp, name = load_component(model, name)
    docs = annotated_docs(nlp, data_path)
    with explained(f"Cannot review {data_path}"):
        if folds:
            examples, found = review_by_folds(
                _config(nlp, model, name, config_path, settings),
                docs,
                folds,
                name=name,
                seed=seed,
                stderr=sys.stderr,
                begins=lambda fold: msg.info(f"Fold {fold} of {folds}"),
            )
        else:
            examples = read_examples(nlp, docs)
            found = review(nlp, examples, name=name)
    write_tasks(output, tasks_of(found, examples), form.value)
    _print(found, examples)
    msg.good(f"Saved {len(found)} annotated or likely entities, most suspicious first: {output}")
    if not folds:
        msg.info(
            "If the pipeline was trained on these documents, use --folds: it has also learned "
            "their errors."
        )


def _config(
    nlp: Language, model: str, name: str, path: Path | None, settings: dict[str, Any]
) -> Config:
    """The config of the training."""
    config = own_config(nlp, model, name)
    if path is not None:
        config = util.load_config(path, interpolate=False)
        if name not in config.get("components", {}):
            raise ValueError(f"The config {path} has no component named {name!r}.")
    return Config().from_str(
        config.to_str(interpolate=False), interpolate=False, overrides=settings
    )


def _print(suspects: list[Suspect], examples: list[Example]) -> None:
    """Print the first suspects, and the number of each kind with evidence against it."""
    rows = [
        (
            task.meta["kind"],
            task.meta["annotated"],
            task.meta["instead"],
            f"{one.probability:.3f}",
            f"{one.probability_instead:.3f}",
        )
        for one, task in zip(suspects[:SHOWN], tasks_of(suspects[:SHOWN], examples), strict=True)
    ]
    header = ("Error", "Annotated", "More likely", "p", "p of that")
    msg.table(rows, header=header, divider=True, aligns=("l", "l", "l", "r", "r"))
    doubted = Counter(one.kind for one in suspects if one.evidence > 0)
    counts = ", ".join(f"{kind} {n}" for kind, n in sorted(doubted.items()))
    msg.text(f"Annotation that is probably wrong: {counts or 'none'}.")
