"""The tables of words that a network reads go with it into other pipelines."""

import pickle
import warnings
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
from spacy import util
from spacy.language import Language
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import fix_random_seed, registry
from thinc.api import Config

from spacy_window_ner.files.fingerprint import fingerprint
from spacy_window_ner.files.saving import CHECKSUM
from spacy_window_ner.network.lexicon import CLUSTER_TABLE, carried

from .pipelines import (
    SENTENCES,
    add_vectors,
    blank,
    entities,
    make_examples,
    marked_entities,
    ner_of,
    predictions,
    read_marked,
    save_corpus,
    small_model,
    texts_of,
    train,
    weights,
)

TOK2VEC = {
    "include_static_vectors": True,
    "vector_clusters": [2],
    "attrs": ["NORM", "PREFIX", "CLUSTER2", "CLUSTER8"],
}
Again = Callable[[Language, Path], Language]
pytestmark = pytest.mark.filterwarnings("error", "ignore:.*W113")


@pytest.fixture(scope="module")
def trained_nlp() -> Language:
    """A pipeline that has learned `SENTENCES` with word vectors and clusters."""
    fix_random_seed(0)
    nlp = blank(model=small_model(tok2vec=TOK2VEC))
    examples = make_examples(nlp)
    words = [token.text for example in examples for token in example.predicted]
    add_vectors(nlp, words)
    nlp.vocab.vectors.data = nlp.vocab.vectors.data.astype(np.float16).astype(np.float32)
    nlp.vocab.lookups.add_table(CLUSTER_TABLE, {word: 1 + i for i, word in enumerate(words)})
    nlp.initialize(lambda: examples)
    train(nlp, examples, 40)
    return nlp


@pytest.fixture(scope="module")
def saved(trained_nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pipeline, saved. Its first component is not to be sourced."""
    path = tmp_path_factory.mktemp("tables") / "pipeline"
    trained_nlp.add_pipe("sentencizer", first=True)
    trained_nlp.to_disk(path)
    trained_nlp.remove_pipe("sentencizer")
    return path


def model_size(path: Path) -> int:
    """The size of the file of the network in the directory of a pipeline."""
    return (path / "window_ner" / "model").stat().st_size


def loaded(nlp: Language, path: Path) -> Language:
    nlp.to_disk(path)
    return spacy.load(path)


def from_bytes(nlp: Language, path: Path) -> Language:
    return util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())


def unpickled(nlp: Language, path: Path) -> Language:
    return pickle.loads(pickle.dumps(nlp))


@pytest.mark.parametrize(
    ("width", "again"),
    [(0, None), (3, None), (8, None), (0, loaded), (8, loaded), (0, from_bytes), (0, unpickled)],
)
def test_they_go_along_when_a_pipeline_sources_the_component(
    trained_nlp: Language, saved: Path, tmp_path: Path, width: int, again: Again | None
):
    nlp = spacy.blank("xx")
    if width:
        add_vectors(nlp, ["Paris", "Samuel"], width=width)
    own = nlp.vocab.vectors.data
    source = spacy.load(saved)
    first = fingerprint(source)
    nlp.add_pipe("window_ner", source=source)
    assert fingerprint(source) == first
    for pipeline in (nlp, again(nlp, tmp_path) if again else nlp):
        assert fingerprint(pipeline) == fingerprint(nlp)
        assert predictions(pipeline, texts_of()) == predictions(trained_nlp, texts_of())
        np.testing.assert_array_equal(pipeline.vocab.vectors.data, own)
        vectors = carried(ner_of(pipeline).model).vectors
        assert vectors is not None and vectors.data.dtype == np.float32
        np.testing.assert_array_equal(vectors.data, trained_nlp.vocab.vectors.data)


@pytest.mark.parametrize("names", [["window_ner"], ["sentencizer", "other", "window_ner"]])
def test_they_go_along_when_a_config_sources_the_component(
    trained_nlp: Language, saved: Path, tmp_path: Path, names: list[str]
):
    """spaCy loads all sources into one vocabulary, without lookups, one after the other; then it
    puts the vectors back that were there before.
    """
    other = spacy.blank("xx")
    other.add_pipe("sentencizer", name="other")
    add_vectors(other, ["Berlin"], width=5)
    other.to_disk(tmp_path / "other")
    sources = dict.fromkeys(names, saved) | {"other": tmp_path / "other"}
    config = {
        "nlp": {"lang": "xx", "pipeline": names},
        "components": {name: {"source": str(sources[name])} for name in names},
    }
    nlp = util.load_model_from_config(config, auto_fill=True)
    for pipeline in (nlp, loaded(nlp, tmp_path / "new")):
        assert len(pipeline.vocab.vectors) == 0
        with pipeline.select_pipes(enable="window_ner"):
            assert predictions(pipeline, texts_of()) == predictions(trained_nlp, texts_of())


@pytest.mark.filterwarnings("ignore:.*W113")
def test_they_go_along_when_a_sourced_component_is_trained(saved: Path, tmp_path: Path):
    """The config has a source and a corpus of some of its labels, and no other setting."""
    sentences = ["[PER Samuel] met [PER Ann Lee].", "[PER Ann Lee] left [LOC Oslo]."]
    corpus = {
        "@readers": "spacy_window_ner.Corpus.v1",
        "path": str(save_corpus(tmp_path / "corpus.spacy", sentences)),
        "labels": ["LOC", "PER"],
    }
    config = Config(
        {
            "nlp": {"lang": "xx", "pipeline": ["window_ner"]},
            "components": {"window_ner": {"source": str(saved)}},
            "corpora": {"train": corpus, "dev": corpus},
            "training": {"seed": 0, "gpu_allocator": None, "max_steps": 60, "eval_frequency": 30},
        }
    )
    nlp = init_nlp(config)
    before = weights(nlp)
    (tmp_path / "out").mkdir()
    train_loop(nlp, tmp_path / "out", stdout=StringIO())
    nlp = spacy.load(tmp_path / "out" / "model-last")
    assert not all(map(np.array_equal, before, weights(nlp)))
    for sentence in (*SENTENCES, *sentences):
        assert entities(nlp(read_marked(sentence)[0])) == marked_entities(sentence)


def test_they_are_saved_once(trained_nlp: Language, saved: Path, tmp_path: Path):
    source, same, empty = spacy.load(saved), spacy.blank("xx"), spacy.blank("xx")
    same.vocab.vectors, same.vocab.lookups = source.vocab.vectors, source.vocab.lookups
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # W113 too
        same.add_pipe("window_ner", source=source)
    again = loaded(same, tmp_path / "same")
    assert model_size(tmp_path / "same") == model_size(saved)
    assert predictions(again, texts_of()) == predictions(trained_nlp, texts_of())
    # They take 16 bits each where that loses nothing.
    empty.add_pipe("window_ner", source=source)
    empty.to_disk(tmp_path / "empty")
    tables = srsly.read_msgpack(tmp_path / "empty" / "window_ner" / "model")["lexicon"]
    assert srsly.msgpack_loads(srsly.msgpack_loads(tables["vectors"])["vectors"]).itemsize == 2
    # A pipeline that has the same in its vocabulary does not need those of the component.
    empty.vocab.vectors, empty.vocab.lookups = source.vocab.vectors, source.vocab.lookups
    loaded(empty, tmp_path / "full").to_disk(tmp_path / "again")
    assert model_size(tmp_path / "full") == model_size(tmp_path / "again") == model_size(saved)


def test_a_network_that_is_initialized_has_those_of_the_vocabulary(saved: Path):
    nlp = spacy.blank("xx")
    nlp.add_pipe("window_ner", source=spacy.load(saved))
    add_vectors(nlp, ["Paris", "Berlin", "met"])
    nlp.initialize(lambda: make_examples(nlp))
    lexicon = carried(ner_of(nlp).model)
    assert lexicon.vectors is None and lexicon.clusters is not None
    assert nlp("Paris").has_annotation("ENT_IOB")


def test_vectors_that_were_saved_with_16_bits_have_32(
    trained_nlp: Language, saved: Path, tmp_path: Path
):
    """spaCy's own layer fails on 16 bits, with E896."""
    trained_nlp.to_disk(tmp_path)
    with (tmp_path / "vocab" / "vectors").open("wb") as file:
        np.save(file, trained_nlp.vocab.vectors.data.astype(np.float16))
    nlp = spacy.load(tmp_path)
    assert nlp.vocab.vectors.data.dtype == np.float32
    embed = registry.architectures.get("spacy.MultiHashEmbed.v2")(
        width=4, attrs=["NORM"], rows=[10], include_static_vectors=True
    )
    docs = [nlp.make_doc("In Paris")]
    embed.initialize(X=docs)
    assert embed.predict(docs)[0].shape == (2, 4)
    assert predictions(nlp, texts_of()) == predictions(trained_nlp, texts_of())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"vectors": b"damaged"}, "cannot be loaded"),
        ({"clusters": {1: "a"}}, "cannot be loaded"),
        ({"clusters": [1]}, "cannot be loaded"),
        ({"rows": 99}, "some of its word vectors are missing"),
        ({"data": np.inf}, "must be a table of finite numbers"),
    ],
)
def test_damaged_tables_are_refused_without_checksums_too(
    saved: Path, tmp_path: Path, damage: dict, message: str
):
    nlp = spacy.blank("xx")
    nlp.add_pipe("window_ner", source=spacy.load(saved))
    vectors = carried(ner_of(nlp).model).vectors
    if "rows" in damage:
        vectors.key2row[1] = damage.pop("rows")
    if "data" in damage:
        vectors.data = vectors.data * np.float32(damage.pop("data"))
    files = srsly.msgpack_loads(ner_of(nlp).to_bytes(exclude=["vocab"]))
    network = srsly.msgpack_loads(files["model"])
    network["lexicon"].update(damage)
    files["model"] = srsly.msgpack_dumps(network)
    del files[CHECKSUM]
    before = predictions(spacy.load(saved), texts_of())
    other = spacy.load(saved)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        ner_of(other).from_bytes(srsly.msgpack_dumps(files), exclude=["vocab"])
    assert predictions(other, texts_of()) == before
