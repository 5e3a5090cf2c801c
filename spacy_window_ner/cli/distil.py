"""`python -m spacy window-ner distil`: teach a window network what other pipelines know."""

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

from spacy import util
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from thinc.api import Config
from tqdm import tqdm
from wasabi import msg

from ..confidence.development import develop, find_component
from ..confidence.tuning import best_threshold, calibrate
from ..distillation.imitation import imitate, window_ners
from ..distillation.teachers import annotate, divide, entities_of, key_of, read_texts, silver, vote
from ..files.saving import replace_directory, save
from ..labels import annotated_labels, labels_of, set_annotated_labels
from .annotated import annotated_docs
from .init_config import init_config

NAME = "window_ner"
PRESET = "efficiency"
# The shares of the texts that training uses, that choose the best model, and that judge it.
SHARES = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class Task:
    """What is to be distilled.

    teachers (Dict[str, Language]): The teachers by the names they were given by.
    student (Config): The config of the student.
    folder (Path): The output folder.
    gold (List[Doc]): Annotated documents to train on besides.
    dev (List[Doc]): Annotated documents to choose the best model by, and to judge it; those that
        the teachers annotate if there are none.
    """

    teachers: dict[str, Language]
    student: Config
    folder: Path
    gold: list[Doc]
    dev: list[Doc]


def distil(
    teachers: Sequence[str],
    texts_path: Path,
    output: Path,
    *,
    config_path: Path | None = None,
    gold: Path | None = None,
    dev: Path | None = None,
    text_field: str = "text",
    n_process: int = 1,
    batch_size: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Distil pipelines into a window network, and print how well that went.

    teachers (Sequence[str]): Names or paths of pipelines.
    texts_path (Path): The texts; see `read_texts`.
    output (Path): A folder. The pipeline is saved to `model` in it; what the teachers have found is
        in `teachers`, so that a run that was stopped goes on.
    config_path (Optional[Path]): The config of the student; that of the preset `efficiency` if
        None.
    gold (Optional[Path]): Annotated documents to train on besides; see `annotated_docs`.
        Entities are taught then, and not probabilities. The annotation has the labels that the
        documents say (see `labels.set_annotated_labels`), or else those of all its entities.
    dev (Optional[Path]): Annotated documents to choose the best model by, and to judge it.
    text_field (str): The field of the texts in JSON lines.
    n_process (int): The number of processes of the teachers.
    batch_size (Optional[int]): The batch size of the teachers; their own if None.
    seed (int): The seed of the order of the texts, and of training.
    RETURNS (Dict[str, Any]): The figures that are printed.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    try:
        texts = read_texts(texts_path, text_field)
    except ValueError as error:
        msg.fail("There is nothing to learn from", str(error), exits=1)
    if len(texts) < len(SHARES):
        msg.fail(f"There are {len(texts)} texts", "Give some hundreds, better more.", exits=1)
    random.Random(seed).shuffle(texts)
    pipelines = {name: util.load_model(name) for name in teachers}
    config = _student_config(config_path, pipelines, seed)
    blank = util.get_lang_class(config["nlp"]["lang"])()
    # What is wrong in these should not be found when the teachers are done.
    given = [[] if path is None else annotated_docs(blank, path) for path in (gold, dev)]
    task = Task(pipelines, config, output, *given)
    components = window_ners(list(pipelines.values()))
    found = _ask(task, texts, n_process, batch_size)
    parts = divide(len(texts), SHARES)
    docs = [silver(blank, text, entities) for text, entities in zip(texts, found, strict=True)]
    for corpus in (docs, task.gold):
        _complete_labels(corpus)
    _write_corpus(task, {name: docs[part] for name, part in zip(_PARTS, parts, strict=True)})
    objective = config["components"][NAME]["model"].get("objective", "crf")
    exact = components is not None and objective == components[0].model.attrs["objective"]
    if exact and not task.gold:
        assert components is not None
        msg.info(
            "The teachers are window_ners with the same labels: their probabilities are taught"
        )
        nlp = _imitate(task, components, texts[parts[0]])
    else:
        nlp = _train(task)
    results = _compare(task, nlp, texts[parts[2]], found[parts[2]])
    _print_results(results)
    msg.good(f"Saved the pipeline: {output / 'model'}")
    return results


_PARTS = ("train", "dev", "test")


def _student_config(path: Path | None, teachers: dict[str, Language], seed: int) -> Config:
    langs = {str(nlp.lang) for nlp in teachers.values()}
    if len(langs) > 1:
        msg.fail(f"The teachers are of several languages: {', '.join(sorted(langs))}", exits=1)
    if path is None:
        config = init_config(PRESET, lang=langs.pop())
    else:
        config = util.load_config(path, interpolate=False)
    if NAME not in config["components"]:
        msg.fail(f"The config has no component {NAME}", "Make one with init-config.", exits=1)
    config["system"]["seed"] = seed
    return config


def _ask(
    task: Task, texts: list[str], n_process: int, batch_size: int | None
) -> list[frozenset[tuple[int, int, str]]]:
    """The entities that the teachers find in each text, by vote."""
    answers = []
    for name, nlp in task.teachers.items():
        with tqdm(total=len(texts), desc=Path(name).name, unit="text") as bar:
            docs = annotate(
                nlp,
                texts,
                task.folder / "teachers" / key_of(nlp, name),
                n_process=n_process,
                batch_size=batch_size,
                done=bar.update,
            )
        answers.append(list(map(entities_of, docs)))
    return [vote(of_text) for of_text in zip(*answers, strict=True)]


def _complete_labels(docs: Sequence[Doc]) -> None:
    """Say which labels the annotation of a corpus has where its documents do not: those of all its
    entities. So nothing is learned of a label that only another corpus has.
    """
    labels = labels_of(docs)
    for doc in docs:
        if annotated_labels(doc) is None:
            set_annotated_labels(doc, labels)


def _write_corpus(task: Task, parts: dict[str, list[Doc]]) -> None:
    folder = task.folder / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for name, docs in parts.items():
        docs = [*docs, *task.gold] if name == "train" else docs
        docs = task.dev if name == "dev" and task.dev else docs
        DocBin(docs=docs, store_user_data=True).to_disk(folder / f"{name}.spacy")
    config = task.student
    config["paths"]["train"] = str(folder / "train.spacy")
    config["paths"]["dev"] = str(folder / "dev.spacy")


def _train(task: Task) -> Language:
    """Train on the entities of the teachers as `spacy train` does."""
    output = task.folder / "training"
    output.mkdir(parents=True, exist_ok=True)
    nlp = init_nlp(task.student)
    train_loop(nlp, output)
    replace_directory(
        task.folder / "model",
        lambda new: shutil.copytree(output / "model-best", new, dirs_exist_ok=True),
    )
    return util.load_model(task.folder / "model")


def _imitate(task: Task, teachers: Sequence[Any], texts: list[str]) -> Language:
    """Train on the probabilities of the teachers."""
    config = task.student
    config["initialize"].setdefault("components", {})[NAME] = {"labels": teachers[0].label_data}
    nlp = init_nlp(config)
    settings = nlp.config.interpolate()["training"]
    optimizer = util.registry.resolve({"optimizer": settings["optimizer"]})["optimizer"]
    size, steps = int(settings["batcher"]["size"]), int(settings["max_steps"])
    student = find_component(nlp, NAME)
    with tqdm(total=steps, desc="Training", unit="batch") as bar:
        imitate(
            student,
            teachers,
            _batches(nlp, texts, size, steps),
            optimizer,
            drop=settings["dropout"],
            done=lambda loss: bar.update(1),
        )
    with nlp.use_params(optimizer.averages):
        development = develop(nlp, NAME, list(Corpus(config["paths"]["dev"])(nlp)))
        if not task.dev:  # the teachers' entities say nothing about how often they are right
            student.threshold = best_threshold(development)
        else:
            calibrate(nlp, NAME, development)
        save(nlp, task.folder / "model")
    return util.load_model(task.folder / "model")


def _batches(nlp: Language, texts: list[str], size: int, steps: int) -> Iterator[list[Doc]]:
    """Batches of about so many words, the texts in another order each time."""
    texts, batch, n_words, n_batches = list(texts), list[Doc](), 0, 0
    while True:
        random.shuffle(texts)
        for text in texts:
            batch.append(nlp.make_doc(text))
            n_words += len(batch[-1])
            if n_words >= size:
                yield batch
                batch, n_words, n_batches = [], 0, n_batches + 1
                if n_batches == steps:
                    return


def _compare(
    task: Task, nlp: Language, texts: list[str], found: list[frozenset[tuple[int, int, str]]]
) -> dict[str, Any]:
    """Agreement on the texts that were held out, F1 on gold, speeds and sizes."""
    agreement: dict[str, PRFScore] = {}
    for doc, taught in zip(nlp.pipe(texts), found, strict=True):
        own = entities_of(doc)
        for entity in own | taught:
            counts = agreement.setdefault(entity[2], PRFScore())
            counts.tp += entity in own and entity in taught
            counts.fp += entity not in taught
            counts.fn += entity not in own
    everything = {"student": nlp, **task.teachers}
    results: dict[str, Any] = {
        "agreement": {label: one.fscore for label, one in sorted(agreement.items())},
        "agreement_all": sum(agreement.values(), PRFScore()).fscore,
        "words_per_second": {n: _words_per_second(p, texts) for n, p in everything.items()},
        "megabytes": {n: _megabytes(p) for n, p in everything.items()},
    }
    if task.dev:
        dev = task.student["paths"]["dev"]
        results["f1_on_dev"] = {
            name: pipeline.evaluate(list(Corpus(dev)(pipeline)))["ents_f"]
            for name, pipeline in everything.items()
        }
    return results


def _words_per_second(nlp: Language, texts: list[str]) -> float:
    start = process_time()
    n_words = sum(map(len, nlp.pipe(texts)))
    return n_words / max(process_time() - start, 1e-9)


def _megabytes(nlp: Language) -> float:
    if nlp.path is None:
        return len(nlp.to_bytes()) / 1e6
    return sum(file.stat().st_size for file in Path(nlp.path).rglob("*") if file.is_file()) / 1e6


def _print_results(results: dict[str, Any]) -> None:
    msg.divider("Agreement with the teachers on texts that were held out")
    rows = [(label, f"{100 * f:.1f}") for label, f in results["agreement"].items()]
    footer = ("all", f"{100 * results['agreement_all']:.1f}")
    msg.table(rows, header=("Label", "F1"), footer=footer, divider=True, aligns=("l", "r"))
    msg.divider("Pipelines")
    on_dev = results.get("f1_on_dev", {})
    pipelines = [
        (
            Path(name).name,
            f"{100 * on_dev[name]:.1f}" if on_dev.get(name) is not None else "–",
            f"{speed:,.0f}",
            f"{results['megabytes'][name]:.1f}",
        )
        for name, speed in results["words_per_second"].items()
    ]
    header = ("Pipeline", "F1 on dev", "words/s", "MB")
    msg.table(pipelines, header=header, divider=True, aligns=("l", "r", "r", "r"))
