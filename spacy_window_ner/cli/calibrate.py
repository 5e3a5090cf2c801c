"""`python -m spacy window-ner calibrate`: make the probabilities of a pipeline agree with data."""

from collections.abc import Mapping
from pathlib import Path

from spacy import util
from wasabi import msg

from ..component import WindowNER
from ..confidence.development import Development, develop, find_component
from ..confidence.guarantees import Guarantee, NotCarriedError
from ..confidence.judgment import Judgment, cross_fit
from ..confidence.reliability import diagram
from ..confidence.tuning import calibrate, keep
from ..files.saving import save
from ..training.callbacks import describe, report_scores
from .annotated import annotated_examples
from .components import find_name
from .output import make_directory

FIGURES = {
    "ece": "ECE of the entities",
    "ece_by_chance": "  the same if they were true",
    "brier": "Brier score",
    "log_loss": "log loss",
    "f": "F1",
}


def calibrate_pipeline(
    model: str,
    data_path: Path,
    output: Path,
    *,
    name: str | None = None,
    guarantees: list[Guarantee] | None = None,
) -> dict[str, Mapping[str, float]]:
    """Calibrate a component of a pipeline on annotated documents, print what that is worth, and
    save the pipeline.

    model (str): Name or path of the pipeline.
    data_path (Path): The documents; see `annotated_docs`.
    output (Path): A new or empty directory to save the pipeline to.
    name (Optional[str]): The name of the component; that of the only `window_ner` if None.
    guarantees (Optional[List[Guarantee]]): What the pipeline has to guarantee.
    RETURNS (Dict[str, Mapping[str, float]]): The figures "before" and "after", see `Judgment`, each
        of documents that the calibration was not fitted on.
    RAISES (SystemExit): With a message, if something is wrong with the input, or the data cannot
        carry a guarantee.
    """
    make_directory(output)
    nlp = util.load_model(model)
    name = find_name(nlp, name)
    examples = annotated_examples(nlp, data_path)
    try:
        development = develop(nlp, name, examples)
        component = find_component(nlp, name)
        judged = cross_fit(development)
    except ValueError as error:
        return msg.fail(f"Cannot calibrate on {data_path}", str(error), exits=1)
    temperature, development = calibrate(nlp, name, development)
    _print_judgments(*judged, development)
    for guarantee in guarantees or []:
        _keep(component, development, guarantee)
    f_score = report_scores(nlp, examples)
    msg.info(f"[{name}] {describe(temperature, component.threshold, f_score)} on {data_path}")
    save(nlp, output)
    msg.good(f"Saved the calibrated pipeline: {output}")
    return dict(zip(("before", "after"), (one.figures for one in judged), strict=True))


def _print_judgments(before: Judgment, after: Judgment, development: Development) -> None:
    first, then = before.figures, after.figures
    rows = [(text, f"{first[key]:.4f}", f"{then[key]:.4f}") for key, text in FIGURES.items()]
    msg.divider("Calibration")
    msg.text(
        f"{development.n_documents} documents, {before.n_gold} entities. Figures are of documents "
        f"that neither calibration nor threshold was fitted to (cross-fitting)."
    )
    msg.table(rows, header=("", "before", "after"), aligns=("l", "r", "r"), divider=True)
    for title, judgment in (("before", before), ("after", after)):
        msg.text(f"Probability of the entities, and share that is right, {title}:", spaced=True)
        print(diagram(judgment.entities, judgment.entities_correct))


def _keep(component: WindowNER, development: Development, guarantee: Guarantee) -> None:
    try:
        keep(component, development, guarantee)
    except NotCarriedError as error:
        msg.fail(f"No guarantee: {guarantee}", str(error), exits=1)
    found = development.entities if guarantee.setting == "threshold" else development.candidates
    spans = found(component.cfg[guarantee.setting])
    n_right, n_gold = int(spans.correct.sum()), int(development.n_gold.sum())
    msg.good(
        f"{guarantee}: {guarantee.setting} {component.cfg[guarantee.setting]:.4f}",
        f"In these documents: precision {n_right / max(len(spans.correct), 1):.3f}, recall "
        f"{n_right / max(n_gold, 1):.3f}, {len(spans.correct)} spans for {n_gold} entities.",
    )
