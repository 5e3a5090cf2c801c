"""The labeling config of a Label Studio project: the field of its text, and its labels."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

_VARIABLE = re.compile(r"\$(\w[\w.-]*)")


@dataclass(frozen=True)
class StudioLabel:
    """A label of a project.

    value (str): The label of its regions: its alias, or else its value.
    control (str): The name of the tag `Labels` that it belongs to.
    names (Tuple[str]): All names of the label: those in its attribute `predicted_values`, which are
        names in pipelines, followed by those in the project.
    """

    value: str
    control: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class LabelConfig:
    """The parts of a labeling config that concern entities.

    text (str): The name of the tag `Text`.
    field (str): The field of a task's data that contains the text, with dots for nested fields.
    labels (Tuple[StudioLabel]): The labels.
    """

    text: str
    field: str
    labels: tuple[StudioLabel, ...]

    def text_of(self, task: Mapping[str, Any]) -> str:
        """RETURNS (str): The text of a task.

        RAISES (ValueError): If it does not have the field.
        """
        found: Any = task.get("data")
        for part in [self.field] if _has(found, self.field) else self.field.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if not isinstance(found, str):
            raise ValueError(
                f"Task {task.get('id')} has no text in the field {self.field!r:.80}, which the "
                f"labeling config refers to. Check the data of the task and the labeling config."
            )
        return found


class LabelMap:
    """Maps the labels of a project to those of a network, and back.

    A label of the project corresponds to the labels of the network that are listed in its
    `predicted_values` or have its name, or else to the label with the same name ignoring case.
    Otherwise, it is a new label of the network.

    config (LabelConfig): The labels of the project.
    known (Sequence[str]): The labels of the pipeline to start from.
    RAISES (ValueError): If two labels of the project map to the same label of the pipeline.
    """

    def __init__(self, config: LabelConfig, known: Sequence[str]) -> None:
        self._of_network: dict[str, StudioLabel] = {}
        self._of_project: dict[str, str] = {}
        exact = {name for label in config.labels for name in label.names} & {*known}
        folded = {name.casefold(): name for name in known if name not in exact}
        for label in config.labels:
            same = [name for name in label.names if name in exact]
            like = [folded[name.casefold()] for name in label.names if name.casefold() in folded]
            for name in same or like[:1] or [label.value]:
                other = self._of_network.setdefault(name, label)
                if other != label:
                    raise ValueError(
                        f"The labels {other.value!r} and {label.value!r} of the project both map "
                        f"to {name!r} in the pipeline. Change their names or predicted_values."
                    )
            self._of_project |= dict.fromkeys(label.names, (same or like or [label.value])[0])

    @property
    def labels(self) -> list[str]:
        """RETURNS (List[str]): The labels of the network."""
        return list(self._of_network)

    def to_project(self, label: str) -> StudioLabel | None:
        """RETURNS (Optional[StudioLabel]): The project's label for a label of the network."""
        return self._of_network.get(label)

    def to_network(self, label: Any) -> str | None:
        """RETURNS (Optional[str]): The network's label for a label of the project, if any."""
        return self._of_project.get(label) if isinstance(label, str) else None


def read_label_config(config: Any) -> LabelConfig:
    """Read a labeling config.

    config (str): The config, in XML.
    RETURNS (LabelConfig): The parsed config.
    RAISES (ValueError): If it cannot be parsed, or is not for entities in text.
    """
    if not isinstance(config, str) or "<!" in re.sub(r"<!--.*?-->", "", config, flags=re.DOTALL):
        raise ValueError(
            "The labeling config must be XML without declarations (<!DOCTYPE or <!ENTITY). Remove "
            "them."
        )
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise ValueError(f"The labeling config is not valid XML: {error}.") from error
    texts = {tag.get("name"): tag for tag in root.iter("Text")}
    controls = [tag for tag in root.iter("Labels") if tag.get("toName") in texts]
    of_text = [tag for tag in controls if tag.get("toName") == controls[0].get("toName")]
    labels = tuple(label for control in of_text for label in _labels(control))
    if not labels:
        raise ValueError(
            'The labeling config has no labels for text. Add <Text name="text" value="$text"/> and '
            '<Labels name="label" toName="text"> with a <Label> for each label, as in the template '
            "Named Entity Recognition."
        )
    name = of_text[0].get("toName")
    value = texts[name].get("value") or ""
    field = _VARIABLE.fullmatch(value)
    if field is None or texts[name].get("valueType", "text") != "text":
        raise ValueError(
            f"The value of the tag <Text> in the labeling config must be a field with the text "
            f"itself, such as $text, not {value!r:.80} and not the URL of a text."
        )
    return LabelConfig(str(name), field[1], labels)


def _labels(control: ElementTree.Element) -> Iterator[StudioLabel]:
    for tag in control.iter("Label"):
        value = tag.get("value")
        if value:
            predicted = [one.strip() for one in tag.get("predicted_values", "").split(",")]
            names = [*filter(None, predicted), tag.get("alias") or value, value]
            yield StudioLabel(names[-2], control.get("name", ""), tuple(dict.fromkeys(names)))


def _has(data: Any, field: str) -> bool:
    return isinstance(data, Mapping) and field in data
