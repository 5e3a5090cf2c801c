import pytest
import srsly

from spacy_window_ner.inspect.tasks import Task, write_tasks

TASK = Task("Ann saw Rome", [(0, 3), (4, 7), (8, 12)], [(0, 3, "PER")], 1.5, {"line": 3})


def test_prodigy(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text("old")
    write_tasks(path, [TASK, TASK])
    assert [file.name for file in tmp_path.iterdir()] == ["tasks.jsonl"]
    one, other = srsly.read_jsonl(path)
    assert one == other
    assert one["text"] == TASK.text
    assert one["spans"] == [
        {"start": 0, "end": 3, "label": "PER", "token_start": 0, "token_end": 0}
    ]
    assert one["tokens"][2] == {"id": 2, "text": "Rome", "start": 8, "end": 12}
    assert one["meta"] == {"score": 1.5, "line": 3}


def test_a_file_that_exists_stays_when_tasks_cannot_be_written(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_tasks(path, [TASK, Task("half \ud83d", [], [], 1.0)])
    assert [file.name for file in tmp_path.iterdir()] == ["tasks.jsonl"]
    assert path.read_text() == "old"


def test_label_studio(tmp_path):
    write_tasks(tmp_path / "tasks.json", [TASK], "label-studio")
    [one] = srsly.read_json(tmp_path / "tasks.json")
    assert one["data"] == {"text": TASK.text, "score": 1.5, "line": 3}
    [prediction] = one["predictions"]
    [result] = prediction["result"]
    assert result["value"] == {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}


def test_unknown_format(tmp_path):
    with pytest.raises(ValueError, match="Use one of prodigy, label-studio"):
        write_tasks(tmp_path / "tasks", [TASK], "csv")
