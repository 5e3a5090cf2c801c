"""`python -m spacy window-ner distil`: teach a window network what other pipelines know."""

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy import util
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from thinc.api import Config
from tqdm import tqdm
from wasabi import msg

from ..confidence.scored_examples import find_component, score_examples
from ..confidence.tuning import best_threshold, calibrate
from ..distillation.imitation import train_to_imitate, window_ners
from ..distillation.teachers import (
    annotate_texts,
    entities_of,
    key_of,
    read_texts,
    silver,
    split_by_shares,
    vote,
)
from ..files.saving import replace_directory, save
from ..labels import annotated_labels, labels_of, set_annotated_labels
from ..training.presets import init_config
from .inputs import annotated_docs, explained, load
from .options import TextField, new_app

app = new_app()

NAME = "window_ner"
PRESET = "efficiency"
# The shares of the texts that training uses, that choose the best model, and that judge it.
SHARES = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class DistillationTask:
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


@app.command("distil")
def distil(
    teachers_and_texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEACHER... TEXTS",
            help="Names or paths of one or more pipelines, then the texts: .jsonl, .txt (a text on "
            "each line), .spacy, or a folder of these",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the pipeline and for what the teachers find; a run that was stopped "
            "goes on there",
        ),
    ],
    config_path: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Config of the window network; default: the preset efficiency"
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option("--gold", help="Annotated documents to train on besides"),
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(
            "--dev", help="Annotated documents to choose the best model by and to judge it"
        ),
    ] = None,
    text_field: TextField = "text",
    n_process: Annotated[
        int, typer.Option("--n-process", "-n", help="Number of processes of the teachers")
    ] = 1,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "-b", help="Batch size of the teachers")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the training")] = 0,
) -> None:
    """Teach a window network what other pipelines find in texts without annotation. Several
    teachers vote; the probabilities of window_ners with the same labels are averaged and imitated.
    Prints how well it agrees with them on texts that were held out, and the speed and size of all.
    """
    if len(teachers_and_texts) < 2:
        msg.fail("Give one or more teachers, and then the texts", exits=1)
    *teachers, texts_path = teachers_and_texts
    with explained("There is nothing to learn from"):
        texts = read_texts(Path(texts_path), text_field)
    if len(texts) < len(SHARES):
        msg.fail(f"There are {len(texts)} texts", "Give some hundreds, better more.", exits=1)
    random.Random(seed).shuffle(texts)
    pipelines = {name: load(name) for name in teachers}
    config = _student_config(config_path, pipelines, seed)
    blank = util.get_lang_class(config["nlp"]["lang"])()
    # What is wrong in these should not be found when the teachers are done.
    given = [[] if path is None else annotated_docs(blank, path) for path in (gold, dev)]
    task = DistillationTask(pipelines, config, output, *given)
    components = window_ners(list(pipelines.values()))
    found = _ask(task, texts, n_process, batch_size)
    parts = split_by_shares(len(texts), SHARES)
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
    results = _compare(task, nlp, docs[parts[2]])
    _print_results(results)
    msg.good(f"Saved the pipeline: {output / 'model'}")


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
    task: DistillationTask, texts: list[str], n_process: int, batch_size: int | None
) -> list[frozenset[tuple[int, int, str]]]:
    """The entities that the teachers find in each text, by vote."""
    answers = []
    for name, nlp in task.teachers.items():
        with tqdm(total=len(texts), desc=Path(name).name, unit="text") as bar:
            docs = annotate_texts(
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


def _write_corpus(task: DistillationTask, parts: dict[str, list[Doc]]) -> None:
    folder = task.folder / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for name, docs in parts.items():
        docs = [*docs, *task.gold] if name == "train" else docs
        docs = task.dev if name == "dev" and task.dev else docs
        DocBin(docs=docs, store_user_data=True).to_disk(folder / f"{name}.spacy")
    config = task.student
    config["paths"]["train"] = str(folder / "train.spacy")
    config["paths"]["dev"] = str(folder / "dev.spacy")


def _train(task: DistillationTask) -> Language:
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


def _imitate(task: DistillationTask, teachers: Sequence[Any], texts: list[str]) -> Language:
    """Train on the probabilities of the teachers."""
    config = task.student
    config["initialize"].setdefault("components", {})[NAME] = {"labels": teachers[0].label_data}
    nlp = init_nlp(config)
    T = util.registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)
    optimizer, steps, student = T["optimizer"], T["max_steps"], find_component(nlp, NAME)
    with tqdm(total=steps, desc="Training", unit="batch") as bar:
        train_to_imitate(
            student,
            teachers,
            islice(T["batcher"](_shuffled(nlp, texts)), steps),
            optimizer,
            drop=T["dropout"],
            done=lambda loss: bar.update(1),
        )
    with nlp.use_params(optimizer.averages):
        scored = score_examples(nlp, NAME, list(Corpus(config["paths"]["dev"])(nlp)))
        if not task.dev:  # the teachers' entities say nothing about how often they are right
            student.threshold = best_threshold(scored)
        else:
            calibrate(nlp, NAME, scored)
        save(nlp, task.folder / "model")
    return util.load_model(task.folder / "model")


def _shuffled(nlp: Language, texts: list[str]) -> Iterator[Doc]:
    """The texts without end, in another order each time."""
    while True:
        random.shuffle(texts)
        yield from map(nlp.make_doc, texts)


def _compare(task: DistillationTask, nlp: Language, docs: list[Doc]) -> dict[str, Any]:
    """Agreement on the texts that were held out, F1 on gold, speeds and sizes."""
    everything = {"student": nlp, **task.teachers}
    scores = {
        name: pipeline.evaluate([Example(pipeline.make_doc(doc.text), doc) for doc in docs])
        for name, pipeline in everything.items()
    }
    by_label = scores["student"]["ents_per_type"] or {}
    results: dict[str, Any] = {
        "agreement": {label: values["f"] for label, values in sorted(by_label.items())},
        "agreement_all": scores["student"]["ents_f"] or 0.0,
        "words_per_second": {name: of["speed"] for name, of in scores.items()},
        "megabytes": {n: _megabytes(p) for n, p in everything.items()},
    }
    if task.dev:
        dev = task.student["paths"]["dev"]
        results["f1_on_dev"] = {
            name: pipeline.evaluate(list(Corpus(dev)(pipeline)))["ents_f"]
            for name, pipeline in everything.items()
        }
    return results


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
