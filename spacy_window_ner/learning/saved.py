"""Saves a pipeline trained on few documents, with everything needed to train it again."""

from collections.abc import Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..confidence.scored_examples import find_component
from ..files.exports import write_annotated
from ..files.saving import save
from ..training.start_from import NAME
from .held_out import Learned
from .learn import Progress, config_from, learn, print_nothing


def learn_and_save(
    docs: Sequence[Doc],
    base: Language,
    source: str | None,
    labels: Sequence[str],
    output: Path,
    *,
    dev: Sequence[Doc] = (),
    stops: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = print_nothing,
    place: Path | None = None,
) -> Learned:
    """Train on annotated documents, and save the pipeline as `model`, the documents as
    `train.spacy` and `dev.spacy`, and an equivalent config for `spacy train` as `config.cfg`.

    docs (Sequence[Doc]): The training documents, at least four.
    base (Language): The pipeline whose network to start from.
    source (Optional[str]): Its name or path. If None, it is saved too, as `base`.
    labels (Sequence[str]): The labels to learn.
    output (Path): The directory to save to.
    dev (Sequence[Doc]): Development documents, used instead of cross-validation.
    stops (Optional[Sequence[int]]): The numbers of steps to choose from; see `learn`.
    seed (int): Random seed.
    progress (Callable): Called with 1 after each step.
    place (Optional[Path]): The final path of the directory, if it is moved afterwards.
    RETURNS (Learned): The pipeline.
    RAISES (ValueError): If there are too few documents, or training cannot start from the base.
    """
    place = place or output
    if source is None:
        source = str(place / "base")
        save(base, output / "base")
    config = config_from(base, source, seed=seed)
    found = learn(docs, config, base, labels, dev=dev, stops=stops, seed=seed, progress=progress)
    config = config_from(base, source, found.steps, seed)
    config["components"][NAME]["threshold"] = find_component(found.nlp, NAME).threshold
    for part, of_part in (("train", docs), ("dev", dev or docs)):
        config["paths"][part] = str(place / f"{part}.spacy")
        write_annotated(output / f"{part}.spacy", of_part, "spacy")
    config.to_disk(output / "config.cfg")
    save(found.nlp, output / "model")
    return found
