import random
from itertools import count

import pytest
import spacy
from spacy.training import Example


@pytest.fixture
def data(tmp_path):
    """A folder with one corpus, whose sentences have one name each."""
    folder = tmp_path / "data" / "places"
    folder.mkdir(parents=True)
    lines = [f"in\tO\n{place}\tB-LOC\n" for place in ("Oslo", "Rome", "Bonn", "Kiel") * 5]
    for part in ("train", "dev", "test"):
        (folder / f"{part}.conll").write_text("\n".join(lines), encoding="utf8")
    return folder.parent


@pytest.fixture
def clock():
    """A clock that ticks each time it is read."""
    ticks = count()
    return lambda: float(next(ticks))


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """A folder of a small corpus, without a test file."""
    folder = tmp_path_factory.mktemp("names")
    rng = random.Random(0)
    for name, size in (("train", 60), ("dev", 20)):
        lines = []
        for _ in range(size):
            first, place = rng.choice(("Ada", "Bert", "Cleo")), rng.choice(("Paris", "Bonn"))
            lines += [f"{first}\tB-PER", "saw\tO", f"{place}\tB-LOC", ".\tO", ""]
        (folder / f"{name}.conll").write_text("\n".join(lines), encoding="utf8")
    return folder


def save(factory, path):
    nlp = spacy.blank("en")
    nlp.add_pipe(factory)
    annotation = {"entities": [(0, 3, "PER"), (8, 12, "LOC")]}
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("Ada saw Bonn"), annotation)])
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="session")
def peer(tmp_path_factory):
    """A folder of an untrained pipeline with spaCy's `ner`."""
    return save("ner", tmp_path_factory.mktemp("peer"))


@pytest.fixture(scope="session")
def ours(tmp_path_factory):
    """A folder of an untrained pipeline with `window_ner`."""
    return save("window_ner", tmp_path_factory.mktemp("ours"))
