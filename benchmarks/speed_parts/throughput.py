"""Words per second of the tokenizer, the components and the pipelines."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from systems import SYSTEM

from .pipelines import PEER, annotate, component_of, load_ours, load_peer, upstream_of
from .texts import Text, count
from .turns import Job, Plan, exhaust, summarize, take_turns

STATES = ("cold", "warm", "again")


def measure_speed(
    plan: Plan, peer_words: int, crf: Language | None = None
) -> dict[str, dict[str, float]]:
    """Measure the tokenizer, the components and the pipelines.

    plan (Plan): What to measure.
    peer_words (int): On how many of the words to measure `ner`, which does not get faster by
        reading more. The same for the linear CRF.
    crf (Optional[Language]): A pipeline that consists of a linear CRF, to be measured too. The time
        includes its features.
    RETURNS (Dict[str, Dict[str, float]]): Words per second of each: median and quartiles.
    """
    peer = load_peer(plan.peer)
    full = util.load_model(plan.peer)
    shorter = _shorten(plan.texts, peer_words)
    jobs: dict[str, Job] = {}
    for state in STATES:
        jobs[f"tokenizer, {state}"] = partial(_tokenizer_job, plan, state)
    for state in STATES:
        jobs[f"{SYSTEM}, {state}"] = partial(component_job, plan, state)
    for state in ("cold", "warm"):
        jobs[f"tokenizer + {SYSTEM}, {state}"] = partial(_pipeline_job, plan, state)
    jobs[PEER] = partial(_job, shorter, peer, annotate)
    if "tok2vec" in full.pipe_names and not upstream_of(full, component_of(full, PEER)):
        jobs[f"shared tok2vec + {PEER}"] = partial(_job, shorter, full, _annotate_shared)
    jobs[f"tokenizer + {PEER}"] = partial(_text_job, shorter, peer.pipe)
    if crf is not None:
        jobs["linear CRF"] = partial(_job, shorter, crf, annotate)
    return {
        name: summarize(speeds)
        for name, speeds in take_turns(jobs, plan.repeats, plan.clock).items()
    }


def _shorten(texts: Sequence[Text], max_words: int) -> list[Text]:
    before = accumulate(map(len, texts), initial=0)
    return [text for text, n in zip(texts, before, strict=False) if n < max_words]


def _tokenizer_job(plan: Plan, state: str) -> tuple[int, Callable[[], Any]]:
    nlp = load_ours(plan.model)
    exhaust(nlp.tokenizer.pipe(map(str, _read_before(plan, state))))
    return _text_job(plan.texts, nlp.tokenizer.pipe)


def _read_before(plan: Plan, state: str) -> Sequence[Text]:
    return {"cold": [], "warm": plan.other, "again": plan.texts}[state]


def component_job(plan: Plan, state: str) -> tuple[int, Callable[[], Any]]:
    """Prepare `window_ner` by itself, on tokenized documents.

    plan (Plan): What to measure.
    state (str): One of `STATES`.
    RETURNS (Tuple[int, Callable]): See `Job`.
    """
    nlp = load_ours(plan.model)
    annotate(nlp, [text.doc(nlp.vocab) for text in _read_before(plan, state)])
    return _job(plan.texts, nlp, annotate)


def _pipeline_job(plan: Plan, state: str) -> tuple[int, Callable[[], Any]]:
    nlp = load_ours(plan.model)
    exhaust(nlp.pipe(map(str, _read_before(plan, state))))
    return _text_job(plan.texts, nlp.pipe)


def _job(
    texts: Sequence[Text], nlp: Language, run: Callable[[Language, list[Doc]], object]
) -> tuple[int, Callable[[], Any]]:
    docs = [text.doc(nlp.vocab) for text in texts]
    return count(texts), lambda: run(nlp, docs)


def _text_job(
    texts: Sequence[Text], pipe: Callable[[list[str]], Iterable[Doc]]
) -> tuple[int, Callable[[], Any]]:
    strings = list(map(str, texts))
    return count(texts), lambda: exhaust(pipe(strings))


def _annotate_shared(nlp: Language, docs: list[Doc]) -> None:
    first, second = nlp.get_pipe("tok2vec"), nlp.get_pipe(component_of(nlp, PEER))
    size = nlp.batch_size
    exhaust(second.pipe(first.pipe(docs, batch_size=size), batch_size=size))
