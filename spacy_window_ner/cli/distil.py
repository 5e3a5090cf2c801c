"""`python -m spacy window-ner distil`: train a window network to reproduce other pipelines."""

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
    """The settings of a distillation.

    teachers (Dict[str, Language]): The teachers by the names on the command line.
    student (Config): The config of the student.
    folder (Path): The output folder.
    gold (List[Doc]): Annotated documents to train on in addition.
    dev (List[Doc]): Annotated documents to select and evaluate the best model with. If empty,
        documents annotated by the teachers are used.
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
            help="Names or paths of one or more pipelines, followed by the texts: .jsonl, .txt "
            "(one text per line), .spacy, or a folder of these",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the pipeline and for the predictions of the teachers. An interrupted "
            "run resumes there",
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
        typer.Option("--gold", help="Annotated documents to train on in addition"),
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(
            "--dev", help="Annotated documents to select and evaluate the best model with"
        ),
    ] = None,
    text_field: TextField = "text",
    n_process: Annotated[
        int, typer.Option("--n-process", "-n", help="Number of processes for the teachers")
    ] = 1,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "-b", help="Batch size for the teachers")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Random seed")] = 0,
) -> None:
    """Train a small network to reproduce other pipelines. A window network (the student) learns
    what other pipelines (the teachers) predict on unannotated texts. With several teachers, the
    majority decides. If all of them are window_ner pipelines with the same labels, the student
    learns their mean probabilities instead. Prints how well it agrees with the teachers on held-out
    texts, and the speed and size of each pipeline.
    """
    if len(teachers_and_texts) < 2:
        msg.fail("The texts are missing", "Give one or more teachers, then the texts.", exits=1)
    *teachers, texts_path = teachers_and_texts
    with explained("Cannot read the texts"):
        texts = read_texts(Path(texts_path), text_field)
    if len(texts) < len(SHARES):
        msg.fail(f"Too few texts: {len(texts)}", "Give at least a few hundred.", exits=1)
    random.Random(seed).shuffle(texts)
    pipelines = {name: load(name) for name in teachers}
    config = _student_config(config_path, pipelines, seed)
    blank = util.get_lang_class(config["nlp"]["lang"])()
    # Errors in these should be found before the teachers run.
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
            "All teachers are window_ner pipelines with the same labels: learning probabilities"
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
        found = ", ".join(sorted(langs))
        msg.fail(f"The teachers must have the same language, but have: {found}", exits=1)
    if path is None:
        config = init_config(PRESET, lang=langs.pop())
    else:
        config = util.load_config(path, interpolate=False)
    if NAME not in config["components"]:
        hint = "Generate one with `python -m spacy window-ner init-config`."
        msg.fail(f"The config has no component named {NAME}", hint, exits=1)
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
    """Set the annotated labels of documents that do not state them to those of the whole corpus, so
    that nothing is learned about labels that only occur in the other corpus.
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
    """Train on the entities found by the teachers, as `spacy train` does."""
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
        if not task.dev:  # without gold annotation, probabilities cannot be calibrated
            student.threshold = best_threshold(scored)
        else:
            calibrate(nlp, NAME, scored)
        save(nlp, task.folder / "model")
    return util.load_model(task.folder / "model")


def _shuffled(nlp: Language, texts: list[str]) -> Iterator[Doc]:
    """Repeat the texts forever, shuffled each time."""
    while True:
        random.shuffle(texts)
        yield from map(nlp.make_doc, texts)


def _compare(task: DistillationTask, nlp: Language, docs: list[Doc]) -> dict[str, Any]:
    """Agreement on held-out texts, F1 on the development data, speeds and sizes."""
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
    msg.divider("Agreement with the teachers on held-out texts")
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
