import re
from collections.abc import Iterable
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

import spacy_window_ner.cli  # noqa: F401  # adds the commands to spaCy's
from spacy_window_ner.labels import set_annotated_labels
from spacy_window_ner.network.lexicon import CLUSTER_TABLE
from spacy_window_ner.training.presets import init_config

from ..pipelines import CONFIGS, add_vectors, blank, corpus, make_examples, small_model, trained

CONFIG = next(path for path in CONFIGS if path.stem == "efficiency")
NLP = spacy.blank("xx")
TRAIN = ["[PER Ann Lee] met [PER Bob] .", "In [LOC Rome] .", "Nothing happened ."]
DEV = ["[PER Ann Lee] left [LOC Oslo] today .", "It rained ."]


def docs_of(sentences: Iterable[str]) -> list[Doc]:
    return [example.reference for example in make_examples(NLP, sentences)]


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

    def run(self, *args: str) -> Result:
        self.config.to_disk(self.path / "config.cfg")
        command = ["window-ner", "debug-data", str(self.path / "config.cfg"), *args]
        return CliRunner().invoke(spacy_app, command)

    def printed(self, *args: str, code: int = 0) -> str:
        """What the command prints, in one line."""
        result = self.run(*args)
        assert result.exit_code == code, (result.output, result.exception)
        return " ".join(re.sub(r"\x1b\[[\d;]*m", "", result.output).split())


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)


# What spaCy checks


def test_good_data_has_no_error_although_it_is_little(data: Data):
    printed = data.printed()
    assert "ℹ 2 label(s) 0 missing" in printed
    assert "3 training docs 2 evaluation docs" in printed
    assert "No overlap between training and evaluation data" in printed
    assert "Little training data: 11 words" in printed
    assert "✘" not in printed


def test_little_data_is_no_error(data: Data):
    """The advice is to begin from a pipeline, and is not repeated to who does."""
    data.save(docs_of(corpus(60)), docs_of(DEV))
    printed = data.printed()
    assert "`python -m spacy window-ner learn`" in printed and "--base PIPELINE" in printed
    trained(corpus(8), steps=1).to_disk(data.path / "base")
    data.config = init_config("efficiency", base=str(data.path / "base"))
    data.save(docs_of(corpus(60)), docs_of(DEV))
    printed = data.printed()
    assert "Little training data" not in printed
    assert "60 training docs" in printed and "✘" not in printed


def test_errors_of_spacy_are_errors(data: Data):
    doc = Doc(NLP.vocab, words=["Rome", "\n", "b"], ents=["B-LOC", "I-LOC", "O"])
    data.save([*docs_of(TRAIN), doc], docs_of(DEV))
    assert "1 invalid whitespace entity spans" in data.printed(code=1)


def test_options_and_overrides_reach_spacy(data: Data):
    printed = data.printed("--paths.dev", data.config["paths"]["train"], "--verbose")
    assert "3 training examples also in evaluation" in printed
    assert "Labels in train data: 'PER' (2), 'LOC' (1)" in printed
    assert "Low number of examples" in printed and "Little training data" in printed
    assert "✔" in printed
    printed = data.printed("--ignore-warnings", "--no-format")
    assert "Low number of examples" not in printed and "Little training data" not in printed
    assert "✔" not in printed


def test_other_components_are_checked_too(data: Data):
    data.config["components"]["tagger"] = {"factory": "tagger"}
    data.config["nlp"]["pipeline"] = ["tagger", "window_ner"]
    docs = docs_of(TRAIN)
    for token in docs[0]:
        token.tag_ = "X"
    data.save(docs, docs_of(DEV))
    assert "Part-of-speech Tagging" in data.printed()


def test_settings_of_other_parts_are_filled_in(data: Data):
    """A config need not be complete."""
    config = data.config
    data.config = util.Config({key: config[key] for key in ("paths", "nlp", "components")})
    data.config["corpora"] = config["corpora"]
    assert "2 label(s)" in data.printed()


# What training learns from


def test_what_is_annotated(data: Data):
    part = Doc(NLP.vocab, words=["Rome", "r"], spaces=[False] * 2, ents=["B-LOC", "O"])
    blocked = Doc(NLP.vocab, words=["This", "is", "not", "one"], sent_starts=[True] + [False] * 3)
    blocked.set_ents([], blocked=[blocked[2:4]], default="outside")
    partial = docs_of(["[LOC Lima] and Ann"])[0]
    set_annotated_labels(partial, ["LOC"])
    data.save([*docs_of(TRAIN), part, blocked, partial], docs_of(DEV))
    training, development = data.printed().split("Development data:")
    assert "Training data: 6 documents (1 with sentence starts), 19 tokens" in training
    assert "which are not used for training: 3" in training  # "Romer" and the blocked tokens
    assert "do not align with the pipeline's tokens: 1 ('Rome')" in training
    assert "Documents annotated with some of the labels only: 1 ('LOC')" in training
    assert "2 documents (0 with sentence starts), 9 tokens, 2 entities" in development
    assert "not used for training" not in development


def test_no_annotation(data: Data):
    data.save([NLP.make_doc("Nothing is marked .")], docs_of(DEV))
    printed = data.printed(code=1)
    assert "None of the annotation in the training data can be used" in printed


def test_no_entity(data: Data):
    data.save(docs_of(["Nothing happened ."]), docs_of(["It rained ."]))
    assert "The training data has no entities" in data.printed(code=1)


def test_no_development_document(data: Data):
    data.save(docs_of(TRAIN), [])
    assert "There are no development documents" in data.printed(code=1)


def test_verbose_shows_more_examples(data: Data):
    data.save(docs_of(TRAIN), docs_of([f"[L{i} x]" for i in range(9)]))
    fact = r"Development labels without training data \(never predicted\): 9 \((.*?)\)"
    for args, n_shown in (((), 3), (("--verbose",), 9)):
        found = re.search(fact, data.printed(*args))
        assert found
        assert found[1].count("'L") == n_shown
        assert found[1].endswith("…") == (n_shown < 9)


# Labels of the component


def test_labels_that_only_one_corpus_has(data: Data):
    data.save(docs_of([*TRAIN, "In [DATE May] ."]), docs_of([*DEV, "At [ORG Acme] ."]))
    printed = data.printed()
    assert "Labels: 3 ('DATE', 'LOC', 'PER')" in printed
    assert "(never predicted): 1 ('ORG')" in printed
    assert "(not evaluated): 1 ('DATE')" in printed


def test_labels_of_the_config(data: Data):
    data.config["initialize"]["components"] = {"window_ner": {"labels": ["PER", "DATE"]}}
    printed = data.printed()
    assert "missing from [initialize.components.window_ner], added late: 1 ('LOC')" in printed
    assert "without training data (never predicted): 1 ('DATE')" in printed


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source")
    trained(["[PER Ann] met [DATE May] ."], steps=1).to_disk(path)
    return path


def test_a_component_of_a_trained_pipeline(data: Data, source: Path):
    data.config["components"]["window_ner"] = {"source": str(source)}
    printed = data.printed()
    assert "Little training data" not in printed  # they may be enough to go on
    assert "New labels to learn: 'LOC'" in printed
    assert "(may be forgotten): 1 ('DATE')" in printed
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
    one, two = data.printed().split("used by 'one'")[1].split("used by 'two'")
    assert "missing" not in one
    assert "missing from [initialize.components.two]" in two


def test_spans_that_are_known_to_be_wrong(data: Data):
    data.config["components"]["window_ner"]["incorrect_spans_key"] = "wrong"
    assert "doc.spans['wrong'] (incorrect_spans_key): 0, 0 of them used" in data.printed()
    docs = docs_of(TRAIN)
    docs[0].spans["wrong"] = [Span(docs[0], 0, 1, "PER"), Span(docs[0], 2, 3, "LOC")]
    data.save(docs, docs_of(DEV))
    assert "⚠ Incorrect" not in data.printed()
    part = Doc(NLP.vocab, words=["Rome", "r"], spaces=[False] * 2, ents=["O", "O"])
    part.spans["wrong"] = [Span(part, 0, 1, "LOC")]
    docs[0].spans["wrong"].append(Span(docs[0], 2, 3, "ORG"))
    data.save([*docs, part], docs_of(DEV))
    assert "doc.spans['wrong'] (incorrect_spans_key): 4, 2 of them used" in data.printed()
    docs[0].spans["wrong"] = [Span(docs[0], 3, 4, "PER")]
    data.save(docs, docs_of(DEV))
    printed = data.printed(code=1)
    assert "A span is both an entity and an incorrect span [E868]" in printed


# Vectors


def test_vectors(data: Data):
    nlp = spacy.blank("xx")
    add_vectors(nlp, ["ann", "Bob", "."])
    data.use_vectors(nlp)
    assert "include_static_vectors is false" in data.printed()
    data.config["components"]["window_ner"]["model"]["tok2vec"]["include_static_vectors"] = True
    printed = data.printed()
    assert "include_static_vectors is false" not in printed
    # 11 training tokens: three ".", one Bob, and Ann in lower case
    assert "training data, 45.5% have a word vector (9.1% only in lower case), 100.0%" in printed
    assert "development data, 33.3% have a word vector (11.1% only in lower case)" in printed


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
    data.config["components"]["window_ner"]["model"]["tok2vec"]["include_static_vectors"] = True
    assert "training data, 100.0% have a word vector, " in data.printed()


def test_vectors_that_are_missing(data: Data):
    data.config["components"]["window_ner"]["model"]["tok2vec"]["include_static_vectors"] = True
    printed = data.printed(code=1)
    assert "cannot be initialized" in printed
    assert "Set --initialize.vectors" in printed


# What cannot be checked


@pytest.mark.parametrize("args", [["--no-dot", "3"], ["--paths.train", "nowhere.spacy"]])
def test_bad_settings(data: Data, args: list[str]):
    result = data.run(*args)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)  # a message, no traceback
    assert args[-1] in result.output or args[0] in result.output


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
    assert "Labels: 1 ('X')" in data.printed("--code", str(code))


def test_a_pipeline_without_window_ner(data: Data):
    data.config["components"]["ner"] = {"factory": "ner"}
    data.config["nlp"]["pipeline"] = ["ner"]
    del data.config["components"]["window_ner"]
    printed = data.printed(code=1)
    assert "has no window_ner component: ['ner']" in printed
    assert "spacy debug data" in printed


def test_a_corpus_that_cannot_be_read(data: Data):
    (data.path / "train.spacy").write_bytes(b"not a corpus")
    assert "cannot be initialized with the data" in data.printed(code=1)
    data.config["paths"]["train"] = None
    assert "Corpus path can't be None" in data.printed(code=1)


def test_a_label_that_is_not_possible(data: Data):
    doc = Doc(NLP.vocab, words=["Ann"], ents=["B-!PER"])
    data.save([*docs_of(TRAIN), doc], docs_of(DEV))
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
    assert "compiled the lists from the training data" in printed
    assert "compiled" not in data_with_lists.printed("--ignore-warnings")


def test_lists_that_match_nothing(data_with_lists: Data):
    for name in ("people", "places"):
        (data_with_lists.path / name).write_text("Nobody Atall")
    assert "The lists of names have no matches in the training data" in data_with_lists.printed()


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
    assert "training data, 27.3% have a Brown cluster, 100.0% were seen in training" in printed
    assert "development data, 11.1% have a Brown cluster, " in printed


@pytest.mark.filterwarnings("error:The attributes CLUSTER")
def test_clusters_that_the_network_carries(data: Data):
    model = small_model(tok2vec={"attrs": ["NORM", "PREFIX", "CLUSTER4", "SHAPE"]})
    nlp, base = blank(model=model), spacy.blank("xx")
    nlp.vocab.lookups.add_table(CLUSTER_TABLE, {"ann": 5})
    nlp.initialize(lambda: make_examples(nlp))
    base.add_pipe("window_ner", source=nlp)
    base.to_disk(data.path / "base")
    data.config = init_config("efficiency", base=str(data.path / "base"))
    data.save(docs_of(TRAIN), docs_of(DEV))
    printed = data.printed()
    assert "There are no clusters" not in printed
    assert "training data, 9.1% have a Brown cluster, " in printed
