"""A project: what it reads, and what it keeps of what people annotate."""

import numpy as np
import pytest

from spacy_window_ner.inspect.uncertainty import entropies
from spacy_window_ner.label_studio import project as module
from spacy_window_ner.label_studio.project import Project
from tests.pipelines import ner_of, shared

from .payloads import CONFIG, annotation, region, task

TEXT = "🏨 Paris Hilton met Samuel Quinn in Paris."


class StillLearner:
    """A learner that learns nothing, and says how often it was woken."""

    def __init__(self, *_: object) -> None:
        self.woken, self.finished, self.messages = 0, 0, []

    def start(self) -> None:
        self.woken += 1

    def wake(self) -> None:
        self.woken += 1

    def finish(self) -> None:
        self.finished += 1

    def poll(self) -> list:
        found, self.messages = self.messages, []
        return found

    def close(self) -> None:
        pass


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Learner", StillLearner)
    project = Project(tmp_path / "7", shared(), "shared", CONFIG)
    yield project
    project.close()


def found(prediction: dict) -> list[tuple]:
    return [
        (one["value"]["start"], one["value"]["end"], one["value"]["labels"])
        for one in prediction["result"]
    ]


def decided(project: Project) -> list[tuple]:
    return [(one.text, one.answer, one.entities) for one in project.store.decisions()]


def test_a_prediction(project):
    [prediction] = project.predict([task(1, TEXT)])
    # DATE is a label of the pipeline alone.
    assert found(prediction) == [(2, 14, ["PER"]), (19, 31, ["PER"]), (35, 40, ["LOC"])]
    for one in prediction["result"]:
        value = one["value"]
        assert value["text"] == TEXT[value["start"] : value["end"]]
        assert (one["from_name"], one["to_name"], one["type"]) == ("label", "text", "labels")
    doc = shared()(TEXT)
    scores = [one["score"] for one in prediction["result"]]
    assert scores == pytest.approx([ent._.score for ent in doc.ents], abs=1e-3)
    assert prediction["model_version"] == project.version


def test_the_score_is_lower_where_more_is_open(project):
    texts = ["Paris Hilton met Samuel Quinn in Paris.", "Hilton hotel, Oslo. Quinn", ""]
    docs = [project.nlp.make_doc(text) for text in texts[:2]]
    ner = ner_of(project.nlp)
    open_ones = entropies(ner.model.predict(docs), ner.objective, ner.allowed_tags(docs)[0])
    expected = [np.exp(-open_ones[i] / (len(docs[i]) + 20)) for i in (0, 1)]
    predictions = project.predict([task(n, text) for n, text in enumerate(texts)])
    assert [one["score"] for one in predictions] == pytest.approx([*expected, 1.0])
    assert expected[1] < expected[0]


def test_a_text_is_read_around_what_was_drawn(project):
    [before] = project.predict([task(1, TEXT)])
    [after] = project.predict([task(1, TEXT)], [region(2, 7, "Paris", "HOTEL")])
    assert (2, 14, ["PER"]) in found(before)
    # The page keeps what was drawn, and no word is in two entities.
    assert all(start >= 7 for start, _, _ in found(after))
    assert found(after)[-2:] == [(19, 31, ["PER"]), (35, 40, ["LOC"])]
    assert project.predict([task(1, TEXT)]) == [before]


def test_what_is_on_the_page_is_not_found_again(project):
    drawn = [region(15, 18, "met", "HOTEL")]
    [shown] = project.predict([task(1, TEXT)])
    begun = task(1, TEXT, predictions=[{"id": 8, **shown}, {"id": 7, "result": []}])
    assert found(project.predict([begun], drawn)[0]) == []
    assert found(project.predict([begun], [])[0]) == []
    assert found(project.predict([begun])[0]) == found(shown) != []
    # What a person has said is a fact: here, that the last word is no place.
    draft = {"id": 1, "result": [region(35, 40, "Paris", "PER")]}
    [prediction] = project.predict([{**begun, "drafts": [draft]}], drawn)
    assert found(prediction) == [(2, 14, ["PER"]), (19, 31, ["PER"])]
    # What was drawn over something takes its place.
    [prediction] = project.predict([begun], [region(2, 7, "Paris", "HOTEL")])
    assert found(prediction) in ([(8, 14, ["PER"])], [])


def test_offsets_of_pages_that_count_utf16(project):
    project.annotate(annotation(1, region(3, 15, "Paris Hilton", "PER")), task(1, TEXT))
    project.annotate(annotation(2, region(2, 14, "Paris Hilton", "PER")), task(2, TEXT + "!"))
    assert [entities for _, _, entities in decided(project)] == [[(2, 14, "PER")]] * 2


def test_what_is_kept_of_an_annotation(project):
    regions = [
        region(9, 13, "ilto", "LOC"),  # widened to a word
        region(2, 14, "Paris Hilton", "PER"),  # longer than the one before
        region(19, 31, "Samuel Quinn", "CITY"),  # no label of the project
        region(19, 31, "Samuel Quinn", "PER", to_name="title"),  # in another text
        region(31, 32, " ", "PER"),  # no word
        region(35, 40, "Paris", "LOC", value={"start": 35, "end": 40, "labels": ["x", "LOC"]}),
        {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"},
        {"value": {"choices": ["good"]}, "from_name": "mood", "to_name": "text"},
        region(0, 1, "", "PER", value={"start": "/div[1]", "end": None, "labels": ["PER"]}),
        "nothing",
    ]
    project.annotate(annotation(1, *regions), task(1, TEXT))
    assert decided(project) == [(TEXT, "accept", [(2, 14, "PER"), (35, 40, "LOC")])]


def test_another_version_of_an_annotation_takes_its_place(project):
    for _ in range(2):
        project.annotate(annotation(1, region(35, 40, "Paris", "LOC")), task(1, TEXT))
    assert len(decided(project)) == 1
    project.annotate(annotation(1), task(1, TEXT))
    assert decided(project) == [(TEXT, "accept", [])]
    project.annotate(annotation(1), task(1, "The text of the task has changed."))
    assert [text for text, _, _ in decided(project)] == ["The text of the task has changed."]
    project.annotate(annotation(1, was_cancelled=True), task(1, TEXT))
    assert decided(project) == []
    assert project.annotations == {1}


def test_of_several_annotations_of_a_text_the_newest_is_learned(project):
    project.annotate(annotation(1), task(1, TEXT))
    project.annotate(annotation(2, region(35, 40, "Paris", "LOC")), task(1, TEXT))
    assert decided(project) == [(TEXT, "accept", [(35, 40, "LOC")])]
    project.withdraw(2)
    assert decided(project) == [(TEXT, "accept", [])]
    project.withdraw(1)
    project.withdraw(99)
    assert decided(project) == []
    assert project.annotations == set()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            annotation(1, region(0, 99, "x", "PER")),
            "0 to 99 is empty, or outside of the text with 41",
        ),
        (annotation(1, region(5, 5, "", "PER")), "5 to 5 is empty"),
        (annotation(None), "must have an id"),
        (annotation(1, result=None), "a list in the field 'result'"),
    ],
)
def test_an_annotation_with_a_mistake(project, wrong, said):
    with pytest.raises(ValueError, match=said):
        project.annotate(wrong, task(1, TEXT))
    assert not project.nlp.vocab.in_memory_zone
    assert decided(project) == []


def test_texts_that_cannot_be_read(project):
    for text in (None, "\ud800"):
        with pytest.raises(ValueError, match=r"[Tt]ask 1"):
            project.predict([task(1, text)])
        with pytest.raises(ValueError, match=r"[Tt]ask 1"):
            project.annotate(annotation(1), task(1, text))


def test_another_config(project):
    version = project.version
    project.configure(CONFIG)
    assert project.version == version
    project.configure(CONFIG.replace("HOTEL", "DATE"))
    [prediction] = project.predict([task(1, "In April 1989 nobody came to Berlin.")])
    assert ["DATE"] in [labels for _, _, labels in found(prediction)]
    assert project.version != version
    with pytest.raises(ValueError, match="no labels"):
        project.configure("<View/>")
    assert project.predict([task(1, "In April 1989 nobody came to Berlin.")]) == [prediction]


def test_a_project_that_was_begun_with_another_pipeline(project):
    with pytest.raises(ValueError, match=r"was created with the pipeline shared\. Serve"):
        Project(project.folder, shared(), "other", CONFIG)


def test_the_vocabulary_does_not_grow(project):
    def read(word: str) -> None:
        project.predict([task(1, f"Unheard{word} of{word} in Paris{word}.")])
        project.annotate(annotation(1, region(0, 5, "Unhea", "PER")), task(1, f"Unheard{word}."))

    read("")
    size = len(project.nlp.vocab.strings)
    for n in range(9):
        read(str(n))
    assert len(project.nlp.vocab.strings) == size
