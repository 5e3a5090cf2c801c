"""Train `window_ner` on one corpus, then on another, and measure how much it forgets.

    python benchmarks/rehearsal.py FIRST_FOLDER SECOND_FOLDER --config configs/efficiency.cfg

The network is trained on the first corpus as by `spacy train`, then on the second one with
`nlp.resume_training` and `nlp.update`. The second training is done twice: with updates alone, and
with `nlp.rehearse` after each update, on the texts of the first corpus without their annotation.
The table has precision, recall and F1 on both dev parts before and after it. All labels count: an
entity with a label of the other corpus is wrong.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import typer
from data import Split
from report import command, origin, show_origin
from scoring import evaluate
from settings import DEFAULT_WORK, Changes, Seed, Settings, Work, errors_in_short, settings_of
from spacy import registry, util
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Corpus, Example
from spacy.training.loop import DIR_MODEL_BEST, create_train_batches
from systems import SYSTEM, open_run, train_pipeline
from wasabi import msg

WAYS = {"update": False, "update and rehearse": True}


def compare(first: Path, second: Path, settings: Settings, steps: int) -> dict[str, Any]:
    """Train on the first corpus, then on the second with and without rehearsal, and score on both.

    first (Path): The folder of the first corpus.
    second (Path): The folder of the second corpus.
    settings (Settings): The config, and changes to it.
    steps (int): How many batches of the second corpus to train on.
    RETURNS (Dict[str, Any]): Scores by row of the table and by corpus, and facts about the run.
    RAISES (InputError): If a corpus or a setting is invalid.
    """
    names = (first.resolve().name, second.resolve().name)
    folder = settings.work / f"rehearsal-{names[0]}-{names[1]}"
    runs = [
        open_run(corpus, settings, folder / place)
        for corpus, place in ((first, "first"), (second, "second"))
    ]
    config = runs[0].config
    # A threshold fitted to the first corpus may not suit the second.
    config["training"]["before_to_disk"] = None
    dev = {name: run.splits["dev"] for name, run in zip(names, runs, strict=True)}
    trained = train_pipeline(SYSTEM, config, folder)
    rows = {"before": _scores(trained.nlp, dev)}
    seconds = {"before": trained.facts["train_cpu_seconds"]}
    for way, rehearses in WAYS.items():
        msg.divider(f"Training on {names[1]}: {way}")
        nlp = util.load_model(folder / SYSTEM / DIR_MODEL_BEST)
        start = process_time()
        averages = go_on(
            nlp,
            runs[1].splits["train"],
            steps,
            rehearse=runs[0].splits["train"] if rehearses else None,
            seed=config.interpolate()["training"]["seed"],
        )
        seconds[way] = round(process_time() - start, 1)
        with nlp.use_params(averages):
            rows[way] = _scores(nlp, dev)
    return {
        "corpora": names,
        "config": settings.config.stem,
        "overrides": dict(settings.overrides),
        "steps": steps,
        "rows": rows,
        "cpu_seconds": seconds,
        **origin(),
        "command": command(),
    }


def go_on(
    nlp: Language, train: Split, steps: int, *, rehearse: Split | None, seed: int
) -> dict[Any, Any]:
    """Train a trained pipeline further, with the batches, dropout and optimizer of its config.

    nlp (Language): The pipeline, modified in place.
    train (Split): The annotated documents.
    steps (int): How many batches of them to train on.
    rehearse (Optional[Split]): The documents to rehearse after each batch, without their
        annotation.
    seed (int): The seed.
    RETURNS (Dict): The optimizer's averages, for `nlp.use_params`.
    """
    util.fix_random_seed(seed)
    settings = registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)
    optimizer = nlp.resume_training()
    batches = partial(create_train_batches, nlp, batcher=settings["batcher"], max_epochs=0)
    annotated = batches(Corpus(train.path))
    texts = batches(partial(_unannotated, rehearse)) if rehearse is not None else None
    for step in range(1, steps + 1):
        losses: dict[str, float] = {}
        _, examples = next(annotated)
        nlp.update(examples, sgd=optimizer, drop=settings["dropout"], losses=losses)
        if texts is not None:
            _, examples = next(texts)
            # Without dropout, it would memorize its predictions on these very texts.
            drop = {SYSTEM: {"drop": settings["dropout"]}}
            nlp.rehearse(examples, sgd=optimizer, component_cfg=drop)
        if step % 50 == 0 or step == steps:
            print(f"step {step}, loss of the batch {losses[SYSTEM]:.1f}")
        optimizer.step_schedules()
    return optimizer.averages or {}


def _unannotated(split: Split, nlp: Language) -> Iterable[Example]:
    return (Example(doc, doc.copy()) for doc in split.docs(nlp))


def _scores(nlp: Language, dev: Mapping[str, Split]) -> dict[str, Any]:
    return {name: evaluate(nlp, split) for name, split in dev.items()}


def show_results(results: Mapping[str, Any]) -> None:
    """Print the results as one table.

    results (Mapping[str, Any]): What `compare` returns.
    """
    first, second = results["corpora"]
    msg.divider(f"{first}, then {results['steps']} steps of {second}, {results['config']}.cfg")
    header = ("", f"{first} P", "R", "F1", f"{second} P", "R", "F1", "CPU s")
    rows = [
        (
            way,
            *(f"{100 * scores[name][key]:.1f}" for name in (first, second) for key in "prf"),
            f"{results['cpu_seconds'][way]:,.1f}",
        )
        for way, scores in results["rows"].items()
    ]
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrrrrrr"))
    show_origin(results)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    first: Annotated[
        Path,
        typer.Argument(help="Folder of the corpus to train on first, with train and dev."),
    ],
    second: Annotated[
        Path, typer.Argument(help="Folder of the second corpus, with train and dev.")
    ],
    config: Annotated[Path, typer.Option(help="Training config of window_ner.")],
    steps: Annotated[
        int, typer.Option(min=1, help="How many batches of the second corpus to train on.")
    ] = 300,
    seed: Seed = None,
    changes: Changes = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Measure how much of a first corpus is forgotten in training on a second one.

    Prints precision, recall and F1 on the dev parts of both, before and after the second training,
    with `nlp.rehearse` and without it.
    """
    with errors_in_short():
        settings = settings_of(config, changes=changes, seed=seed, work=work, test=False)
        results = compare(first, second, settings, steps)
    show_results(results)


if __name__ == "__main__":
    app()
