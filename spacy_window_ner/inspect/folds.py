"""Cross-validation: each fold is processed by a network that was trained on the other folds."""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import IO

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import DIR_MODEL_BEST
from spacy.training.loop import train as train_loop
from thinc.api import Config

# The share of the training documents used to select the best model and to calibrate it.
DEV_SHARE = 0.1


def split_into_folds(n: int, folds: int, seed: int = 0) -> list[list[int]]:
    """Split documents into folds at random.

    n (int): The number of documents.
    folds (int): The number of folds.
    seed (int): Random seed.
    RETURNS (List[List[int]]): The indices of the documents of each fold, ascending.
    RAISES (ValueError): If there are fewer than two folds, or fewer than three documents to train
        on.
    """
    if folds < 2:
        raise ValueError(f"The number of folds must be at least 2, got {folds}.")
    if n < max(folds, 4):
        raise ValueError(
            f"{n} documents are too few for {folds} folds. Add documents or use fewer folds. If "
            f"your documents are long, split them, for example with "
            f"`python -m spacy convert … -n 10`."
        )
    order = list(range(n))
    random.Random(seed).shuffle(order)
    return [sorted(order[i::folds]) for i in range(folds)]


def own_config(nlp: Language, path: str, name: str) -> Config:
    """Make a config that retrains a component of a pipeline from scratch.

    nlp (Language): The pipeline.
    path (str): Its name or path, from which other components and word vectors are loaded.
    name (str): The name of the component.
    RETURNS (Config): Its config, without other trainable components, except for those that the
        component listens to, which are retrained as well.
    """
    config = nlp.config.copy()
    heard = {
        upstream
        for upstream, pipe in nlp.pipeline
        if name in getattr(pipe, "listening_components", [])
    }
    kept = [
        other
        for other, pipe in nlp.pipeline
        if other == name or other in heard or not getattr(pipe, "is_trainable", False)
    ]
    before = kept[: kept.index(name) + 1]
    config["nlp"]["pipeline"] = before
    config["nlp"]["disabled"] = []
    config["components"] = {
        other: config["components"][other] if other in {name, *heard} else {"source": path}
        for other in before
    }
    training = config["training"]
    for key in ("frozen_components", "annotating_components"):
        training[key] = [other for other in training[key] if other in before]
    initialize = config["initialize"]
    initialize["components"] = {
        other: settings
        for other, settings in initialize.get("components", {}).items()
        if other in before
    }
    if len(nlp.vocab.vectors):
        initialize["vectors"] = path
    return config


def train_on(
    config: Config,
    train: Sequence[Doc],
    dev: Sequence[Doc],
    *,
    stderr: IO | None = None,
) -> Language:
    """Train a pipeline as `spacy train` does.

    config (Config): The config. Its corpora are replaced, and its logger by a progress bar.
    train (Sequence[Doc]): The documents to train on.
    dev (Sequence[Doc]): The documents to select the best model with.
    stderr (Optional[IO]): Where to print the progress bar; None for no progress bar.
    RETURNS (Language): The best pipeline.
    """
    config = config.copy()
    config["training"]["logger"] = {
        "@loggers": "spacy.ConsoleLogger.v3",
        "progress_bar": None if stderr is None else "train",
        "console_output": True,  # required for the progress bar
        "output_file": None,
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for key, docs in (("train", train), ("dev", dev)):
            path = folder / f"{key}.spacy"
            DocBin(docs=docs, store_user_data=True).to_disk(path)
            config.setdefault("paths", {})[key] = str(path)
            section = config
            for name in config["training"].get(f"{key}_corpus", f"corpora.{key}").split("."):
                section = section[name]
            section["path"] = str(path)
        with redirect_stdout(StringIO()):  # callbacks print too
            nlp = init_nlp(config)
            train_loop(nlp, folder, stdout=StringIO(), stderr=stderr or StringIO())
        return util.load_model(folder / DIR_MODEL_BEST)


def cross_train(
    config: Config,
    docs: Sequence[Doc],
    folds: int,
    *,
    seed: int = 0,
    stderr: IO | None = None,
    begins: Callable[[int], object] = lambda fold: None,
) -> Iterator[tuple[Language, list[int]]]:
    """Train a pipeline for each fold of the documents on the other folds.

    config (Config): The config; see `train_on`.
    docs (Sequence[Doc]): The annotated documents.
    folds (int): The number of folds.
    seed (int): Random seed of the split.
    stderr (Optional[IO]): Where to print progress bars.
    begins (Callable): Called with the number of each fold, from 1, before it is trained.
    YIELDS (Tuple[Language, List[int]]): Each pipeline, and the indices of the documents that it was
        not trained on.
    """
    for fold, held_out in enumerate(split_into_folds(len(docs), folds, seed), start=1):
        begins(fold)
        left_out = set(held_out)
        others = [doc for i, doc in enumerate(docs) if i not in left_out]
        random.Random(seed).shuffle(others)
        n_dev = max(1, round(DEV_SHARE * len(others)))
        nlp = train_on(config, others[n_dev:], others[:n_dev], stderr=stderr)
        yield nlp, held_out
