"""A project of Label Studio: its network and its annotations.

A project is used by one thread at a time. New networks come from the learner, a separate process,
and are loaded between two requests.
"""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..confidence.scored_examples import find_component
from ..extensions import scores_of
from ..files.exports import for_label_studio, tokens_of
from ..files.records import by_characters
from ..inspect.uncertainty import entropies
from ..isolation import in_memory_zone
from ..labels import is_text
from ..teach.learner import Failed, Finished, Learner, NetworkMade, saved_network
from ..teach.networks import first_network, pack, unpack
from ..teach.reading import preset, snapped
from ..teach.store import FILE, MADE_WITH, Decision, Marked, Store, overlap
from ..teach.texts import digest
from ..training.start_from import NAME
from .config import LabelMap, read_label_config

logger = logging.getLogger("uvicorn.error")
JsonObject = dict[str, Any]
# The constant c in the score exp(−H / (n_words + c)) of a text; see `inspect.suggest`.
WORDS_AROUND = 20
# Where the texts are from, and how they were chosen.
SOURCE = "label-studio"


class Project:
    """A project.

    folder (Path): The folder for annotations and networks.
    base (Language): The pipeline to start from.
    base_name (str): Its name or path.
    label_config (str): The labeling config.
    seed (int): Random seed of the training.
    RAISES (ValueError): If the folder is damaged, or the labels cannot be learned.
    """

    def __init__(
        self, folder: Path, base: Language, base_name: str, label_config: str, seed: int = 0
    ) -> None:
        self._base = base
        self._label_config = label_config
        self._config = read_label_config(label_config)
        self._labels = LabelMap(self._config, find_component(base, NAME).label_data)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.store = folder, Store(folder / FILE)
        self._numbers = dict(self.store.digests())
        own = {"base": base_name, "lang": str(base.lang), "seed": seed}
        before = self.store.setting(MADE_WITH, own)
        if before["base"] != base_name:
            self.store.close()
            raise ValueError(
                f"{folder} was created with the pipeline {before['base']}. Serve that pipeline, or "
                f"choose another directory with --output."
            )
        self.store.change(MADE_WITH, own)  # so that `teach` can open the project
        self.store.change("label_config", label_config)
        self.store.add_labels(self._labels.labels)
        self._learner, self._is_learning = Learner(folder, base_name, str(base.lang), seed), False
        self.network = 0
        self._begin()
        if (saved := saved_network(folder)) is not None:
            self._use(saved)
        if self.annotations:
            self.wake()

    def close(self) -> None:
        """Stop training, and close the database."""
        self._learner.close()
        self.store.close()

    def configure(self, label_config: str) -> None:
        """Switch to another labeling config.

        label_config (str): The config.
        RAISES (ValueError): If it is invalid. The project is unchanged then.
        """
        if label_config == self._label_config:
            return
        config = read_label_config(label_config)
        labels = LabelMap(config, find_component(self._base, NAME).label_data)
        self._label_config, self._config, self._labels = label_config, config, labels
        self.store.change("label_config", label_config)
        self.store.add_labels(labels.labels)
        if not self.network:
            self._begin()

    def _begin(self) -> None:
        self.nlp = first_network(self._base, self.store.labels)
        self._set_version()

    def _use(self, made: NetworkMade) -> None:
        """Load a trained network, if it was trained from the same base."""
        try:
            unpack(self.nlp, made.data)
        except ValueError as error:
            logger.warning("Project %s is trained from the start. %s", self.folder.name, error)
            return
        self.network = made.number
        self._set_version()

    def _set_version(self) -> None:
        """Set a version that differs for each network, since Label Studio keeps the predictions of
        a version that it knows.
        """
        data = blake2b(pack(self.nlp), digest_size=4).hexdigest()
        self.version = f"window_ner {self.network} ({data})"

    # Reading

    def predict(
        self, tasks: Sequence[Mapping[str, Any]], drawn: Sequence[Any] | None = None
    ) -> list[JsonObject]:
        """Predict tasks.

        tasks (Sequence[Mapping[str, Any]]): The tasks with their texts.
        drawn (Optional[Sequence[Dict[str, Any]]]): Regions that an annotator has just drawn on the
            page, which are fixed for the prediction. The page keeps its regions, so only entities
            that do not overlap them are returned.
        RETURNS (List[Dict[str, Any]]): A prediction for each task.
        RAISES (ValueError): If a task has no text.
        """
        texts = [self._text_of(task) for task in tasks]
        return in_memory_zone(self.nlp, lambda: self._predictions(texts, tasks, drawn))

    def _predictions(
        self, texts: Sequence[str], tasks: Sequence[Mapping[str, Any]], drawn: Sequence[Any] | None
    ) -> list[JsonObject]:
        docs, on_page = [], []
        for text, task in zip(texts, tasks, strict=True):
            given = self._entities(text, drawn or ())
            regions, by_person = ([], False) if drawn is None else _on_page(task)
            others = _without(self._entities(text, regions), given)
            docs.append(preset(self.nlp.make_doc(text), [*given, *others] if by_person else given))
            on_page.append([*given, *others])
        certain = self._certainty(docs)
        return [
            {"result": self._regions(doc, known), "score": score, "model_version": self.version}
            for doc, known, score in zip(self.nlp.pipe(docs), on_page, certain, strict=True)
        ]

    def _text_of(self, task: Mapping[str, Any]) -> str:
        text = self._config.text_of(task)
        if not is_text(text):
            raise ValueError(
                f"The text of task {task.get('id')} is not valid Unicode: it contains an unpaired "
                f"surrogate. Remove it."
            )
        return text

    def _certainty(self, docs: Sequence[Doc]) -> list[float]:
        """The confidence of the prediction for each document, from 0 to 1."""
        if not any(map(len, docs)):
            return [1.0] * len(docs)
        component = find_component(self.nlp, NAME)
        allowed, _ = component.allowed_tags(docs)
        found = entropies(component.model.predict(docs), component.objective, allowed).tolist()
        return [
            math.exp(-entropy / (len(doc) + WORDS_AROUND))
            for entropy, doc in zip(found, docs, strict=True)
        ]

    def _regions(self, doc: Doc, known: Sequence[Marked]) -> list[JsonObject]:
        """The entities of a document with labels of the project, except for those that overlap
        known regions.
        """
        scores: dict[Marked, float | None] = {
            (ent.start_char, ent.end_char, ent.label_): score
            for ent, score in zip(doc.ents, scores_of(doc), strict=True)
        }
        regions = []
        for start, end, name in _without(scores, known):
            label = self._labels.to_project(str(name))
            if label is not None:
                tags = label.control, self._config.text
                [region] = for_label_studio(doc.text, [(start, end, label.value)], tags)
                regions.append({**region, "score": scores[start, end, name]})
        return regions

    # Learning

    def annotate(self, annotation: Mapping[str, Any], task: Mapping[str, Any]) -> None:
        """Store an annotation. It is saved when this returns.

        annotation (Mapping[str, Any]): The annotation.
        task (Mapping[str, Any]): Its task.
        RAISES (ValueError): If it is invalid.
        """
        number, regions = annotation.get("id"), annotation.get("result")
        if not isinstance(number, int) or not isinstance(regions, list):
            raise ValueError("An annotation must have an id, and a list in the field 'result'.")
        text = self._text_of(task)
        entities = in_memory_zone(self.nlp, lambda: self._entities(text, regions))
        answer = "skip" if annotation.get("was_cancelled") else "accept"
        text_id = self._text_id(text, task)
        who = annotator(number)
        decision = Decision(text_id, text, who, answer, entities, "all", SOURCE)
        self.store.withdraw(who, but=text_id)
        self.store.decide(decision, self.network, replace=True)

    def withdraw(self, number: int) -> None:
        """Remove a deleted annotation.

        number (int): Its ID.
        """
        self.store.withdraw(annotator(number))

    @property
    def annotations(self) -> set[int]:
        """RETURNS (Set[int]): The IDs of all annotations."""
        return {int(name.rpartition(" ")[2]) for name in self.store.annotators()}

    def wake(self) -> None:
        """Train on new annotations, in the background."""
        if self._is_learning:
            self.take_networks()
            self._learner.wake()
        else:
            self._learner.start()
            self._is_learning = True

    def finish(self) -> None:
        """Train the final pipeline as `window-ner learn` does, in the background."""
        self.wake()
        self._learner.finish()

    def take_networks(self) -> None:
        """Switch to the newest network."""
        name = self.folder.name
        for message in self._learner.poll():
            if isinstance(message, NetworkMade):
                self._use(message)
                logger.info("Project %s now uses %s.", name, self.version)
            elif isinstance(message, Finished):
                logger.info("Saved the pipeline of project %s: %s", name, message.paths["pipeline"])
            elif isinstance(message, Failed):
                logger.warning("Training failed for project %s: %s", name, message.message)

    def _text_id(self, text: str, task: Mapping[str, Any]) -> int:
        key, position = digest(text), task.get("id")
        if key not in self._numbers:
            row = SOURCE, position if isinstance(position, int) else 0, 0, key, text
            self.store.add_texts([row])
            self._numbers[key] = self.store.n_texts
        return self._numbers[key]

    def _entities(self, text: str, regions: Iterable[Any]) -> list[Marked]:
        """Convert regions with known labels to entities, expanded to words. If regions overlap, the
        longest one is kept.
        """
        tokens = tokens_of(self.nlp.make_doc(text))
        found = [entity for region in regions for entity in self._entity(text, tokens, region)]
        chosen: list[Marked] = []
        for one in sorted(found, key=lambda one: (one[0] - one[1], one[0])):
            if not overlap(one, chosen):
                chosen.append(one)
        return sorted(chosen, key=lambda one: one[0])

    def _entity(self, text: str, tokens: Sequence[tuple[int, int]], region: Any) -> list[Marked]:
        """The entity of a region, if it has a known label."""
        value = region.get("value") if isinstance(region, Mapping) else None
        if not isinstance(value, Mapping) or region.get("to_name") != self._config.text:
            return []
        labels = value.get("labels")
        names = map(self._labels.to_network, labels if isinstance(labels, list) else ())
        label = next(filter(None, names), None)
        value = by_characters(text, dict(value))
        start, end = value.get("start"), value.get("end")
        if label is None or type(start) is not int or type(end) is not int:
            return []
        if not 0 <= start < end <= len(text):
            raise ValueError(
                f"The region from character {start} to {end} is empty, or outside of the text with "
                f"{len(text):,} characters."
            )
        if not text[start:end].strip():
            return []
        return snapped(text, tokens, [(start, end, label)])


def _without(entities: Iterable[Marked], others: Sequence[Marked]) -> list[Marked]:
    """The entities that do not overlap any of the others."""
    return [one for one in entities if not overlap(one, others)]


def _on_page(task: Mapping[str, Any]) -> tuple[list[Any], bool]:
    """The regions on the page of a task, and whether an annotator has drawn them. A page starts
    with the newest prediction.
    """
    for name in ("drafts", "annotations", "predictions"):
        found = [one for one in task.get(name) or () if isinstance(one, Mapping)]
        if found:
            newest = max(found, key=lambda one: one.get("id") or 0)
            return newest.get("result") or [], name != "predictions"
    return [], False


def annotator(number: int) -> str:
    """RETURNS (str): The annotator name for an annotation. Each annotation has its own, since a
    person can have several.
    """
    return f"annotation {number}"
