"""Token vectors of other libraries: layers on ops of their own, and a transformer in PyTorch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import thinc.util
from spacy.attrs import NORM
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import fix_random_seed
from thinc.api import Model, NumpyOps

from spacy_window_ner import WindowNER
from spacy_window_ner.network.architectures import window_classifier

from .pipelines import (
    SENTENCES,
    entities,
    make_examples,
    marked_entities,
    ner_of,
    predictions,
    texts_of,
    train,
)

GOLD = [marked_entities(sentence) for sentence in SENTENCES]
ROWS, WIDTH = 97, 12


# A device of the tests' own: NumPy does not take its arrays, and they do no arithmetic


class DeviceArray:
    """An array that is not in the computer's own memory, as CuPy's."""

    __array__ = None
    __array_ufunc__ = None

    def __init__(self, data: np.ndarray) -> None:
        self.data = np.array(data)
        self.shape = self.data.shape

    def __len__(self) -> int:
        return len(self.data)

    def get(self) -> np.ndarray:
        return self.data.copy()


class Device:
    """The module of these arrays: what Thinc uses of CuPy."""

    ndarray = DeviceArray
    asarray = DeviceArray


class DeviceOps(NumpyOps):
    """Ops that bring arrays to the device."""

    name = "device"
    xp = Device

    def asarray(self, data: Any, dtype: Any = None) -> Any:
        return DeviceArray(data)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinc.util, "has_cupy", True)
    monkeypatch.setattr(thinc.util, "cupy", Device, raising=False)


def word_table(ops: NumpyOps, kind: type) -> Model[list[Doc], list[Any]]:
    """One vector for each word, whose arrays are of one kind on both ways."""

    def forward(model: Model, docs: list[Doc], is_train: bool) -> tuple[list[Any], Callable]:
        rows = [(doc.to_array(NORM) % ROWS).astype(int) for doc in docs]
        E = model.get_param("E")

        def backprop(d_Xs: list[Any]) -> list[Doc]:
            d_E = np.zeros_like(E)
            for of_doc, d_X in zip(rows, d_Xs, strict=True):
                assert type(d_X) is kind
                np.add.at(d_E, of_doc, d_X.get() if kind is DeviceArray else d_X)
            model.inc_grad("E", d_E)
            return []

        return [model.ops.asarray(E[of_doc]) for of_doc in rows], backprop

    E = np.random.RandomState(0).normal(size=(ROWS, WIDTH)).astype("f")
    return Model("word_table", forward, dims={"nO": WIDTH}, params={"E": E}, ops=ops)


def pipeline_on(ops: NumpyOps, kind: type) -> Language:
    """A trained pipeline whose token vectors are on some ops."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    model = window_classifier(word_table(ops, kind), hidden_width=24, window_size=2)
    ner = WindowNER(nlp.vocab, model)
    nlp.add_pipe("window_ner")
    nlp._components[-1] = ("window_ner", ner)  # a config cannot name this network
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, 40, drop=0.1)
    return nlp


def test_vectors_of_another_device_train_and_predict_as_those_of_numpy(device: None):
    other, plain = pipeline_on(DeviceOps(), DeviceArray), pipeline_on(NumpyOps(), np.ndarray)
    tables = [ner_of(nlp).tok2vec.get_param("E") for nlp in (other, plain)]
    assert (tables[0] == tables[1]).all()
    start = word_table(NumpyOps(), np.ndarray).get_param("E")
    assert (tables[0] != start).any()  # gradients came back over the border
    texts = [*texts_of(), "", "Samuel  Paris 1989"]
    assert predictions(other, texts) == predictions(plain, texts)
    assert [entities(other(text)) for text in texts_of()] == GOLD
    examples = make_examples(other)
    other.resume_training()
    assert ner_of(other).rehearse(examples)["window_ner"] == pytest.approx(0, abs=1e-3)


# Transformers


def save_pieces(path: Path) -> Path:
    """Save pieces of words: every letter, at the beginning and inside of a word."""
    letters = sorted({letter for text in texts_of() for letter in text if not letter.isspace()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *("##" + x for x in letters)]
    path.write_text("\n".join(pieces) + "\n", encoding="utf8")
    return path


@pytest.fixture(scope="module")
def with_transformer(tmp_path_factory: pytest.TempPathFactory) -> Language:
    """A pipeline with a tiny transformer, from random weights, that `window_ner` listens to."""
    pytest.importorskip("spacy_curated_transformers", reason="spacy-curated-transformers is absent")
    if np.lib.NumpyVersion(np.__version__) >= "2.4.0":
        # It makes a float of an array with one dimension.
        pytest.skip("spacy-curated-transformers 0.3 cannot train with NumPy 2.4 and later")
    pieces = save_pieces(tmp_path_factory.mktemp("pieces") / "pieces.txt")
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    transformer = {
        "@architectures": "spacy-curated-transformers.BertTransformer.v1",
        "vocab_size": len(pieces.read_text(encoding="utf8").split("\n")),
        "hidden_width": WIDTH,
        "intermediate_width": 2 * WIDTH,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "piece_encoder": {"@architectures": "spacy-curated-transformers.BertWordpieceEncoder.v1"},
        "with_spans": {"@architectures": "spacy-curated-transformers.WithStridedSpans.v1"},
    }
    listener = {
        "@architectures": "spacy-curated-transformers.LastTransformerLayerListener.v1",
        "width": WIDTH,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    nlp.add_pipe("curated_transformer", name="transformer", config={"model": transformer})
    nlp.add_pipe("window_ner", config={"model": {"hidden_width": 24, "tok2vec": listener}})
    loader = {
        "@model_loaders": "spacy-curated-transformers.WordpieceLoader.v1",
        "path": str(pieces),
    }
    nlp.config["initialize"]["components"]["transformer"] = {"piecer_loader": loader}
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, 80)
    return nlp


def test_a_transformer_behind_a_listener_trains(with_transformer: Language, tmp_path: Path):
    nlp = with_transformer
    assert [entities(doc) for doc in nlp.pipe(texts_of())] == GOLD
    nlp.to_disk(tmp_path)
    assert predictions(spacy.load(tmp_path), texts_of()) == predictions(nlp, texts_of())


def test_gradients_reach_the_transformer(with_transformer: Language, tmp_path: Path):
    with_transformer.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    shim = next(node for node in nlp.get_pipe("transformer").model.walk() if node.shims).shims[0]
    before = [param.detach().clone() for param in shim._model.parameters()]
    train(nlp, make_examples(nlp, ["[DATE Paris] was closed."]), 1)
    after = shim._model.parameters()
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


def test_a_transformer_takes_the_place_of_its_listener(with_transformer: Language, tmp_path: Path):
    nlp = with_transformer
    expected = predictions(nlp, texts_of())
    nlp.to_disk(tmp_path / "listening")
    nlp = spacy.load(tmp_path / "listening")
    nlp.replace_listeners("transformer", "window_ner", ["model.tok2vec"])
    nlp.remove_pipe("transformer")
    assert predictions(nlp, texts_of()) == expected
    nlp.to_disk(tmp_path / "alone")
    assert predictions(spacy.load(tmp_path / "alone"), texts_of()) == expected
