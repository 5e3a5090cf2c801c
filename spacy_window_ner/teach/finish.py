"""Finish a project: train a pipeline as `learn` does, and write a report and a package."""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from spacy.cli.package import package
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..confidence.scored_examples import find_component
from ..files.saving import replace_directory, replacing
from ..inspect.doubts import doubts_of
from ..inspect.facts import facts_of
from ..inspect.reading import Document, Reading, read_with_pipeline
from ..inspect.report_page import report_page
from ..inspect.review import Suspect, review
from ..labels import labels_of
from ..learning.learn import NEW_STEPS, Progress
from ..learning.saved import learn_and_save
from ..training.corpus import read_examples
from ..training.presets import new_pipeline
from ..training.start_from import NAME

FOLDER = "pipeline"
# The minimum number of texts for cross-validation, and the minimum with entities.
FEWEST, FEWEST_WITH_ENTITIES = 6, 3
VERSION = "0.1.0"


@dataclass(frozen=True)
class Fold:
    """A pipeline, and annotated documents that it was not trained on."""

    nlp: Language
    docs: Sequence[Doc]


def finish(
    project: Path,
    docs: Sequence[Doc],
    base: Language,
    source: str | None,
    folds: Sequence[Fold],
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Train on all texts as `window-ner learn` does, and save the results in the project.

    project (Path): The directory of the project. Earlier results are replaced.
    docs (Sequence[Doc]): The annotated documents.
    base (Language): The pipeline to start from.
    source (Optional[str]): Its name or path; None for a new network.
    folds (Sequence[Fold]): The folds to report on.
    seed (int): Random seed.
    progress (Callable): Called with 1 after each step.
    RETURNS (Dict[str, Any]): The paths of the `pipeline`, its `config`, its `report`, and the
        directory of the `package`.
    RAISES (ValueError): If there are too few texts.
    """
    docs = [doc for doc in docs if len(doc) and doc.has_annotation("ENT_IOB")]
    n = sum(len(doc.ents) > 0 for doc in docs)
    if len(docs) < FEWEST or n < FEWEST_WITH_ENTITIES:
        raise ValueError(
            f"You have annotated {len(docs)} texts, {n} of them with entities. Training a pipeline "
            f"needs at least {FEWEST} texts, {FEWEST_WITH_ENTITIES} of them with entities. "
            f"Annotate more texts, then click Finish again."
        )
    place, name = project.resolve() / FOLDER, package_name(project.resolve().name)
    labels, stops = sorted(labels_of(docs)), None
    if source is None:
        base, stops = new_pipeline("efficiency", str(base.lang)), NEW_STEPS
        base.initialize(lambda: read_examples(base, docs))

    def write(folder: Path) -> None:
        found = learn_and_save(
            *(docs, base, source, labels, folder),
            stops=stops,
            seed=seed,
            progress=progress,
            place=place,
        )
        threshold = find_component(found.nlp, NAME).threshold
        page = _report(name, folds, threshold)
        with replacing(folder / "report.html") as path:
            path.write_text(page, encoding="utf8", errors="replace", newline="\n")
        _package(folder, name)

    replace_directory(place, write)
    [packaged] = (place / "package").iterdir()
    return {
        "pipeline": str(place / "model"),
        "config": str(place / "config.cfg"),
        "report": str(place / "report.html"),
        "package": str(packaged),
    }


def package_name(name: str) -> str:
    """RETURNS (str): A package name derived from the name of a directory."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return words if words[:1].isalpha() else f"teach_{words}".strip("_")


def _package(folder: Path, name: str) -> None:
    (folder / "package").mkdir()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        package(
            folder / "model",
            folder / "package",
            name=name,
            version=VERSION,
            create_sdist=False,
        )


def _report(name: str, folds: Sequence[Fold], threshold: Any) -> str:
    """The page of `window-ner report`, on texts that were each processed by a network that was not
    trained on them.
    """
    documents, examples, suspects = list[Document](), list[Example](), list[Suspect]()
    readings = list[Reading]()
    for fold in folds:
        if not fold.docs:
            continue
        find_component(fold.nlp, NAME).threshold = threshold
        some = read_examples(fold.nlp, fold.docs)
        reading = read_with_pipeline(fold.nlp, some)
        found = review(fold.nlp, some)
        suspects += [replace(one, document=one.document + len(examples)) for one in found]
        readings.append(reading)
        documents += reading.documents
        examples += some
    whole = replace(readings[0], documents=documents)
    suspects.sort(key=lambda one: -one.evidence)
    data = f"{len(documents)} texts by cross-validation"
    return report_page(facts_of(whole), name, data, doubts=doubts_of(suspects, examples, whole))
