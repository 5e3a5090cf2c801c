import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import spacy
from click.testing import Result
from spacy import util
from spacy.cli import app as spacy_app
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.vectors import Vectors
from typer.testing import CliRunner

from spacy_window_ner.cli import data_report

from ..pipelines import CONFIGS, add_vectors, make_examples, small_model, trained

CONFIG = next(path for path in CONFIGS if path.stem == "efficiency")
NLP = spacy.blank("xx")
TRAIN = ["[PER Ann Lee] met [PER Bob] .", "In [LOC Rome] .", "Nothing happened ."]
DEV = ["[PER Ann Lee] left [LOC Oslo] today .", "It rained ."]


def docs_of(sentences: Iterable[str]) -> list[Doc]:
    return [example.reference for example in make_examples(NLP, sentences)]


def tagged(*rows: tuple[str, str], starts: Iterable[int] = ()) -> Doc:
    """A document of tokens with their IOB tags, "" for a missing one."""
    words, tags = map(list, zip(*rows, strict=True))
    sent_starts = [i in (0, *starts) for i in range(len(words))]
    return Doc(NLP.vocab, words=words, ents=tags, sent_starts=sent_starts)


class Data:
    """A config with its corpora in a directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = util.load_config(CONFIG, interpolate=False)
        self.config["nlp"]["lang"] = "xx"
        self.config["components"]["window_ner"]["model"].update(small_model(nO=None))
        self.save(docs_of(TRAIN), docs_of(DEV))

    def save(self, train: list[Doc], dev: list[Doc]) -> None:
        for name, docs in (("train", train), ("dev", dev)):
            DocBin(docs=docs, store_user_data=True).to_disk(self.path / f"{name}.spacy")
            self.config["paths"][name] = str(self.path / f"{name}.spacy")

    def use_vectors(self, nlp: Language) -> None:
        nlp.to_disk(self.path / "vectors")
        self.config["paths"]["vectors"] = str(self.path / "vectors")

    def run(self, *args: str, command: tuple[str, ...] = ("window-ner", "debug-data")) -> Result:
        self.config.to_disk(self.path / "config.cfg")
        return CliRunner().invoke(spacy_app, [*command, str(self.path / "config.cfg"), *args])

    def printed(self, *args: str, code: int = 0) -> str:
        """What the command prints, in one line."""
        result = self.run(*args)
        assert result.exit_code == code, (result.output, result.exception)
        return " ".join(result.output.split())


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    """Data without faults, but for its size, which does not count here."""
    for limit in ("FEW_DOCS", "TOO_FEW_DOCS", "FEW_ENTITIES"):
        monkeypatch.setattr(data_report, limit, 0)
    return Data(tmp_path)


def number(printed: str, fact: str) -> float:
    """The number behind the words of a fact."""
    found = re.search(re.escape(fact) + r": ([0-9.]+)", printed)
    assert found, (fact, printed)
    return float(found[1])


# Good data


def test_good_data_has_no_error_and_no_warning(data: Data):
    data.save(docs_of(TRAIN), docs_of([*DEV[1:], "[PER Bob] saw [LOC Oslo] ."]))
    printed = data.printed()
    assert "Errors" not in printed
    assert "Warnings" not in printed
    assert number(printed, "Checks passed") >= 18


def test_sizes(data: Data):
    data.save(docs_of([*TRAIN, TRAIN[0]]), docs_of(DEV))
    printed = data.printed()
    assert re.search(r"training 4 1 16 9 5 ", printed)
    assert re.search(r"development 2 0 9 8 2 ", printed)


def test_labels_are_counted(data: Data):
    printed = data.printed()
    assert "PER 2 1 1 1.5 2" in printed
    assert "LOC 1 1 1 1.0 1" in printed
    assert "Labels: 2 ('LOC', 'PER')" in printed


def test_words_and_entities_of_the_development_data(data: Data):
    printed = data.printed()
    # left, Oslo, today, It, rained of nine tokens
    assert number(printed, "Development tokens whose NORM is not in the training data") == 55.6
    assert "whose text and label are in the training data: 50.0% (1 of 2)" in printed


def test_the_same_facts_as_for_ner(data: Data):
    """Where spaCy's `debug data` of an `ner` gives a number, so do we, and it is the same."""
    faults = [
        tagged(("a", "B-PER"), ("b", ""), ("c", ""), ("d", "O")),
        tagged(("a", "B-LOC"), ("\n", "I-LOC"), ("b", "O")),
        tagged(("a", "B-ORG"), ("b", "I-ORG"), ("c", "O"), starts=[1]),
    ]
    data.save([*docs_of(TRAIN), *faults], docs_of(["Nothing happened ."]))
    ours = data.printed("--verbose", code=1)
    del data.config["components"]["window_ner"]
    data.config["components"]["ner"] = {"factory": "ner"}
    data.config["nlp"]["pipeline"] = ["ner"]
    result = data.run("--verbose", command=("debug", "data"))
    spacys = " ".join(result.output.split())

    def of_spacy(pattern: str) -> int:
        found = re.search(pattern, spacys)
        assert found, (pattern, spacys)
        return int(found[1])

    # spaCy's number of missing values is always 0: its Example has no "-" for them.
    assert number(ours, "Tokens without annotation, from which nothing is learned") == 2
    whitespace = of_spacy(r"(\d+) invalid whitespace entity")
    assert whitespace == number(ours, "whitespace, which predicted entities never do") == 1
    crossing = of_spacy(r"(\d+) entity span\(s\) crossing")
    assert (
        crossing == number(ours, "which predicted entities never do where boundaries are set") == 1
    )
    assert of_spacy(r"(\d+) training examples also in eval") == 1
    assert number(ours, "which makes scores too high") == 1
    assert of_spacy(r"(\d+) total word") == 21
    assert re.search(r"training 6 0 21 ", ours)
    for label, count in {"PER": 3, "LOC": 2, "ORG": 1}.items():
        assert f"'{label}' ({count})" in spacys
        assert re.search(rf" {label} {count} ", ours)


# Faults


def test_too_few_documents(data: Data, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_report, "FEW_DOCS", 4)
    assert "Few training documents" in data.printed()
    monkeypatch.setattr(data_report, "FEW_DOCS", 3)
    assert "ew training documents" not in data.printed()
    monkeypatch.setattr(data_report, "TOO_FEW_DOCS", 4)
    printed = data.printed(code=1)
    assert "Too few training documents" in printed
    assert number(printed, "Errors") == 1


def test_limits_are_those_of_spacy():
    spacys = import_module("spacy.cli.debug_data")
    assert data_report.FEW_DOCS == spacys.BLANK_MODEL_THRESHOLD
    assert data_report.TOO_FEW_DOCS == spacys.BLANK_MODEL_MIN_THRESHOLD
    assert data_report.FEW_ENTITIES == spacys.NEW_LABEL_THRESHOLD


def test_labels_with_few_entities(data: Data, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_report, "FEW_ENTITIES", 1)
    assert "Labels with 1 training entities or fewer: 1 ('LOC (1)')" in data.printed()


def test_labels_that_are_everywhere(data: Data):
    data.save(docs_of(TRAIN[:1]), docs_of(DEV))
    assert "Labels in every training document" in data.printed()


def test_corpora_that_overlap(data: Data):
    data.save(docs_of(TRAIN), docs_of([*DEV, TRAIN[1], TRAIN[1]]))
    assert "makes scores too high: 1 ('In Rome .')" in data.printed()


def test_labels_that_only_one_corpus_has(data: Data):
    data.save(docs_of([*TRAIN, "In [DATE May] ."]), docs_of([*DEV, "At [ORG Acme] ."]))
    printed = data.printed()
    assert "which will never be predicted: 1 ('ORG')" in printed
    assert "which will not be evaluated: 1 ('DATE')" in printed
    assert re.search(r"DATE 1 0 1 1\.0 1", printed)
    assert re.search(r"ORG 0 1 0 - -", printed)


def test_no_development_document(data: Data):
    data.save(docs_of(TRAIN), [])
    printed = data.printed(code=1)
    assert "There are no development documents" in printed
    assert number(printed, "Errors") == 1
    assert "not be evaluated" not in printed


def test_no_annotation(data: Data):
    docs = [NLP.make_doc("Nothing is marked ."), NLP.make_doc("Neither here .")]
    data.save(docs, docs_of(DEV))
    printed = data.printed(code=1)
    assert "No document is annotated" in printed
    data.save([*docs, *docs_of(TRAIN)], docs_of(DEV))
    printed = data.printed()
    assert "learned: 7 (documents without any: 2)" in printed


def test_no_entity(data: Data):
    data.save(docs_of(["Nothing happened ."]), docs_of(["It rained ."]))
    printed = data.printed(code=1)
    assert "There are no entities in the data" in printed
    assert number(printed, "Annotated documents without entities") == 1


def test_entities_that_are_of_no_use(data: Data):
    part = Doc(NLP.vocab, words=["Rome", "r"], spaces=[False] * 2, ents=["B-LOC", "O"])
    blocked = NLP.make_doc("This is not one")
    blocked.set_ents([], blocked=[blocked[2:4]], default="outside")
    faults = [
        tagged(("a", "O"), (".", "B-LOC"), ("?", "I-LOC")),
        tagged(("a", "O"), ("Yahoo", "B-LOC"), ("!", "I-LOC")),
    ]
    data.save([*docs_of(TRAIN), part, blocked, *faults], docs_of(DEV))
    printed = data.printed()
    assert "which training ignores: 1 ('Rome')" in printed
    assert number(printed, "training data that do not align with the annotation") == 1
    assert "from which nothing is learned: 2" in printed
    assert "Entities that consist of punctuation only: 1 ('. ?')" in printed
    assert "begin or end with punctuation: 1 ('Yahoo !')" in printed


def test_faults_of_the_development_data_are_reported_too(data: Data):
    data.save(docs_of(TRAIN), [tagged(("Ann", "B-PER"), ("\n", "I-PER"), ("b", "O"))])
    training, development = data.printed(code=1).split("Entities of the development data")
    assert "No entity begins or ends with whitespace" in training
    assert number(development, "whitespace, which predicted entities never do") == 1


def test_names_with_several_labels(data: Data):
    data.save(docs_of([*TRAIN, "[LOC Bob] is a town .", "[LOC Bob] it is ."]), docs_of(DEV))
    assert "more than one label in the training data: 1 ('Bob' (LOC 2, PER 1))" in data.printed()


# Labels of the component


def test_labels_of_the_config(data: Data):
    data.config["initialize"]["components"] = {"window_ner": {"labels": ["PER", "DATE"]}}
    printed = data.printed()
    assert "which are added when training first meets them: 1 ('LOC')" in printed
    assert (
        "Component labels that are not in the training data, which will never be predicted: 1"
        in printed
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source")
    trained(["[PER Ann] met [DATE May] ."], steps=1).to_disk(path)
    return path


def test_a_component_of_a_trained_pipeline(
    data: Data, source: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(data_report, "TOO_FEW_DOCS", 100)
    data.config["components"]["window_ner"] = {"source": str(source)}
    printed = data.printed()  # few documents may be enough to go on
    assert "New labels, which it learns as well: 1 ('LOC')" in printed
    assert "may be forgotten: 1 ('DATE')" in printed
    data.config["training"]["frozen_components"] = ["window_ner"]
    printed = data.printed()
    assert "The component is frozen" in printed
    assert "New labels" not in printed


def test_all_components_are_checked(data: Data):
    settings = data.config["components"].pop("window_ner")
    for name in ("one", "two"):
        data.config["components"][name] = {**settings, "spans_key": name}
    data.config["nlp"]["pipeline"] = ["one", "two"]
    data.config["initialize"]["components"] = {"two": {"labels": ["PER"]}}
    one, two = data.printed().split("Component 'one'")[1].split("Component 'two'")
    assert "The component has every label of the training data" in one
    assert "missing from [initialize.components.two]" in two


def test_spans_that_are_known_to_be_wrong(data: Data):
    data.config["components"]["window_ner"]["incorrect_spans_key"] = "wrong"
    assert "No training document has spans under incorrect_spans_key = 'wrong'" in data.printed()
    docs = docs_of(TRAIN)
    docs[0].spans["wrong"] = [Span(docs[0], 0, 1, "PER"), Span(docs[0], 2, 3, "LOC")]
    docs[1].spans["wrong"] = [Span(docs[1], 0, 1, "PER")]
    data.save(docs, docs_of(DEV))
    printed = data.printed()
    assert "Incorrect spans under 'wrong': PER (2), LOC (1)" in printed
    assert "No incorrect span is also annotated as an entity" in printed
    assert "The component has every label of the incorrect spans" in printed
    docs[0].spans["wrong"] = [Span(docs[0], 3, 4, "PER"), Span(docs[0], 2, 3, "ORG")]
    data.save(docs, docs_of(DEV))
    printed = data.printed(code=1)
    assert "which training refuses: 1 ('Bob')" in printed
    assert "that the component does not have, which training ignores: 1 ('ORG')" in printed


def test_spans_that_are_known_to_be_wrong_and_do_not_align(data: Data):
    data.config["components"]["window_ner"]["incorrect_spans_key"] = "wrong"
    part = Doc(NLP.vocab, words=["Rome", "r"], spaces=[False] * 2, ents=["O", "O"])
    part.spans["wrong"] = [Span(part, 0, 1, "LOC")]
    data.save([*docs_of(TRAIN), part], docs_of(DEV))
    assert "Incorrect spans that do not align with the pipeline's tokens: 1" in data.printed()


# Vectors


def test_vectors(data: Data):
    nlp = spacy.blank("xx")
    add_vectors(nlp, ["ann", "Bob", "."])
    data.use_vectors(nlp)
    printed = data.printed("--verbose")
    assert "3 vectors of width 8" in printed
    assert "include_static_vectors is false" in printed
    # 11 training tokens: three ".", one Bob, and Ann in lower case
    assert "training data with a vector: 36.4% as written, 9.1% in lower case only" in printed
    assert number(printed, "Tokens of the training data without a vector") == 54.5
    assert "'rained'" in printed.split("Tokens of the development data without a vector")[1]
    data.config["components"]["window_ner"]["model"]["tok2vec"]["include_static_vectors"] = True
    assert "include_static_vectors is false" not in data.printed()


def test_vectors_of_every_word(data: Data):
    nlp = spacy.blank("xx")
    add_vectors(nlp, [token.text for doc in docs_of([*TRAIN, *DEV]) for token in doc])
    data.use_vectors(nlp)
    printed = data.printed()
    assert "Every word of the training data has a vector" in printed
    assert "Every word of the development data has a vector" in printed


def test_floret_vectors(data: Data):
    nlp = spacy.blank("xx")
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings,
        data=np.ones((20, 4), dtype="f"),
        mode="floret",
        minn=2,
        maxn=3,
        hash_count=2,
    )
    data.use_vectors(nlp)
    printed = data.printed()
    assert "Every word has a vector" in printed
    assert "without a vector" not in printed


def test_vectors_that_are_missing(data: Data):
    """What keeps the pipeline from training is told, and then all that can be said."""
    data.config["components"]["window_ner"]["model"]["tok2vec"]["include_static_vectors"] = True
    printed = data.printed(code=1)
    assert "cannot be initialized" in printed
    assert "Give it some with --initialize.vectors" in printed
    assert "PER 2 1 1 1.5 2" in printed
    assert "has every label" not in printed
    assert number(printed, "Errors") == 1


# Options


def test_settings_of_the_config_are_overridden(data: Data):
    printed = data.printed("--paths.dev", data.config["paths"]["train"])
    assert "makes scores too high: 3" in printed


@pytest.mark.parametrize("args", [["--no-dot", "3"], ["--paths.train", "nowhere.spacy"]])
def test_bad_settings(data: Data, args: list[str]):
    result = data.run(*args)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)  # a message, no traceback
    assert args[-1] in result.output or args[0] in result.output


def test_verbose_shows_more_examples(data: Data):
    data.save(docs_of(TRAIN), docs_of([f"[L{i} x]" for i in range(9)]))
    fact = r"which will never be predicted: 9 \((.*?)\)"
    for args, n_shown in (((), 3), (("--verbose",), 9)):
        found = re.search(fact, data.printed(*args))
        assert found
        assert found[1].count("'L") == n_shown
        assert found[1].endswith("…") == (n_shown < 9)


def test_warnings_are_left_out(data: Data):
    data.save(docs_of(TRAIN), docs_of([*DEV, TRAIN[1]]))
    assert "makes scores too high" in data.printed()
    assert "makes scores too high" not in data.printed("--ignore-warnings")


def test_no_format(data: Data):
    assert "✔" in data.run().output
    assert "✔" not in data.run("--no-format").output


def test_code_is_imported(data: Data):
    code = data.path / "code.py"
    code.write_text(
        "import spacy\n"
        "@spacy.registry.readers('debug_data_test.v1')\n"
        "def make(text: str):\n"
        "    def read(nlp):\n"
        "        doc = nlp.make_doc(text)\n"
        "        yield spacy.training.Example.from_dict(doc, {'entities': [(0, 3, 'X')]})\n"
        "    return read\n"
    )
    reader = {"@readers": "debug_data_test.v1", "text": "Ann is here"}
    data.config["corpora"]["train"] = reader
    assert "X 1 0 1 1.0 1" in data.printed("--code", str(code))


# What cannot be checked


def test_a_pipeline_without_window_ner(data: Data):
    data.config["components"]["ner"] = {"factory": "ner"}
    data.config["nlp"]["pipeline"] = ["ner"]
    del data.config["components"]["window_ner"]
    printed = data.printed(code=1)
    assert "no window_ner in the pipeline: ['ner']" in printed
    assert "spacy debug data" in printed


def test_a_corpus_that_cannot_be_read(data: Data):
    (data.path / "train.spacy").write_bytes(b"not a corpus")
    printed = data.printed(code=1)
    assert "The corpora cannot be read" in printed


def test_corpora_without_a_path(data: Data):
    data.config["paths"]["dev"] = None
    printed = data.printed(code=1)
    assert "The corpora cannot be read" in printed
    assert "Corpus path can't be None" in printed


def test_a_label_that_is_not_possible(data: Data):
    data.save([*docs_of(TRAIN), tagged(("Ann", "B-!PER"))], docs_of(DEV))
    printed = data.printed(code=1)
    assert "cannot be initialized" in printed
    assert "!PER" in printed


@pytest.mark.parametrize("content", ["[nlp\n", "[nlp]\nlang = 3\n", "[training]\n"])
def test_a_config_that_is_broken(tmp_path: Path, content: str):
    path = tmp_path / "broken.cfg"
    path.write_text(content)
    result = CliRunner().invoke(spacy_app, ["window-ner", "debug-data", str(path)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception


def test_a_config_that_is_not_there():
    result = CliRunner().invoke(spacy_app, ["window-ner", "debug-data", "nowhere.cfg"])
    assert result.exit_code == 2
    assert "nowhere.cfg" in result.output


# Lists of names, and clusters


@pytest.fixture
def data_with_lists(data: Data) -> Data:
    """The same data with two lists of names, by the preset for them."""
    names = next(path for path in CONFIGS if path.stem == "names")
    model = data.config["components"]["window_ner"]["model"] | {"gazetteer_key": "names"}
    paths = data.config["paths"]
    data.config = util.load_config(names, interpolate=False)
    data.config["nlp"]["lang"] = "xx"
    data.config["components"]["window_ner"]["model"] = model
    data.config["paths"] |= paths
    for key, content in (("people", "Ann Lee\nHappened"), ("places", "Rome\nOslo")):
        (data.path / key).write_text(content)
        data.config["paths"][key] = str(data.path / key)
    return data


def test_what_lists_of_names_find(data_with_lists: Data):
    printed = data_with_lists.printed()
    assert "Lists of names of 'window_ner'" in printed
    assert "Matches in the training data: 2 (PER 1, LOC 1)" in printed
    assert "Matches that are entities: 100.0% (2 of 2)" in printed
    assert "Entities of the training data that are in the lists: 66.7% (2 of 3)" in printed
    assert "Entities of the development data that are in the lists: 100.0% (2 of 2)" in printed


def test_matches_that_are_no_entities(data_with_lists: Data):
    (data_with_lists.path / "people").write_text("Nothing\nAnn Lee")
    printed = data_with_lists.printed()
    assert "Matches that are entities: 66.7% (2 of 3)" in printed


def test_lists_that_look_compiled_from_the_training_data(data_with_lists: Data):
    (data_with_lists.path / "people").write_text("Ann Lee\nBob")
    printed = data_with_lists.printed()
    assert "Entities of the training data that are in the lists: 100.0%" in printed
    assert "compiled from the training data teach the network" in printed
    assert "compiled" not in data_with_lists.printed("--ignore-warnings")


def test_lists_that_match_nothing(data_with_lists: Data):
    for name in ("people", "places"):
        (data_with_lists.path / name).write_text("Nobody Atall")
    assert "The lists match nothing in the training data" in data_with_lists.printed()


def test_lists_that_training_does_not_see(data_with_lists: Data):
    data_with_lists.config["training"]["annotating_components"] = []
    printed = data_with_lists.printed()
    assert "No document of the training data has doc.spans['names']" in printed
    assert "annotating_components" in printed


def test_there_is_no_word_of_lists_and_clusters_that_are_not_used(data: Data):
    printed = data.printed()
    assert "Lists of names" not in printed and "cluster" not in printed


def test_clusters(data: Data, small_clusters: None):
    tok2vec = data.config["components"]["window_ner"]["model"]["tok2vec"]
    for key, value in (("attrs", "CLUSTER4"), ("rows", 50), ("widths", 4)):
        tok2vec[key] = [*tok2vec[key], value]
    assert "There are no clusters for 'xx'" in data.printed()
    data.config["initialize"]["lookups"] = {"@misc": "spacy_window_ner.lookups.v1", "lang": "xx"}
    printed = data.printed()
    # Ann, Bob and Rome of the 11 tokens to train on, Ann of the 9 others.
    assert "Tokens of the training data with a cluster: 27.3%" in printed
    assert "Tokens of the development data with a cluster: 11.1%" in printed
