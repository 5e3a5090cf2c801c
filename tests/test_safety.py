"""Nothing that is saved is a pickle, and nothing that is loaded can execute code."""

import pickle
import pickletools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy import util
from spacy.language import Language
from srsly.msgpack import ExtType

from .pipelines import SENTENCES, blank, copy_of, make_examples, ner_of, predictions, texts_of

# What Python tells its audit hooks when code is run, or another program.
EXECUTING = {
    "compile",
    "exec",
    "import",
    "marshal.loads",
    "os.exec",
    "os.posix_spawn",
    "os.system",
    "pickle.find_class",
    "subprocess.Popen",
}
_heard: list[list[str]] = []


def _hear(event: str, args: tuple) -> None:
    if _heard and event in EXECUTING:
        _heard[-1].append(f"{event} {args}")


sys.addaudithook(_hear)  # for good: Python cannot take a hook away


@contextmanager
def listening() -> Iterator[list[str]]:
    """The events of `EXECUTING` that happen inside."""
    _heard.append([])
    try:
        yield _heard[-1]
    finally:
        _heard.pop()


class Touch:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple:
        return (open, (self.path, "w"))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """The file that is there if the code was run."""
    return tmp_path / "trace"


@pytest.fixture
def code(trace: Path) -> bytes:
    """A pickle that makes the file."""
    return pickle.dumps(Touch(trace))


def is_pickle(data: bytes) -> bool:
    """Whether it is a pickle, but for those of the oldest protocol that hold plain data only: any
    text with a full stop may look like one of these.
    """
    try:
        operations = [(opcode.name, place) for opcode, _, place in pickletools.genops(data)]
    except (ValueError, IndexError, UnicodeDecodeError):
        return False
    names = {name for name, _ in operations}
    ends = operations[-1] == ("STOP", len(data) - 1)
    return ends and bool(names & {"PROTO", "GLOBAL", "INST", "REDUCE"})


def values_of(data: bytes) -> Iterator[bytes]:
    """Data in msgpack, and all bytes and strings in it, to any depth."""
    yield data
    try:
        pending = [srsly.msgpack_loads(data)]
    except (ValueError, TypeError):
        return
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += [*value, *value.values()]
        elif isinstance(value, list | tuple):
            pending += value
        elif isinstance(value, str):
            yield value.encode()
        elif isinstance(value, bytes):
            yield from values_of(value)


def test_the_measures_measure(code: bytes, trace: Path):
    assert is_pickle(code)
    assert is_pickle(pickle.dumps([1, "x"]))
    assert is_pickle(pickle.dumps(Touch(trace), protocol=0))
    assert not is_pickle(srsly.msgpack_dumps({"a": b"x"}))
    assert any(map(is_pickle, values_of(srsly.msgpack_dumps({"a": [srsly.msgpack_dumps(code)]}))))
    with listening() as heard:
        pickle.loads(code).close()
    assert trace.exists()
    assert any("pickle.find_class" in event for event in heard)
    with listening() as heard:
        eval("1")
    assert heard


# What is saved


def test_no_pickle_is_saved(trained_nlp: Language, tmp_path: Path):
    trained_nlp.to_disk(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"model", "cfg", "config.cfg", "strings.json"}
    for path in files:
        assert not any(map(is_pickle, values_of(path.read_bytes()))), path
    assert not any(map(is_pickle, values_of(trained_nlp.to_bytes())))


def test_saving_and_loading_executes_nothing(trained_copy: Language, tmp_path: Path):
    ner = ner_of(trained_copy)

    def there_and_back() -> None:
        ner.to_disk(tmp_path, exclude=["vocab"])
        ner.from_disk(tmp_path, exclude=["vocab"])
        ner.from_bytes(ner.to_bytes(exclude=["vocab"]), exclude=["vocab"])

    there_and_back()  # what is imported at the first use is there now
    with listening() as heard:
        there_and_back()
    assert heard == []


# What is loaded


class Attempt:
    """A saved network into which code is put."""

    def __init__(self, nlp: Language, code: bytes, trace: Path) -> None:
        self.nlp, self.code, self.trace = nlp, code, trace
        self.right = ner_of(nlp).to_bytes(exclude=["vocab"])

    def __call__(self, change: Callable[[dict[str, Any], list[Any]], None]) -> None:
        """Change the network in all the ways that code can be written, and try to load it."""
        array = {b"nd": True, b"type": "|O", b"kind": b"", b"shape": [1], b"data": self.code}
        forms = [
            self.code,
            srsly.msgpack_dumps(self.code),
            self.code.decode("latin1"),
            f"exec(open({str(self.trace)!r}, 'w'))",
            "os.system",
            array,
            srsly.msgpack_dumps(array),
            {b"complex": True, b"data": f"open({str(self.trace)!r}, 'w')"},
            ExtType(5, self.code),
        ]
        for form in forms:
            content = srsly.msgpack_loads(self.right)
            model = srsly.msgpack_loads(content["model"])
            change(model, [form])
            content["model"] = srsly.msgpack_dumps(model)
            self.load(srsly.msgpack_dumps(content))

    def load(self, data: bytes) -> None:
        """The data is refused, or loaded as data."""
        ner = ner_of(self.nlp)
        with listening() as heard:
            try:
                ner.from_bytes(data, exclude=["vocab"])
            except ValueError:
                assert ner.to_bytes(exclude=["vocab"]) == self.right
            else:
                ner.from_bytes(self.right, exclude=["vocab"])
        assert not self.trace.exists()
        assert heard == []


@pytest.fixture
def attempt(trained_copy: Language, code: bytes, trace: Path) -> Attempt:
    attempt = Attempt(trained_copy, code, trace)
    attempt.load(attempt.right)
    attempt.load(b"refused")  # what is imported at the first use is there now
    return attempt


def test_code_in_the_place_of_a_file(attempt: Attempt):
    attempt.load(attempt.code)
    content = srsly.msgpack_loads(attempt.right)
    for name in content:
        attempt.load(srsly.msgpack_dumps({**content, name: attempt.code}))
        attempt.load(srsly.msgpack_dumps({**content, f"{name} of mine": attempt.code}))


def test_code_in_the_settings_of_layers(attempt: Attempt):
    """Also in a setting that is a function, which is not saved."""
    content = srsly.msgpack_loads(srsly.msgpack_loads(attempt.right)["model"])
    places = [(i, name) for i, attrs in enumerate(content["attrs"]) for name in attrs]
    names = [node["name"] for node in content["nodes"]]
    places.append((names.index("lexeme_embed"), "read_vocabulary"))
    assert len(places) > 10
    for i, name in places:
        attempt(lambda model, form, i=i, name=name: model["attrs"][i].update({name: form[0]}))


def test_code_in_the_place_of_weights(attempt: Attempt):
    content = srsly.msgpack_loads(srsly.msgpack_loads(attempt.right)["model"])
    places = [(i, name) for i, params in enumerate(content["params"]) for name in params]
    assert len(places) > 5
    for i, name in places:
        attempt(lambda model, form, i=i, name=name: model["params"][i].update({name: form[0]}))


@pytest.mark.parametrize("key", ["name", "dims", "refs", "index"])
def test_code_in_the_structure(attempt: Attempt, key: str):
    attempt(lambda model, form: model["nodes"][0].update({key: form[0]}))
    attempt(lambda model, form: model["nodes"][0].update({key: {"nO": form[0]}}))


def test_code_in_shims(attempt: Attempt):
    """Thinc's shims are how other libraries' networks, which may be pickles, are loaded."""
    assert not any(node.shims for node in ner_of(attempt.nlp).model.walk())
    for place in (0, -1):
        attempt(lambda model, form, place=place: model["shims"].__setitem__(place, form))
    attempt(lambda model, form: model.update(code=form[0]))


def test_code_in_files(trained_nlp: Language, code: bytes, trace: Path, tmp_path: Path):
    """A whole pipeline with code in the place of one of the component's files."""
    path = tmp_path / "pipeline"
    trained_nlp.to_disk(path)
    for name in ("cfg", "model"):
        file = path / "window_ner" / name
        right = file.read_bytes()
        file.write_bytes(code)
        with listening() as heard, pytest.raises(ValueError, match="damaged"):
            spacy.load(path)
        assert not [event for event in heard if "pickle" in event or "os.system" in event]
        file.write_bytes(right)
    assert not trace.exists()
    assert predictions(spacy.load(path), texts_of()) == predictions(trained_nlp, texts_of())


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "spacy_window_ner.component:open"])
def test_a_config_names_registered_functions_only(
    trained_nlp: Language, trace: Path, tmp_path: Path, name: str
):
    path = tmp_path / "pipeline"
    trained_nlp.to_disk(path)
    config = util.load_config(path / "config.cfg")
    command = f"open({str(trace)!r}, 'w')"
    config["components"]["window_ner"]["model"] = {"@architectures": name, "command": command}
    config.to_disk(path / "config.cfg")
    with pytest.raises(ValueError, match="E893"):
        spacy.load(path)
    assert not trace.exists()


def test_a_label_that_looks_like_code_is_a_label(trace: Path):
    label = f"__import__('pathlib').Path({str(trace)!r}).touch()"
    nlp = blank()
    examples = make_examples(nlp, SENTENCES)
    ner_of(nlp).add_label(label)
    nlp.initialize(lambda: examples)
    again = copy_of(nlp)
    assert ner_of(again).label_data[0] == label
    assert not trace.exists()
