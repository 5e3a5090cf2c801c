import pytest
import spacy
from spacy.util import registry

from spacy_window_ner.training.names import create_names


def test_one_name_a_line(tmp_path):
    people, places = tmp_path / "people.txt", tmp_path / "places.txt"
    people.write_bytes("\ufeffAnn Lee\r\n\r\n  Bob \nAnn Lee\n서울 사람".encode())
    places.write_text("New York\n")
    patterns = create_names({"PER": str(people), "LOC": places})
    assert patterns == [
        {"label": "PER", "pattern": "Ann Lee"},
        {"label": "PER", "pattern": "Bob"},
        {"label": "PER", "pattern": "서울 사람"},
        {"label": "LOC", "pattern": "New York"},
    ]


@pytest.mark.parametrize("attr", [None, "LOWER"])
def test_a_config_finds_it_and_spacy_matches_the_names(tmp_path, attr):
    (tmp_path / "people.txt").write_text("Ann Lee\nLee\n")
    nlp = spacy.blank("en")
    config = {"spans_key": "names", "phrase_matcher_attr": attr}
    nlp.add_pipe("span_ruler", config=config)
    nlp.config["initialize"]["components"]["span_ruler"] = {
        "patterns": {
            "@readers": "spacy_window_ner.names.v1",
            "files": {"PER": str(tmp_path / "people.txt")},
        }
    }
    nlp.initialize()
    doc = nlp("Ann Lee met ann lee .")
    found = [(span.text, span.label_) for span in doc.spans["names"]]
    in_lower_case = [("ann lee", "PER"), ("lee", "PER")] if attr else []
    assert found == [("Ann Lee", "PER"), ("Lee", "PER"), *in_lower_case]


def test_the_reader_that_a_message_refers_to_is_there():
    registry.readers.get("srsly.read_json.v1")


@pytest.mark.parametrize("content", [b"", b"\n  \r\n\n", "\ufeff".encode()])
def test_an_empty_file_is_an_error(tmp_path, content):
    path = tmp_path / "none.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"list of names of PER in .*none.txt is empty"):
        create_names({"PER": path})


def test_a_missing_file_and_a_directory_are_errors(tmp_path):
    for path in (tmp_path / "nowhere.txt", tmp_path):
        with pytest.raises(ValueError, match="list of names of PER cannot be read") as info:
            create_names({"PER": path})
        assert str(path) in str(info.value)


def test_a_file_in_another_encoding_is_an_error(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("Zoë".encode("latin-1"))
    with pytest.raises(ValueError, match=r"PER in .*latin.txt is not UTF-8.*Save it as UTF-8"):
        create_names({"PER": path})


@pytest.mark.parametrize("files", [None, "people.txt", ["people.txt"], {}])
def test_anything_but_a_mapping_is_an_error(files):
    with pytest.raises(ValueError, match=r"with a file for each label.*srsly\.read_json\.v1"):
        create_names(files)


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"": "people.txt"}, "needs a label, got ''"),
        ({3: "people.txt"}, "needs a label, got 3"),
        ({"PER": None}, "PER needs the path of a file, got None"),
        ({"PER": ["a.txt", "b.txt"]}, r"PER needs the path of a file, got \['a.txt', 'b.txt'\]"),
    ],
)
def test_invalid_labels_and_paths_are_errors(files, match):
    with pytest.raises(ValueError, match=match):
        create_names(files)
