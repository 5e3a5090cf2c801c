"""`python -m spacy window-ner learn`: train a pipeline on a handful of annotated documents."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from spacy import util
from spacy.cli._util import COMMAND
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from ..confidence.scored_examples import find_component
from ..files.saving import save
from ..inspect.page import percent
from ..labels import labels_of
from ..learning.held_out import Learned
from ..learning.learn import NETWORKS, NEW_STEPS, TEXTS_STEPS, choose_base, put_beside
from ..learning.saved import learn_and_save
from ..training.corpus import read_examples
from ..training.presets import new_pipeline
from ..training.start_from import NAME
from .inputs import annotated_docs, explained, load
from .options import ANNOTATED_KINDS, Base, TextField, new_app
from .output import make_directory
from .pretrain import learn_texts, print_learned

app = new_app()

# The pipelines to start from in each language. The labels of the first one can be kept.
BASES = {"en": ("en_window_ner_sm", "en_window_ner_base")}
MORE = 50


@app.command("learn")
def learn_pipeline(
    annotated: Annotated[
        list[Path],
        typer.Argument(help=f"Annotated documents (files or folders): {ANNOTATED_KINDS}"),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New or empty directory for the pipeline")
    ],
    base: Base = None,
    texts: Annotated[
        list[str] | None,
        typer.Option(
            "--texts",
            "-t",
            help="Raw text of the same kind, to pretrain word vectors on (see pretrain). Can be "
            "repeated",
        ),
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option("--dev", help="Development data, used instead of cross-validation"),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", help="Label to learn; default: all labels. Can be repeated"),
    ] = None,
    keep_labels: Annotated[
        bool,
        typer.Option(
            "--keep-labels",
            help="Keep the component of the base, and learn new labels in a second component",
        ),
    ] = False,
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Two-letter language code, without --base")
    ] = "en",
    text_field: TextField = "text",
    seed: Annotated[int, typer.Option("--seed", "-s", help="Random seed")] = 0,
) -> None:
    """Train a pipeline on a few annotated documents. Training starts from the network of a pipeline
    that was trained on other data, even with different labels. The number of steps and the
    threshold are chosen by cross-validation. Prints the cross-validated scores, and an estimate of
    the gain from more documents.
    """
    make_directory(output)
    bases = {base: load(base)} if base is not None else _installed(lang, is_first=keep_labels)
    nlp = next(iter(bases.values()), None) or _new(lang, has_texts=bool(texts))
    with explained(f"Cannot start from {', '.join(bases)}"):
        labels_of_base = find_component(nlp, NAME).labels
    docs = [doc for doc in annotated_docs(nlp, *annotated) if len(doc)]
    dev_docs = [] if dev is None else annotated_docs(nlp, dev)
    old = labels_of_base if keep_labels else ()
    to_learn = _chosen_labels([*docs, *dev_docs], labels or [], old)
    with explained("Cannot learn from these documents"):
        if bases:
            base = _choose(docs, bases, to_learn, seed)
            nlp = bases[base]
        beginning = nlp
        if texts:
            start = time.perf_counter()
            pretrained = learn_texts(lang, base, texts, text_field)
            beginning = pretrained.nlp
            print_learned(pretrained, time.perf_counter() - start)
        elif base is None:
            nlp.initialize(lambda: read_examples(nlp, docs))
        stops = TEXTS_STEPS if texts else NEW_STEPS if base is None else None
        with tqdm(desc="Training", unit="step") as bar:
            found = learn_and_save(
                docs,
                beginning,
                None if texts else base,
                to_learn,
                output,
                dev=dev_docs,
                stops=stops,
                seed=seed,
                progress=bar.update,
            )
    _print(found)
    msg.good(f"Saved the pipeline: {output / 'model'}")
    msg.text(
        f"It averages {NETWORKS} networks. To train a single one with spaCy, with any settings you "
        f"like:\n{COMMAND} train {output / 'config.cfg'} "
        f"--output {output / 'trained'}"
    )
    if keep_labels:
        name = put_beside(nlp, found.nlp)
        save(nlp, output / "both")
        msg.good(f"Saved the base pipeline with the new component {name}: {output / 'both'}")


def _installed(lang: str, *, is_first: bool) -> dict[str, Language]:
    """The installed pipelines to start from for a language: all of them, or the first one."""
    names = [name for name in BASES.get(lang, ()) if util.is_package(name)]
    return {name: load(name) for name in (names[:1] if is_first else names)}


def _choose(
    docs: Sequence[Doc], bases: Mapping[str, Language], labels: Sequence[str], seed: int
) -> str:
    """The name of the best pipeline to start from."""
    if len(bases) == 1:
        return next(iter(bases))
    with tqdm(desc="Choosing a base", unit="step") as bar:
        scores = choose_base(docs, bases, labels, seed, bar.update)
    msg.text("F1 of each base: " + ", ".join(f"{n} {percent(f)}" for n, f in scores.items()))
    return max(scores, key=lambda name: scores[name])


def _new(lang: str, *, has_texts: bool) -> Language:
    """A pipeline with a new network."""
    better = ", and with raw text (--texts)" if not has_texts else ""
    msg.warn(
        f"No base pipeline for '{lang}' is installed, so a new network is trained",
        "Results are better with --base, the name or path of a trained window_ner pipeline"
        f"{better}.",
    )
    return new_pipeline("efficiency", lang)


def _chosen_labels(docs: Sequence[Doc], wanted: Sequence[str], old: Sequence[str]) -> list[str]:
    """The labels to learn, without those of the base. Entities with other labels are removed."""
    present = labels_of(docs).difference(old)
    absent = [label for label in wanted if label not in present]
    if absent or not present:
        msg.fail(
            f"There are no entities with the label {', '.join(absent)}"
            if absent
            else "There are no entities to learn from",
            f"Labels in the annotation: {', '.join(sorted(present)) or 'no new ones'}.",
            exits=1,
        )
    chosen = sorted(wanted or present)
    for doc in docs:
        if labels_of([doc]).difference(chosen):
            missing = [doc[token.i : token.i + 1] for token in doc if not token.ent_iob]
            doc.set_ents([ent for ent in doc.ents if ent.label_ in chosen], missing=missing)
    return chosen


def _print(found: Learned) -> None:
    how = "by cross-validation" if found.is_crossed else "on the dev documents"
    msg.divider(f"F1 {how}, {found.steps} steps")
    rows = [
        (
            name,
            *map(percent, values),
            "" if between is None else "–".join(map(percent, between[2])),
            int(found.counts[:, :, 2].sum() if i == 0 else found.counts[:, i - 1, 2].sum()),
        )
        for i, (name, values, between) in enumerate(found.scores())
    ]
    header = ("Label", "P", "R", "F1", "95% CI", "Annotated")
    msg.table(rows, header=header, aligns=("l", "r", "r", "r", "r", "r"), divider=True)
    msg.text(
        f"Estimated gain from {MORE} more documents: {100 * found.gain(MORE):.1f} points of F1."
    )
