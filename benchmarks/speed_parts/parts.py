"""Where the time of prediction goes, by part."""

import gc
import importlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import numpy as np
from systems import SYSTEM
from thinc.api import Model

from .pipelines import component_of, load_ours, network_of
from .texts import count
from .throughput import component_job
from .turns import Plan

# The parts of prediction, each with what is timed as it: module, class or none, function; or the
# name of a layer in the network. What a part calls of another part counts for the other.
PARTS: Mapping[str, Sequence[tuple[str, str | None, str] | str]] = {
    "features: read the tokens": [
        ("network.layers.token_vectors", None, "read_tokens"),
        ("component", None, "preset_mask"),
    ],
    "lexemes: look up, products": [("network.layers.lexeme_cache", "LexemeRows", "look_up")],
    "windows: sum the rows": [
        ("network.layers.token_vectors", None, "neighbor_rows"),
        ("network.layers.window_affine", None, "sum_places"),
    ],
    "document: means": ["same_word_mean", ("network.layers.rows", "Term", "add_to")],
    "network: the rest": ["emissions"],
    "decoding: best tags": [("decoding.decode", None, "best_tags")],
    "decoding: probabilities": [("component", None, "decode")],
    "write entities": [("component", "WindowNER", "set_annotations")],
}
REST = "everything else"


class Stopwatch:
    """Seconds of nested parts; the time of an inner part is not the outer's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with no time.

        clock (Callable[[], float]): What measures seconds.
        """
        self.seconds: dict[str, float] = defaultdict(float)
        self._clock = clock
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of the block for a part.

        name (str): The part.
        """
        self._switch()
        self._open.append(name)
        try:
            yield
        finally:
            self._switch()
            self._open.pop()

    def _switch(self) -> None:
        now = self._clock()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def watch(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function count for a part.

        name (str): The part.
        function (Callable): The function.
        RETURNS (Callable): The same function, measured.
        """

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return timed


@contextmanager
def watching(stopwatch: Stopwatch) -> Iterator[None]:
    """Measure the parts of prediction within a block.

    stopwatch (Stopwatch): What to measure with.
    """
    layers: dict[str, str] = {}
    with ExitStack() as stack:
        for name, places in PARTS.items():
            for place in places:
                if isinstance(place, str):
                    layers[place] = name
                    continue
                module, owner, function = place
                where: Any = importlib.import_module(f"spacy_window_ner.{module}")
                where = where if owner is None else getattr(where, owner)
                timed = stopwatch.watch(name, getattr(where, function))
                stack.enter_context(patch.object(where, function, timed))
        call = _watched_call(stopwatch, layers)
        stack.enter_context(patch.object(Model, "__call__", call))
        yield


def _watched_call(stopwatch: Stopwatch, parts: Mapping[str, str]) -> Callable[..., Any]:
    """What calls a layer, and measures it if it has a part by its name."""
    call = Model.__call__

    def watched(model: Model, *args: Any, **kwargs: Any) -> Any:
        if model.name not in parts:
            return call(model, *args, **kwargs)
        with stopwatch.part(parts[model.name]):
            return call(model, *args, **kwargs)

    return watched


def measure_parts(plan: Plan) -> dict[str, dict[str, float]]:
    """Measure the parts of prediction, cold and warm, and the matrix products alone.

    plan (Plan): What to measure.
    RETURNS (Dict[str, Dict[str, float]]): For `cold` and `warm` the microseconds per word of each
        part, the median of all turns, and of the matrix products alone as `floor`.
    """
    results = {}
    for state in ("cold", "warm"):
        turns = [_parts(plan, state) for _ in range(plan.repeats)]
        results[state] = {name: float(np.median([t[name] for t in turns])) for name in turns[0]}
    return results


def _parts(plan: Plan, state: str) -> dict[str, float]:
    n_words, run = component_job(plan, state)
    stopwatch = Stopwatch(plan.clock)
    gc.collect()
    with watching(stopwatch), stopwatch.part(REST):
        run()
    parts = {name: stopwatch.seconds[name] / n_words * 1e6 for name in (*PARTS, REST)}
    return {**parts, "floor": _floor(plan, state) / n_words * 1e6}


def _floor(plan: Plan, state: str) -> float:
    """Seconds of the matrix products of the network alone, on random numbers of their shapes."""
    nlp = load_ours(plan.model)
    model = nlp.get_pipe(component_of(nlp, SYSTEM)).model
    embed, scores = model.get_ref("tok2vec"), model.get_ref("scores")
    seen = {word for text in plan.other for word in text.words} if state == "warm" else set()
    n_new = len({word for text in plan.texts for word in text.words} - seen)
    width = embed.get_dim("nO")
    products = [(n_new, node.get_param("W")) for node in embed.walk() if node.name == "affine"]
    for node in network_of(nlp).walk():
        if node.name == "window_affine":
            products.append((n_new, node.get_param("W").reshape(-1, width)))
    products.append((count(plan.texts), scores.get_param("W")))
    rng = np.random.default_rng(0)
    seconds = 0.0
    for n, weights in products:
        weights = np.ascontiguousarray(weights.T)
        X = rng.standard_normal((1024, len(weights)), dtype=np.float32)
        start = plan.clock()
        for first in range(0, n if len(weights) else 0, len(X)):
            X[: n - first] @ weights
        seconds += plan.clock() - start
    return seconds
