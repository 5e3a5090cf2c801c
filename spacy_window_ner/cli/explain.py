"""`python -m spacy window-ner explain`: why a span is or is not an entity."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.cli._util import import_code
from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens import Span as SpacySpan
from wasabi import msg

from ..confidence.scored_examples import find_component, run_before
from ..inspect.explain import Span, explain
from ..inspect.explain_page import explain_page
from ..inspect.explanation import Explanation
from ..inspect.wording import instead, signs, verdict
from .inputs import explained, load_component
from .options import Code, Model, Name, new_app
from .output import check_outputs, short_name, write_file

app = new_app()

# The number of reasons on each side, words, features of a word and transitions that are printed.
# The JSON contains all of them.
N_REASONS = 5
N_WORDS, N_PARTS, N_TRANSITIONS = 8, 3, 3


@app.command("explain")
def explain_text(
    model: Model,
    text: Annotated[str, typer.Argument(help="Text to explain the entities of")],
    label: Annotated[
        str | None,
        typer.Option(
            "--label", "-l", help="Label to explain, for a span; default: the most likely one"
        ),
    ] = None,
    span: Annotated[
        str | None,
        typer.Option("--span", "-s", help="Words of the text to explain, an entity or not"),
    ] = None,
    start: Annotated[
        int | None, typer.Option("--start", help="Start character offset of the span to explain")
    ] = None,
    end: Annotated[
        int | None, typer.Option("--end", help="End character offset of that span (exclusive)")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="HTML file to save the explanation to")
    ] = None,
    json_path: Annotated[
        Path | None,
        typer.Option("--json", "-j", help="JSON file to save all contributions to, - for stdout"),
    ] = None,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Also print the contributions to the log-odds")
    ] = False,
    name: Name = None,
    code_path: Code = None,
) -> None:
    """Explain why spans of a text are or are not entities. Prints the evidence for and against each
    one (words and their features, other occurrences of a word, transitions between labels),
    computed with integrated gradients, and the single words that change the decision when they are
    removed. Explains all entities of the text, or the given span. For the full explanation, use
    --output or --json.
    """
    import_code(code_path)
    on_terminal = json_path is not None and str(json_path) == "-"
    check_outputs(output, None if on_terminal else json_path)
    nlp, name = load_component(model, name)
    places = _places(text, label, span, start, end)
    with explained("Cannot explain this text"):
        spans = None if places is None else _with_labels(nlp, name, text, places, label)
        found = explain(nlp, text, spans, name=name)
    facts = srsly.json_dumps({"text": text, "entities": [x.to_dict() for x in found]}, indent=2)
    if on_terminal:
        print(facts)
    else:
        _print(found, numbers)
    if json_path is not None and not on_terminal:
        write_file(json_path, facts + "\n")
        msg.good(f"Saved all contributions: {json_path}")
    if output is not None:
        write_file(output, explain_page(found, text, short_name(model)))
        if not on_terminal:
            msg.good(f"Saved the explanation: {output}")


def _places(
    text: str, label: str | None, span: str | None, start: int | None, end: int | None
) -> list[tuple[int, int]] | None:
    """The spans to explain, as character offsets; None for the entities."""
    by_offsets = start is not None or end is not None
    if span is not None and by_offsets:
        msg.fail("Give either --span, or --start and --end", exits=1)
    if span is not None:
        found = [match.span() for match in re.finditer(re.escape(span), text)] if span else []
        if not found:
            msg.fail(f"The text does not contain the words {span!r}", exits=1)
        return found
    if not by_offsets:
        if label is not None:
            msg.fail("--label needs a span", "Add --span, or --start and --end.", exits=1)
        return None
    if start is None or end is None:
        msg.fail("--start and --end must be given together", exits=1)
        return None
    return [(start, end)]


def _with_labels(
    nlp: Language, name: str, text: str, places: list[tuple[int, int]], label: str | None
) -> list[Span]:
    """Spans by tokens with their labels."""
    [doc] = run_before(nlp, name, [nlp.make_doc(text)])
    spans = [doc.char_span(*place) for place in places]
    aligned = [span for span in spans if span is not None]
    if not aligned:
        start, end = places[0]
        raise ValueError(
            f"{text[start:end]!r} (characters {start} to {end}) does not start and end at word "
            f"boundaries. The words are: {', '.join(repr(token.text) for token in doc[:20])}"
            f"{' …' if len(doc) > 20 else ''}."
        )
    return [(span.start, span.end, label or _likeliest(nlp, name, doc, span)) for span in aligned]


def _likeliest(nlp: Language, name: str, doc: Doc, span: SpacySpan) -> str:
    found = find_component(nlp, name).alternatives(span)
    return next(label for label, _ in found if label is not None)


def _print(found: list[Explanation], numbers: bool) -> None:
    """Print all explanations."""
    if not found:
        msg.text("No entities found. To see why some words are not an entity, use --span.")
    for one in found:
        msg.divider(f"{one.text}: {one.label}")
        msg.text(f"{verdict(one)}.")
        _print_reasons(one)
        for without in one.decisive:
            msg.text(f"Without “{without.text}”: {instead(without.instead)}")
        if not one.decisive:
            msg.text("Removing any single word does not change the decision.")
        if numbers:
            _print_numbers(one)


def _print_reasons(one: Explanation) -> None:
    """Print the evidence for a span, and against it."""
    largest = max((abs(reason.total) for reason in one.reasons), default=0.0)
    for against, title in ((False, "Evidence for"), (True, "Evidence against")):
        shown = one.speaking(against=against)[:N_REASONS]
        rows = [(signs(reason.total, largest), reason.text) for reason in shown]
        msg.table(rows or [("", "none")], header=("", title), divider=True)


def _print_numbers(one: Explanation) -> None:
    """Print the contributions to the log-odds."""
    msg.text(
        f"Log-odds: {one.log_odds:+.2f}. Baseline, with all words masked: {one.baseline:+.2f}."
    )
    header = ("Word", "Position", "Log-odds", "Elsewhere", "Largest features")
    rows = [*_word_rows(one), *_transition_rows(one)]
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "l"))
    if one.is_complete:
        msg.good(one.check)
    else:
        msg.warn(one.check)


def _word_rows(one: Explanation) -> Iterator[tuple[str, str, str, str, str]]:
    """The words that contributed most, and the sum of the rest."""
    words = one.largest_words()
    for word in words[:N_WORDS]:
        largest = sorted(word.parts.items(), key=lambda pair: -abs(pair[1]))[:N_PARTS]
        shown = ", ".join(f"{part} {value:+.2f}" for part, value in largest)
        yield word.text, one.where(word), f"{word.total:+.2f}", f"{word.elsewhere:+.2f}", shown
    others = words[N_WORDS:]
    if others:
        total = sum(word.total for word in others)
        elsewhere = sum(word.elsewhere for word in others)
        yield f"{len(others)} other words", "", f"{total:+.2f}", f"{elsewhere:+.2f}", ""


def _transition_rows(one: Explanation) -> Iterator[tuple[str, str, str, str, str]]:
    """The transitions that contributed most, and the sum of the rest."""
    for step in one.transitions[:N_TRANSITIONS]:
        yield f"{step.before} → {step.after}", "transition", f"{step.total:+.2f}", "", ""
    others = one.transitions[N_TRANSITIONS:]
    if others:
        total = sum(step.total for step in others)
        yield "other transitions", "transition", f"{total:+.2f}", "", ""
