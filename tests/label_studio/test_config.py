"""The labeling config, and labels that pipelines call otherwise."""

import pytest

from spacy_window_ner.label_studio.config import LabelMap, read_label_config

from .payloads import CONFIG


def config_of(*labels: str, text: str = '<Text name="text" value="$text"/>') -> str:
    inside = "".join(f"<Label {label}/>" for label in labels)
    return f'<View><Labels name="label" toName="text">{inside}</Labels>{text}</View>'


def test_a_config():
    config = read_label_config(f"<!-- of 2026 -->{CONFIG}")
    assert (config.text, config.field) == ("text", "text")
    assert [(label.value, label.control) for label in config.labels] == [
        ("PER", "label"),
        ("LOC", "label"),
        ("HOTEL", "label"),
    ]


def test_other_names_of_tags_and_several_of_them():
    config = read_label_config(
        '<View><Labels name="a" toName="img"><Label value="Cat"/></Labels>'
        '<Image name="img" value="$image"/><View><Labels name="b" toName="doc">'
        '<Label value="PER"/></Labels></View><Labels name="c" toName="doc"><Label value="LOC"/>'
        '</Labels><Text name="doc" value="$body.plain"/></View>'
    )
    assert [(label.value, label.control) for label in config.labels] == [("PER", "b"), ("LOC", "c")]
    assert config.text_of({"data": {"body": {"plain": "Hi"}}}) == "Hi"
    assert config.text_of({"data": {"body.plain": "Hi"}}) == "Hi"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (None, "must be XML without declarations"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>', "must be XML without declarations"),
        ("<View>", "is not valid XML: no element found"),
        ("<View/>", "has no labels for text"),
        ('<View><Text name="text" value="$text"/></View>', "has no labels for text"),
        (config_of('value="A"', text='<Text name="text" value="Hello"/>'), "not 'Hello'"),
        (
            config_of('value="A"', text='<Text name="text" value="$url" valueType="url"/>'),
            "not the URL of a text",
        ),
        (config_of('value="A"', text='<HyperText name="text" value="$text"/>'), "has no labels"),
    ],
)
def test_a_config_that_cannot_be_used(config, said):
    with pytest.raises(ValueError, match=said.replace("$", r"\$")):
        read_label_config(config)


@pytest.mark.parametrize("data", [{}, {"text": None}, {"text": 5}, "text", None])
def test_a_task_without_text(data):
    with pytest.raises(ValueError, match="Task 3 has no text in the field 'text'"):
        read_label_config(CONFIG).text_of({"id": 3, "data": data})


def labels_of(*labels: str, known: tuple[str, ...] = ("PER", "LOC", "GPE", "person")) -> LabelMap:
    return LabelMap(read_label_config(config_of(*labels)), known)


def test_labels_of_other_names():
    labels = labels_of('value="Human" predicted_values="PER, X"', 'value="loc"', 'value="New"')
    assert labels.labels == ["PER", "LOC", "New"]
    assert labels.to_network("Human") == "PER"
    assert labels.to_network("loc") == "LOC"
    assert labels.to_network("New") == "New"
    assert (
        labels.to_network("GPE") is labels.to_network(["PER"]) is labels.to_project("GPE") is None
    )
    assert [labels.to_project(name).value for name in labels.labels] == ["Human", "loc", "New"]


def test_several_labels_of_the_pipeline_are_one_of_the_project():
    labels = labels_of('value="Place" predicted_values="LOC,GPE"')
    assert labels.labels == ["LOC", "GPE"]
    assert labels.to_network("Place") == "LOC"
    assert labels.to_project("GPE").value == "Place"


def test_regions_have_the_alias_of_a_label():
    labels = labels_of('value="Names of people" alias="PER"')
    assert labels.to_project("PER").value == "PER"
    assert labels.to_network("Names of people") == labels.to_network("PER") == "PER"


def test_the_very_name_goes_before_one_in_another_case():
    labels = labels_of('value="per"', 'value="PER"', 'value="Person"')
    assert [labels.to_network(name) for name in ("per", "PER", "Person")] == [
        "per",
        "PER",
        "person",
    ]


def test_two_labels_that_are_one_of_the_pipeline():
    with pytest.raises(ValueError, match="'A' and 'B' of the project both map to 'PER'"):
        labels_of('value="A" predicted_values="PER"', 'value="B" predicted_values="PER"')
