"""The connected projects, each in its own folder."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..teach.store import FILE, MissingError, Store
from .project import Project

JsonObject = dict[str, Any]
# The number of errors that are shown.
SHOWN = 3
Pair = tuple[JsonObject, JsonObject]  # an annotation and its task


class Projects:
    """All connected projects. They are used by one thread at a time.

    folder (Path): The folder.
    base (Language): The pipeline to start from.
    base_name (str): Its name or path.
    seed (int): Random seed of the training.
    """

    def __init__(self, folder: Path, base: Language, base_name: str, seed: int = 0) -> None:
        self._folder, self._beginning, self._seed = folder, (base, base_name), seed
        self._open: dict[str, Project] = {}

    def open(self, key: str, label_config: str | None = None) -> str:
        """Open a project.

        key (str): Its ID, followed by the second of its creation if known.
        label_config (Optional[str]): Its labeling config; by default, the last one.
        RETURNS (str): The key to use from now on.
        RAISES (MissingError): If the project is unknown.
        RAISES (ValueError): If its config is invalid.
        """
        key = self._full(key)
        if key not in self._open:
            folder = self._folder / key
            config = label_config or _last_config(folder)
            if config is None:
                raise MissingError(
                    f"Project {key.partition('.')[0]} is not connected to this service. Connect it "
                    f"in Label Studio, in the settings of the project under Model."
                )
            self._open[key] = Project(folder, *self._beginning, config, self._seed)
        elif label_config is not None:
            self._open[key].configure(label_config)
        return key

    def project(self, key: str) -> Project:
        """RETURNS (Project): An open project."""
        return self._open[key]

    def version(self, key: str) -> str:
        """RETURNS (str): The version of the newest network of an open project."""
        self.project(key).take_networks()
        return self.project(key).version

    def take_networks(self) -> None:
        """Switch to the newest networks."""
        for project in self._open.values():
            project.take_networks()

    def predict(
        self,
        key: str,
        label_config: str | None,
        tasks: Sequence[JsonObject],
        drawn: Sequence[Any] | None,
    ) -> list[JsonObject]:
        """RETURNS (List[Dict[str, Any]]): Predictions for tasks; see `Project.predict`."""
        project = self.project(self.open(key, label_config))
        project.take_networks()
        return project.predict(tasks, drawn)

    def annotate(self, key: str, pairs: Iterable[Pair]) -> None:
        """Store annotations of an open project, with their tasks.

        RAISES (ValueError): If some are invalid. The valid ones are stored.
        """
        errors = []
        for annotation, task in pairs:
            try:
                self.project(key).annotate(annotation, task)
            except ValueError as error:
                errors.append(f"Annotation {annotation.get('id')}: {error}")
        self.project(key).wake()
        if errors:
            raise ValueError(" ".join(errors[:SHOWN]))

    def annotations(self, key: str) -> set[int]:
        """RETURNS (Set[int]): The IDs of all annotations of an open project."""
        return self.project(key).annotations

    def withdraw(self, key: str, numbers: Iterable[Any]) -> None:
        """Remove annotations of an open project, by their IDs."""
        for number in numbers:
            self.project(key).withdraw(number)
        self.project(key).wake()

    def _full(self, key: str) -> str:
        """The key with the second of creation, of the newest project with this ID."""
        if "." in key:
            return key
        names = [*self._open, *(path.name for path in self._folder.glob(f"{key}.*"))]
        known = [name for name in names if re.fullmatch(rf"{key}\.\d+", name)]
        return max(known, default=key, key=lambda name: int(name.partition(".")[2]))

    def finish(self, key: str) -> None:
        """Train the final pipeline of an open project in the background."""
        self._open[key].finish()

    def close(self) -> None:
        """Close all projects."""
        for project in self._open.values():
            project.close()


def annotated(tasks: Iterable[Mapping[str, Any]]) -> Iterator[Pair]:
    """YIELDS (Tuple[Dict[str, Any], Dict[str, Any]]): The annotations of tasks with their tasks."""
    for task in tasks:
        annotations = task.get("annotations")
        for annotation in annotations if isinstance(annotations, list) else ():
            if isinstance(annotation, dict):
                yield annotation, dict(task)


def _last_config(folder: Path) -> str | None:
    if not (folder / FILE).exists():
        return None
    store = Store(folder / FILE, readonly=True)
    try:
        return store.setting("label_config")
    finally:
        store.close()
