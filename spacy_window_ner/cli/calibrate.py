"""`python -m spacy window-ner calibrate`: calibrate the probabilities of a pipeline."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import import_code
from wasabi import msg

from ..component import WindowNER
from ..confidence.guarantees import DEFAULT_CONFIDENCE, Guarantee, NotCarriedError, parse_guarantees
from ..confidence.judgment import Judgment, cross_fit
from ..confidence.reliability import diagram
from ..confidence.scored_examples import ScoredExamples, find_component, score_examples
from ..confidence.tuning import calibrate, keep
from ..files.saving import save
from ..training.callbacks import describe_calibration, report_scores
from .inputs import annotated_examples, explained, load_component
from .options import AnnotatedData, Code, Model, new_app
from .output import make_directory

app = new_app()

FIGURES = {
    "ece": "ECE of the entities",
    "ece_by_chance": "  expected by chance",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "f": "F1",
}


@app.command("calibrate")
def calibrate_pipeline(
    model: Model,
    data_path: AnnotatedData,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New or empty directory to save the pipeline to")
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", "-n", help="Component name, if the pipeline has several window_ner"),
    ] = None,
    recall: Annotated[
        float | None,
        typer.Option("--recall", "-r", help="Recall to guarantee for the entities, such as 0.8"),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option("--precision", "-p", help="Precision to guarantee for the entities"),
    ] = None,
    candidates_recall: Annotated[
        float | None,
        typer.Option("--candidates-recall", help="Recall to guarantee for the candidates"),
    ] = None,
    confidence: Annotated[
        float, typer.Option("--confidence", "-C", help="Confidence level of the guarantees")
    ] = DEFAULT_CONFIDENCE,
    code_path: Code = None,
) -> None:
    """Calibrate the probabilities of a trained pipeline. Uses annotated documents that it was not
    trained on, chooses the threshold with the best F1, and saves the result. Prints how well the
    probabilities are calibrated before and after. If you ask for a guarantee, the threshold is set
    so that the guarantee holds.
    """
    import_code(code_path)
    levels = {"recall": recall, "precision": precision, "candidates_recall": candidates_recall}
    with explained("These guarantees cannot be given"):
        given = {kind: level for kind, level in levels.items() if level is not None}
        guarantees = parse_guarantees(given, confidence)
    make_directory(output)
    nlp, name = load_component(model, name)
    examples = annotated_examples(nlp, data_path)
    with explained(f"Cannot calibrate on {data_path}"):
        scored = score_examples(nlp, name, examples)
        component = find_component(nlp, name)
        judged = cross_fit(scored)
    temperature, scored = calibrate(nlp, name, scored)
    _print_judgments(*judged, scored)
    for guarantee in guarantees:
        _keep(component, scored, guarantee)
    f_score = report_scores(nlp, name, examples)
    msg.info(
        f"[{name}] {describe_calibration(temperature, component.threshold, f_score)} on {data_path}"
    )
    save(nlp, output)
    msg.good(f"Saved the calibrated pipeline: {output}")


def _print_judgments(before: Judgment, after: Judgment, scored: ScoredExamples) -> None:
    first, then = before.figures, after.figures
    rows = [(text, f"{first[key]:.4f}", f"{then[key]:.4f}") for key, text in FIGURES.items()]
    msg.divider("Calibration")
    msg.text(
        f"{scored.n_documents} documents, {before.n_gold} entities. Scores are cross-fitted: each "
        f"document is evaluated with a calibration and a threshold fitted to other documents."
    )
    msg.table(rows, header=("", "before", "after"), aligns=("l", "r", "r"), divider=True)
    for title, judgment in (("before", before), ("after", after)):
        msg.text(f"Reliability diagram of the entities, {title}:", spaced=True)
        print(diagram(judgment.entities, judgment.entities_correct))


def _keep(component: WindowNER, scored: ScoredExamples, guarantee: Guarantee) -> None:
    try:
        keep(component, scored, guarantee)
    except NotCarriedError as error:
        msg.fail(f"This guarantee cannot be given: {guarantee}", str(error), exits=1)
    found = scored.entities if guarantee.setting == "threshold" else scored.candidates
    spans = found(component.cfg[guarantee.setting])
    n_right, n_gold = int(spans.correct.sum()), int(scored.n_gold.sum())
    msg.good(
        f"{guarantee}: {guarantee.setting} {component.cfg[guarantee.setting]:.4f}",
        f"On these documents: precision {n_right / max(len(spans.correct), 1):.3f}, recall "
        f"{n_right / max(n_gold, 1):.3f}, {len(spans.correct)} spans for {n_gold} entities.",
    )
