"""`python -m spacy window-ner review`: annotation that is probably wrong."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config
from wasabi import msg

from ..files.formats import read_examples
from ..inspect.folds import own_config
from ..inspect.review import Suspect, review, review_by_folds, tasks_of
from ..inspect.tasks import write_tasks
from .annotated import annotated_docs
from .components import find_name
from .output import check_writable

SHOWN = 15


def review_annotation(
    model: str,
    data_path: Path,
    output: Path,
    *,
    folds: int = 0,
    config_path: Path | None = None,
    overrides: dict[str, Any] | None = None,
    form: str = "prodigy",
    seed: int = 0,
    name: str | None = None,
) -> list[Suspect]:
    """Look for annotation that is probably wrong, print the first suspects, and save all of them.

    model (str): Name or path of the pipeline.
    data_path (Path): The annotated documents; see `annotated_docs`.
    output (Path): The file to save the suspects to.
    folds (int): If 2 or more, the documents are divided into so many parts, and each is judged by a
        network that was trained on the others.
    config_path (Optional[Path]): The config of that training; that of the pipeline if None.
    overrides (Optional[Dict[str, Any]]): Settings of the config, by their dotted names.
    form (str): `prodigy` or `label-studio`.
    seed (int): The seed of the division into parts.
    name (Optional[str]): The name of the component; that of the only `window_ner` if None.
    RETURNS (List[Suspect]): The suspects, those with most evidence against them first.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    if not folds and (config_path is not None or overrides):
        given = "--config" if config_path is not None else f"--{next(iter(overrides or {}))}"
        msg.fail(f"{given} is about the training of --folds", "Give --folds 5.", exits=1)
    check_writable(output)
    nlp = util.load_model(model)
    name = find_name(nlp, name)
    docs = annotated_docs(nlp, data_path)
    try:
        if folds:
            config = _config(nlp, model, name, config_path, overrides or {})
            examples, found = _train_and_review(config, docs, folds, name, seed)
        else:
            examples = read_examples(nlp, docs)
            found = review(nlp, examples, name=name)
    except ValueError as error:
        return msg.fail(f"Cannot review {data_path}", str(error), exits=1)
    write_tasks(output, tasks_of(found, examples), form)
    _print(found, examples)
    msg.good(f"Saved {len(found)} annotated or likely entities, most suspicious first: {output}")
    if not folds:
        msg.info(
            "If the pipeline was trained on these documents, use --folds: it has learned them."
        )
    return found


def _config(
    nlp: Language, model: str, name: str, path: Path | None, overrides: dict[str, Any]
) -> Config:
    """The config of the training."""
    config = own_config(nlp, model, name)
    if path is not None:
        config = util.load_config(path, interpolate=False)
        if name not in config.get("components", {}):
            raise ValueError(f"The config {path} has no component {name!r}.")
    return Config().from_str(
        config.to_str(interpolate=False), interpolate=False, overrides=overrides
    )


def _train_and_review(
    config: Config, docs: list[Doc], folds: int, name: str, seed: int
) -> tuple[list[Example], list[Suspect]]:
    """Review with `--folds`, and show how far it is."""
    return review_by_folds(
        config,
        docs,
        folds,
        name=name,
        seed=seed,
        stderr=sys.stderr,
        begins=lambda fold: msg.info(f"Fold {fold} of {folds}"),
    )


def _print(suspects: list[Suspect], examples: list[Example]) -> None:
    """Print the first suspects, and how many there are of each kind with evidence."""
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
    header = ("What", "Annotated", "Read instead", "p", "p instead")
    msg.table(rows, header=header, divider=True, aligns=("l", "l", "l", "r", "r"))
    doubted = Counter(one.kind for one in suspects if one.evidence > 0)
    counts = ", ".join(f"{kind} {n}" for kind, n in sorted(doubted.items()))
    msg.text(f"Something else is likelier than the annotation: {counts or 'nowhere'}.")
