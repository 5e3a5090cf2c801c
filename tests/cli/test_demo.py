import re

import pytest
import spacy
import srsly
from spacy.cli import app as spacy_app
from spacy.tokens import DocBin
from spacy.training import Example
from typer.testing import CliRunner

from spacy_window_ner.cli import app, demo, demo_corpus, output
from spacy_window_ner.component import DEFAULT_SPANS_KEY
from spacy_window_ner.training.presets import init_config
from tests.pipelines import copy_of, make_examples, shared

EXPECTED = [
    ("Paris Hilton", "PER"),
    ("Samuel Quinn", "PER"),
    ("Hilton Hotel", "LOC"),
    ("Paris", "LOC"),
    ("April 1989", "DATE"),
]


def _run(*args: str, max_steps: int):
    """Run the command, found by spaCy's own command line, with a shorter training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "STEPS", max_steps)
        return CliRunner().invoke(spacy_app, ["window-ner", "demo", "--train", *args])


def _table(output: str, first: str, n_columns: int) -> list[list[str]]:
    """The rows of all printed tables with this first column in the header."""
    cells = [re.split(r" {2,}", line.strip()) for line in output.splitlines()]
    rows, inside = [], False
    for row in cells:
        if len(row) != n_columns:
            inside = False
        elif row[0] == first:
            inside = True
        elif inside and not set(row[0]) <= {"-"}:
            rows.append(row)
    return rows


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Output of the command, and where it saved the pipeline."""
    path = tmp_path_factory.mktemp("demo") / "new" / "pipeline"
    return _run("--output", str(path), max_steps=120), path


def test_it_prints_that_the_sentences_are_generated(trained):
    result, _ = trained
    assert result.exit_code == 0, result.output
    assert "1000 sentences for training and 300 for evaluation" in result.output
    assert "generated from templates" in " ".join(result.output.split())


def test_it_prints_precision_recall_and_f1(trained):
    rows = _table(trained[0].output, "Label", 4)
    assert [row[0] for row in rows] == ["DATE", "LOC", "ORG", "PER", "all"]
    for _, precision, recall, f1 in rows:
        p, r, f = float(precision), float(recall), float(f1)
        assert f == pytest.approx(2 * p * r / (p + r), abs=2e-3)
    assert float(rows[-1][3]) >= 0.9


def test_it_finds_the_entities_of_the_lecture_notes(trained):
    rows = _table(trained[0].output, "Entity", 3)
    assert [tuple(row[:2]) for row in rows] == EXPECTED
    for row in rows:
        assert 0 < float(row[2]) <= 1
    for text in demo.TEXTS:
        assert text in trained[0].output


def test_the_saved_pipeline_predicts_what_the_demo_printed(trained):
    result, path = trained
    assert f"Saved the pipeline to {path}" in " ".join(result.output.split())
    nlp = spacy.load(path)
    rows = []
    for doc in nlp.pipe(demo.TEXTS):
        group = doc.spans[DEFAULT_SPANS_KEY]
        assert list(group) == list(doc.ents)
        rows += [
            [span.text, span.label_, f"{score:.3f}"]
            for span, score in zip(group, group.attrs["scores"], strict=True)
        ]
    assert rows == _table(result.output, "Entity", 3)
    all_f1 = _table(result.output, "Label", 4)[-1][3]
    assert f"{nlp.meta['performance']['ents_f']:.3f}" == all_f1


def test_training_of_the_saved_pipeline_can_continue(trained):
    nlp = spacy.load(trained[1])
    optimizer = nlp.resume_training()
    docs = [demo_corpus.make_document(nlp, [one]) for one in demo_corpus.generate("train", 4)]
    losses = nlp.update([Example(nlp.make_doc(doc.text), doc) for doc in docs], sgd=optimizer)
    assert losses["window_ner"] > 0


def test_a_text_without_entities(trained, capsys):
    output.print_entities(spacy.load(trained[1]), "the weather was bad")
    printed = capsys.readouterr().out
    assert "the weather was bad" in printed
    assert "No entities found." in printed


@pytest.fixture
def small_corpus(monkeypatch):
    """For what does not depend on the accuracy of the pipeline."""
    monkeypatch.setattr(demo_corpus, "SIZES", {"train": 60, "dev": 20})


@pytest.fixture
def trained_before(monkeypatch):
    """For what does not depend on the training either."""
    nlp = copy_of(shared())
    nlp.meta["performance"] = nlp.evaluate(make_examples(nlp))
    monkeypatch.setattr(demo, "train_on", lambda *args, **settings: nlp)


@pytest.mark.usefixtures("trained_before")
def test_given_texts_replace_those_of_the_notes():
    texts = ["Ann Lee met Bob Ray.", "Nobody came."]
    result = _run(*texts, max_steps=2)
    assert result.exit_code == 0, result.output
    reading = result.output.split(" Entities ")[1]
    assert reading.index(texts[0]) < reading.index(texts[1])
    assert "Paris" not in reading and "Quinn" not in reading
    assert "Saved" not in result.output


@pytest.mark.usefixtures("small_corpus")
def test_the_seed_decides_the_training_and_earlier_demos_are_replaced(tmp_path):
    models = []
    for seed in (1, 1, 2):
        result = _run("--seed", str(seed), "-o", str(tmp_path), max_steps=3)
        assert result.exit_code == 0, result.output
        assert spacy.load(tmp_path).config["system"]["seed"] == seed
        models.append((tmp_path / "window_ner" / "model").read_bytes())
    assert models[0] == models[1] != models[2]


def test_data_to_try_commands_on(tmp_path):
    for _ in range(2):
        result = CliRunner().invoke(app, ["demo", "--data", str(tmp_path / "new")])
        assert result.exit_code == 0, result.output
    nlp = spacy.blank("en")
    seen = set()
    for name, (_, size) in demo_corpus.FILES.items():
        docs = list(DocBin().from_disk(tmp_path / "new" / f"{name}.spacy").get_docs(nlp.vocab))
        assert len(docs) == size
        for doc in docs:
            sentences = [sentence.text for sentence in doc.sents]
            assert len(sentences) == 5 and seen.isdisjoint(sentences)
            seen.update(sentences)
    assert {ent.label_ for ent in docs[0].ents} <= {"PER", "LOC", "ORG", "DATE"}
    assert sum(len(doc.ents) for doc in docs) > size
    texts = [line["text"] for line in srsly.read_jsonl(tmp_path / "new" / "texts.jsonl")]
    assert len(texts) == 51 and seen.isdisjoint(texts)


def test_data_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, ["demo", "--data", str(tmp_path / "file")])
    assert result.exit_code == 1
    assert "Cannot write the data" in result.output


@pytest.fixture
def no_training(monkeypatch):
    """Bad input has to be found before anything is trained."""
    monkeypatch.setattr(demo, "train_on", lambda *args: pytest.fail("it trained"))


def _refused(*args: str) -> str:
    result = _run(*args, max_steps=1)
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


@pytest.mark.usefixtures("no_training")
def test_output_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    assert "Cannot create the output directory" in _refused("--output", str(path))
    assert path.read_text() == "mine"
    assert "Cannot create the output directory" in _refused("--output", str(path / "below"))


@pytest.mark.usefixtures("no_training")
def test_output_with_files_in_it_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "output directory is not empty" in _refused("--output", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_text_without_words_is_refused(text):
    assert "Text 2 of 3 is empty" in _refused("One.", text, "Three.")


@pytest.mark.usefixtures("no_training")
def test_text_in_another_encoding_is_refused(capsys):
    with pytest.raises(SystemExit) as exit:
        demo.demo([b"Caf\xe9".decode("utf8", "surrogateescape")])
    assert exit.value.code == 1
    assert "Text 1 of 1 is not valid UTF-8" in capsys.readouterr().out


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("seed", ["-1", "4294967296", "x"])
def test_seed_out_of_range_is_refused(seed):
    result = _run("--seed", seed, max_steps=1)
    assert result.exit_code == 2
    assert "--seed" in result.output


@pytest.mark.usefixtures("trained_before")
def test_a_full_disk_is_reported(monkeypatch, tmp_path):
    def save(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(demo, "save", save)
    printed = _refused("--output", str(tmp_path / "new"))
    assert "Cannot save the pipeline to" in printed
    assert "No space left on device" in printed
    assert "Saved" not in printed


def test_the_demo_trains_the_default_network_until_the_learn_rate_is_zero(trained):
    config, preset = spacy.load(trained[1]).config, init_config("efficiency")
    assert (
        config["components"]["window_ner"]["model"] | {"nO": None}
        == (preset["components"]["window_ner"]["model"])
    )
    training = config["training"]
    assert training["max_steps"] == training["optimizer"]["learn_rate"]["total_steps"] == 120


@pytest.fixture
def ready(monkeypatch):
    """Another pipeline in the place of the ready one."""
    monkeypatch.setattr(demo.util, "is_package", lambda name: name == demo.READY)
    monkeypatch.setattr(demo.util, "load_model", lambda name: shared())


@pytest.mark.usefixtures("ready", "no_training")
def test_the_ready_pipeline_reads_at_once():
    result = CliRunner().invoke(spacy_app, ["window-ner", "demo"])
    assert result.exit_code == 0, result.output
    nlp = shared()
    expected = [
        [ent.text, ent.label_, f"{ent._.score:.3f}"]
        for text in demo.TEXTS
        for ent in nlp(text).ents
    ]
    assert _table(result.output, "Entity", 3) == expected != []
    assert "Next:" not in result.output  # for people at a terminal


@pytest.mark.usefixtures("ready", "no_training")
def test_on_a_terminal_it_says_what_comes_next(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    demo.demo(["Paris Hilton met Samuel Quinn in Paris."])
    assert 'spacy.load("en_window_ner_sm")' in capsys.readouterr().out


@pytest.mark.usefixtures("ready", "no_training")
def test_the_ready_pipeline_is_not_saved(tmp_path):
    args = ["window-ner", "demo", "--output", str(tmp_path)]
    result = CliRunner().invoke(spacy_app, args)
    assert result.exit_code == 1
    assert "Add --train." in result.output


@pytest.mark.usefixtures("trained_before")
def test_without_the_ready_pipeline_it_trains_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr(demo.util, "is_package", lambda name: False)
    demo.demo(["Ann Lee met Bob Ray."])
    printed = " ".join(capsys.readouterr().out.split())
    assert "en_window_ner_sm is not installed" in printed
    assert "does not work on real text" in printed


def test_help_is_registered_with_spacy():
    result = CliRunner().invoke(spacy_app, ["window-ner", "--help"])
    assert result.exit_code == 0
    assert "demo" in result.output
