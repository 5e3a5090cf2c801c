"""Bytes of any kind in the place of a saved component: refused, or loaded as data.

`tests/test_safety.py` has what would run code.
"""

from typing import Any

import numpy as np
import pytest
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from srsly.msgpack import ExtType, packb

from spacy_window_ner.files.saving import CHECKSUM

from ..helpers import examples
from ..pipelines import copy_of, ner_of, shared

HUGE = [
    b"\xdd\xff\xff\xff\xff",  # a list of 2³² values that are not there
    b"\xdf\xff\xff\xff\xff",  # a table of as many
    b"\xc6\xff\xff\xff\xff",  # 4 GB of bytes
    b"\xdb\xff\xff\xff\xff",  # a string of 4 GB
    b"\xc9\xff\xff\xff\xff\x05",  # an extension of 4 GB
    b"\x91" * 100_000,  # lists in lists
    b"\x81\xa1a" * 100_000,  # tables in tables
    {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": [2**40], b"data": b""},
    {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": [-1], b"data": b"1234"},
    {b"nd": True, b"type": "O", b"kind": b"", b"shape": [1], b"data": b"12345678"},
    {b"nd": True, b"type": [["a", "O"]], b"kind": b"V", b"shape": [1], b"data": b"12345678"},
    {b"complex": True, b"data": "1" * 10_000},
    ExtType(5, b"x" * 100),
    np.zeros((0, 2**20), dtype="f"),
    2**64 - 1,
    -(2**63),
    float("nan"),
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
names = st.sampled_from(["nodes", "attrs", "params", "shims", "name"])
simple = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats()
values: st.SearchStrategy[Any] = st.recursive(
    simple | st.binary(max_size=9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def assert_refused(nlp: Language, data: bytes) -> None:
    ner = ner_of(nlp)
    before = ner.to_bytes(exclude=["vocab"])
    with pytest.raises(ValueError, match=r"\[window_ner\] The saved .*damaged"):
        ner.from_bytes(data, exclude=["vocab"])
    assert ner.to_bytes(exclude=["vocab"]) == before


def packed(value: Any) -> bytes:
    return value if isinstance(value, bytes) else srsly.msgpack_dumps(value)


@pytest.mark.parametrize("payload", HUGE, ids=lambda value: repr(value)[:20])
def test_payloads_that_ask_for_too_much(trained_copy: Language, payload: Any):
    content = srsly.msgpack_loads(ner_of(trained_copy).to_bytes(exclude=["vocab"]))
    del content[CHECKSUM]
    assert_refused(trained_copy, packed(payload))
    model = srsly.msgpack_loads(content["model"])
    for name in ("model", "cfg", CHECKSUM):
        assert_refused(trained_copy, packb({**content, name: packed(payload)}))
    for part in ("nodes", "attrs", "params"):
        whole = packb({**content, "model": packb({**model, part: payload})})
        assert_refused(trained_copy, whole)
        inner = [payload, *model[part][1:]]
        assert_refused(trained_copy, packb({**content, "model": packb({**model, part: inner})}))


@pytest.fixture(scope="module")
def nlp() -> Language:
    return copy_of(shared())


@given(value=values, part=st.sampled_from(["all", "model", "cfg", CHECKSUM]))
@examples(200)
def test_random_values(nlp: Language, value: Any, part: str):
    content = srsly.msgpack_loads(ner_of(nlp).to_bytes(exclude=["vocab"]))
    assert_refused(nlp, packed(value) if part == "all" else packb({**content, part: packed(value)}))
