"""`python -m spacy window-ner learn`: from a handful of annotated documents to a pipeline."""

from collections.abc import Sequence
from pathlib import Path

from spacy import util
from spacy.cli._util import COMMAND
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from ..confidence.development import find_component
from ..files.exports import write_annotated
from ..files.saving import save
from ..inspect.page import percent
from ..labels import labels_of
from ..training.learn import NAME, Learned, config_from, learn
from .annotated import annotated_docs
from .output import make_directory

DEFAULT_BASE = "en_window_ner_sm"
MORE = 50


def learn_pipeline(
    inputs: Sequence[Path],
    output: Path,
    *,
    base: str = DEFAULT_BASE,
    dev: Path | None = None,
    labels: Sequence[str] = (),
    seed: int = 0,
) -> Learned:
    """Learn from annotated documents, print how good that is, and save a pipeline.

    inputs (Sequence[Path]): The annotated documents; see `annotated_docs`.
    output (Path): A new or empty directory. The pipeline is saved to `model` in it, with the config
        `config.cfg` and the documents `train.spacy` and `dev.spacy` beside it.
    base (str): Name or path of the pipeline whose network to begin from.
    dev (Optional[Path]): Annotated documents to choose by, in place of cross-validation.
    labels (Sequence[str]): The labels to learn; all of the documents if there are none.
    seed (int): The seed.
    RETURNS (Learned): The pipeline, and what is known of it.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    make_directory(output)
    nlp = _load(base)
    docs = [doc for doc in annotated_docs(nlp, *inputs) if len(doc)]
    dev_docs = [] if dev is None else annotated_docs(nlp, dev)
    chosen = _chosen_labels([*docs, *dev_docs], labels)
    config = config_from(nlp, base, seed=seed)
    try:
        with tqdm(desc="Training", unit="step") as bar:
            found = learn(docs, config, nlp, chosen, dev=dev_docs, seed=seed, progress=bar.update)
    except ValueError as error:
        return msg.fail("Cannot learn from these documents", str(error), exits=1)
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
    return found


def _load(base: str) -> Language:
    try:
        nlp = util.load_model(base)
    except OSError as error:
        return msg.fail(
            f"Cannot load {base}, whose network to begin from",
            f"{error} Give another one with --base, for example one that you have trained.",
            exits=1,
        )
    if NAME not in nlp.pipe_names:
        msg.fail(f"{base} has no component {NAME}", "Give another pipeline.", exits=1)
    return nlp


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
