"""`python -m spacy window-ner report`: evaluate a pipeline and analyze its errors."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.cli._util import import_code
from spacy.language import Language
from spacy.training import Example
from wasabi import msg

from ..confidence.scored_examples import find_component
from ..inspect.comparison import Comparison, compare_readings
from ..inspect.doubts import Doubt, doubts_of
from ..inspect.errors import CLASSES
from ..inspect.facts import Facts, facts_of
from ..inspect.groups import GroupScores
from ..inspect.page import percent
from ..inspect.reading import Reading, Rename, last_window_ner, names_of, read_with_pipeline
from ..inspect.report_page import Against, report_page
from ..inspect.review import review
from .inputs import annotated_docs, annotated_examples, explained, load
from .options import AnnotatedData, Code, Model, new_app
from .output import check_outputs, short_name, write_file

app = new_app()

_NUMBERS = ("r",) * 6


@app.command("report")
def report(
    model: Model,
    data_path: AnnotatedData,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="HTML file to save the report to")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", "-a", help="Name or path of another pipeline to compare with"),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            "--train", "-t", help="Training data, to score names seen in training separately"
        ),
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", "-j", help="JSON file to save all results to")
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(
            "--rename",
            "-r",
            help="LABEL=NAME: rename a label of the pipelines. LABEL= leaves out its entities. Can "
            "be repeated",
        ),
    ] = None,
    code_path: Code = None,
) -> None:
    """Evaluate a pipeline and analyze its errors. Prints a summary of the results on annotated
    documents; for the full report, use --output or --json. Works with any pipeline that sets
    doc.ents. Sections that need probabilities are left out if the pipeline has none.
    """
    import_code(code_path)
    names = _parse(rename or [])
    check_outputs(output, json_path)
    nlp, titles = load(model), _titles(model, against)
    seen = None if train is None else names_of(annotated_docs(nlp, train))
    examples = annotated_examples(nlp, data_path)
    reading = _read(nlp, examples, data_path, names)
    facts, doubts = facts_of(reading, seen), _doubts(nlp, examples, reading, names)
    _warn_of_labels(model, reading)
    _print_facts(facts, titles[0], data_path)
    found: dict[str, Any] = {"pipeline": model, "data": str(data_path), "facts": facts.to_dict()}
    if doubts is not None:
        msg.text(f"Annotation that is probably wrong: {len(doubts):,} entities.")
        found["doubts"] = [doubt.to_dict() for doubt in doubts]
    other = None
    if against is not None:
        other = _compare(against, reading, titles, data_path, names, seen)
        found["against"] = {"pipeline": against, "facts": other.facts.to_dict()}
        found["against"]["comparison"] = other.comparison.to_dict()
    if json_path is not None:
        write_file(json_path, srsly.json_dumps(found, indent=2) + "\n")
        msg.good(f"Saved the results: {json_path}")
    if output is not None:
        write_file(output, report_page(facts, titles[0], data_path.name, other, doubts))
        msg.good(f"Saved the report: {output} ({output.stat().st_size / 1e6:.1f} MB)")


def _titles(model: str, against: str | None) -> tuple[str, str]:
    """RETURNS (Tuple[str, str]): Short names of the pipelines: as much of the end of their paths as
    is needed to distinguish them.
    """
    other, n = against or "", 2
    while Path(model) != Path(other) and short_name(model, n) == short_name(other, n):
        n += 1
    return short_name(model, n), short_name(other, n)


def _parse(rename: Iterable[str]) -> dict[str, str | None]:
    names: dict[str, str | None] = {}
    for pair in rename:
        label, equals, name = pair.rpartition("=")
        if not equals or not label:
            msg.fail(
                f"--rename must be LABEL=NAME, got '{pair}'",
                "For example, use --rename PERSON=PER, or --rename DATE= to leave out DATE.",
                exits=1,
            )
        names[label] = name or None
    return names


def _read(nlp: Language, examples: Sequence[Example], path: Path, rename: Rename) -> Reading:
    with explained(f"Cannot report on {path}"):
        return read_with_pipeline(nlp, examples, rename)


def _doubts(
    nlp: Language, examples: Sequence[Example], reading: Reading, rename: Rename
) -> list[Doubt] | None:
    """Annotation that is probably wrong; None without probabilities, or if labels of the component
    are renamed.
    """
    name = last_window_ner(nlp)
    if name is None or not reading.has_scores:
        return None
    if not rename.keys().isdisjoint(find_component(nlp, name).label_data):
        return None
    return doubts_of(review(nlp, examples, name=name), examples, reading)


def _compare(
    model: str,
    reading: Reading,
    titles: tuple[str, str],
    path: Path,
    rename: Rename,
    seen: Mapping[str, set[str]] | None,
) -> Against:
    """Process the documents with the other pipeline too, and print the comparison."""
    nlp = load(model)
    other = _read(nlp, annotated_examples(nlp, path), path, rename)
    _warn_of_labels(model, other)
    with explained(f"Cannot compare on {path}"):
        comparison = compare_readings(reading, other)
    _print_comparison(comparison, *titles)
    return Against(titles[1], facts_of(other, seen), comparison)


def _warn_of_labels(model: str, reading: Reading) -> None:
    """Warn about predicted labels that do not occur in the annotation."""
    gold = {ent.label for doc in reading.documents for ent in doc.gold}
    found = {ent.label for doc in reading.documents for ent in doc.predicted}
    if found - gold:
        msg.warn(
            f"{model} predicts labels that do not occur in the annotation. Their entities count as "
            f"errors: {', '.join(sorted(found - gold))}.",
            f"Labels in the annotation: {', '.join(sorted(gold)) or 'none'}. If two labels mean "
            f"the same, use --rename LABEL=NAME. To leave out a label, use --rename LABEL=",
        )


def _print_facts(facts: Facts, model: str, data_path: Path) -> None:
    msg.divider(f"{model} on {data_path}")
    msg.text(f"{facts.n_documents:,} documents, {facts.n_words:,} words")
    if facts.known:
        msg.text(f"Of the words, {facts.known}")
    _print_rows("Label", facts.labels)
    rows = [(title, facts.errors[kind]) for kind, title in CLASSES.items()]
    msg.table(rows, header=("Errors", "#"), aligns=("l", "r"), divider=True)
    _print_rows("Length", facts.by_length)
    if facts.by_seen is not None:
        _print_rows("Seen in training", facts.by_seen)
    _print_rows("Document size", facts.by_size)
    if facts.reliability is not None:
        r = facts.reliability
        chance = f"{r.ece_by_chance:.4f} expected by chance"
        msg.text(f"ECE of {r.n:,} entities: {r.ece:.4f} ({chance})")


def _print_rows(name: str, rows: Sequence[GroupScores]) -> None:
    header = (name, "P", "R", "F1", "95% CI", "Predicted", "Annotated")
    table = [
        (
            row.name,
            percent(row.p),
            percent(row.r),
            percent(row.f),
            "" if row.intervals is None else "–".join(map(percent, row.intervals["f"])),
            row.predicted,
            row.gold,
        )
        for row in rows
    ]
    msg.table(table, header=header, aligns=("l", *_NUMBERS), divider=True)


def _print_comparison(comparison: Comparison, model: str, against: str) -> None:
    msg.divider(f"Comparison with {against}")
    rows = []
    for side in comparison.labels:
        both = (side.name, percent(side.first.f), percent(side.second.f))
        d = side.difference
        if d is None:
            rows.append((*both, f"{100 * (side.first.f - side.second.f):+.1f}", "", ""))
        else:
            bounds = f"{100 * d.low:+.1f} to {100 * d.high:+.1f}"
            rows.append((*both, f"{100 * d.difference:+.1f}", bounds, f"{d.p:.3f}"))
    header = ("Label", "F1", "F1 of the other", "Difference", "95% CI", "p")
    msg.table(rows, header=header, aligns=("l", *_NUMBERS[:5]), divider=True)
    counts = [
        ("both", comparison.both),
        (f"only {model}", len(comparison.only_first)),
        (f"only {against}", len(comparison.only_second)),
        ("neither", comparison.neither),
    ]
    msg.table(counts, header=("Annotated entities found by", "#"), aligns=("l", "r"), divider=True)
