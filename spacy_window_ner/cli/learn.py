"""`python -m spacy window-ner learn`: from a handful of annotated documents to a pipeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import COMMAND
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from ..confidence.scored_examples import find_component
from ..files.exports import write_annotated
from ..files.saving import save
from ..inspect.page import percent
from ..labels import labels_of
from ..learning.held_out import Learned
from ..learning.learn import config_from, learn
from ..training.start_from import NAME
from .inputs import annotated_docs, explained, load
from .options import new_app
from .output import make_directory

app = new_app()

DEFAULT_BASE = "en_window_ner_sm"
MORE = 50


@app.command("learn")
def learn_pipeline(
    annotated: Annotated[
        list[Path],
        typer.Argument(
            help="Annotated documents, files or folders: .spacy, .conll, .jsonl (Prodigy, "
            "doccano), .json (Label Studio), .csv, .tsv"
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New or empty directory for the pipeline")
    ],
    base: Annotated[
        str,
        typer.Option("--base", "-b", help="Name or path of the pipeline to begin from"),
    ] = DEFAULT_BASE,
    dev: Annotated[
        Path | None,
        typer.Option("--dev", help="Annotated documents to choose by, not to learn from"),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", help="A label to learn; default: all. Can be given several times"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the training")] = 0,
) -> None:
    """Learn from a handful of annotated documents, beginning from the network of a pipeline that
    has seen others, with other labels. How long to train and the threshold are chosen by
    cross-validation. Prints how good the result is, and what more documents are likely to add.
    """
    make_directory(output)
    nlp = load(base)
    with explained(f"Cannot begin from {base}"):
        config = config_from(nlp, base, seed=seed)
    docs = [doc for doc in annotated_docs(nlp, *annotated) if len(doc)]
    dev_docs = [] if dev is None else annotated_docs(nlp, dev)
    chosen = _chosen_labels([*docs, *dev_docs], labels or [])
    with explained("Cannot learn from these documents"), tqdm(desc="Training", unit="step") as bar:
        found = learn(docs, config, nlp, chosen, dev=dev_docs, seed=seed, progress=bar.update)
    _print(found)
    config = config_from(nlp, base, found.steps, seed)
    config["components"][NAME]["threshold"] = find_component(found.nlp, NAME).threshold
    config["paths"].update(train=str(output / "train.spacy"), dev=str(output / "dev.spacy"))
    write_annotated(output / "train.spacy", docs, "spacy")
    write_annotated(output / "dev.spacy", dev_docs or docs, "spacy")
    config.to_disk(output / "config.cfg")
    save(found.nlp, output / "model")
    msg.good(f"Saved the pipeline: {output / 'model'}")
    msg.text(
        f"The same by spaCy's own training, to change what you like:\n{COMMAND} train "
        f"{output / 'config.cfg'} --output {output / 'trained'}"
    )


def _chosen_labels(docs: Sequence[Doc], labels: Sequence[str]) -> list[str]:
    """The labels to learn. Entities of others are outside."""
    present = labels_of(docs)
    absent = [label for label in labels if label not in present]
    if absent or not present:
        msg.fail(
            f"There are no entities {', '.join(absent)}".rstrip(),
            f"The annotation has {', '.join(sorted(present)) or 'none'}.",
            exits=1,
        )
    if labels:
        for doc in docs:
            missing = [doc[token.i : token.i + 1] for token in doc if not token.ent_iob]
            doc.set_ents([ent for ent in doc.ents if ent.label_ in labels], missing=missing)
    return sorted(labels or present)


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
    header = ("Label", "P", "R", "F1", "95 % of F1", "Annotated")
    msg.table(rows, header=header, aligns=("l", "r", "r", "r", "r", "r"), divider=True)
    msg.text(
        f"{MORE} more documents are likely to add about {100 * found.gain(MORE):.1f} points of F1."
    )
