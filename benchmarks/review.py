"""How much damaged annotation `review --folds` finds.

    python benchmarks/review.py ../shared/data/wikigold --config configs/efficiency.cfg \
        --set training.max_steps=600

A share of the entities of the training part is damaged at random: its label is changed, a boundary
is moved by a word, it is dropped, or another one is invented. The table has the share of the damage
among the first of the list. In random order, as much of the damage as of the list would be there.
"""

import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from report import command, origin, show_origin
from settings import DEFAULT_WORK, Changes, Seed, Settings, Work, errors_in_short, settings_of
from spacy.tokens import Doc, Span
from systems import SYSTEM, open_run
from wasabi import msg

from spacy_window_ner.inspect.review import Suspect, review_by_folds

DAMAGE = ("label", "boundary", "dropped", "invented")
FIRST = (0.05, 0.1, 0.2)
_TRIALS = 100

Offsets = tuple[int, int, str]


@dataclass(frozen=True)
class Damage:
    """One damaged entity.

    document (int): The number of its document.
    kind (str): One of `DAMAGE`.
    before (Optional[Tuple[int, int, str]]): The entity, by characters; None if it was invented.
    after (Optional[Tuple[int, int, str]]): What is annotated now; None if it was dropped.
    """

    document: int
    kind: str
    before: Offsets | None
    after: Offsets | None

    def is_found_in(self, suspect: Suspect) -> bool:
        """RETURNS (bool): Whether a suspect points at this damage."""
        if suspect.document != self.document:
            return False
        if self.after is not None:
            return suspect.annotated == self.after
        assert self.before is not None
        if suspect.annotated is not None or suspect.instead is None:
            return False
        return suspect.instead[0] < self.before[1] and self.before[0] < suspect.instead[1]


def damage(docs: Sequence[Doc], share: float, seed: int) -> list[Damage]:
    """Damage a share of the entities, as many of each kind.

    docs (Sequence[Doc]): The annotated documents, which change.
    share (float): The share of their entities.
    seed (int): The seed.
    RETURNS (List[Damage]): What was done.
    """
    rng = random.Random(seed)
    places = [(i, ent) for i, doc in enumerate(docs) for ent in doc.ents]
    labels = sorted({ent.label_ for _, ent in places})
    rng.shuffle(places)
    kinds = DAMAGE if len(labels) > 1 else DAMAGE[1:]  # there may be no other label
    wanted, done = round(share * len(places)), list[Damage]()
    lengths = [len(ent) for _, ent in places]
    for i, ent in places:
        if len(done) == wanted:
            break
        kind = kinds[len(done) % len(kinds)]
        doc, before = docs[i], ent
        others = [other for other in doc.ents if other != ent]
        after: Span | None = None
        if kind == "label":
            choice = [label for label in labels if label != ent.label_]
            after = Span(doc, ent.start, ent.end, rng.choice(choice))
        elif kind == "boundary":
            after = _moved(doc, ent, others, rng)
        elif kind == "invented":
            others = list(doc.ents)
            after = _invented(doc, rng.choice(lengths), rng.choice(labels), rng)
        if kind != "dropped" and after is None:
            continue  # there is no room for it
        doc.set_ents([*others, after] if after is not None else others)
        of = None if kind == "invented" else _offsets(before)
        done.append(Damage(i, kind, of, None if after is None else _offsets(after)))
    return done


def _offsets(span: Span) -> Offsets:
    return span.start_char, span.end_char, span.label_


def _moved(doc: Doc, ent: Span, others: Sequence[Span], rng: random.Random) -> Span | None:
    """The entity with one boundary moved by a word."""
    moves = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    rng.shuffle(moves)
    taken = {token.i for other in others for token in other}
    for left, right in moves:
        start, end = ent.start + left, ent.end + right
        if 0 <= start < end <= len(doc) and taken.isdisjoint(range(start, end)):
            return Span(doc, start, end, ent.label_)
    return None


def _invented(doc: Doc, length: int, label: str, rng: random.Random) -> Span | None:
    """An entity where there is none."""
    taken = {token.i for ent in doc.ents for token in ent}
    for _ in range(_TRIALS):
        if length > len(doc):
            return None
        start = rng.randrange(len(doc) - length + 1)
        if taken.isdisjoint(range(start, start + length)):
            return Span(doc, start, start + length, label)
    return None


def measure(corpus: Path, settings: Settings, share: float, folds: int) -> dict[str, Any]:
    """Damage the training part of a corpus, review it, and count what is found.

    corpus (Path): The folder of the corpus.
    settings (Settings): The config, and changes to it.
    share (float): The share of the entities to damage.
    folds (int): The number of folds.
    RETURNS (Dict[str, Any]): Counts and shares, and facts about the run.
    RAISES (InputError): If the corpus or a setting is invalid.
    """
    folder = settings.work / f"review-{corpus.resolve().name}"
    run = open_run(corpus, settings, folder)
    train, docs = run.splits["train"], run.splits["train"].annotated()
    seed = settings.seed or 0
    damaged = damage(docs, share, seed)
    _, suspects = review_by_folds(
        run.config, docs, folds, name=SYSTEM, seed=seed, stderr=sys.stderr
    )
    places = {one: _place(one, suspects) for one in damaged}
    found = {
        str(first): Counter(
            one.kind for one, place in places.items() if place < first * len(suspects)
        )
        for first in FIRST
    }
    return {
        "corpus": corpus.resolve().name,
        "config": settings.config.stem,
        "n_entities": train.n_entities,
        "n_suspects": len(suspects),
        "damaged": Counter(one.kind for one in damaged),
        "found": found,
        "command": command(),
        **origin(),
    }


def _place(one: Damage, suspects: Sequence[Suspect]) -> int:
    places = (i for i, suspect in enumerate(suspects) if one.is_found_in(suspect))
    return next(places, len(suspects))


def show_results(results: dict[str, Any]) -> None:
    """Print the results as one table.

    results (Dict[str, Any]): What `measure` returns.
    """
    damaged = results["damaged"]
    n = sum(damaged.values())
    msg.divider(f"{results['corpus']}, {results['config']}.cfg")
    msg.text(
        f"{n} of {results['n_entities']} entities damaged, {results['n_suspects']} in the list"
    )
    rows = [
        (
            f"first {100 * float(first):.0f} %",
            _percent(sum(of_kind.values()), n),
            *(_percent(of_kind[kind], damaged[kind]) for kind in DAMAGE),
        )
        for first, of_kind in results["found"].items()
    ]
    msg.table(rows, header=("Part", "Damage", *DAMAGE), divider=True, aligns=("l", *"rrrrr"))
    show_origin(results)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[Path, typer.Argument(help="Folder of the corpus, with train and dev.")],
    config: Annotated[Path, typer.Option(help="Training config of window_ner.")],
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the entities to damage.")
    ] = 0.05,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 5,
    vectors: Annotated[
        str | None, typer.Option(help="Word vectors: `glove`, a pipeline's folder or a package.")
    ] = None,
    seed: Seed = None,
    changes: Changes = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Measure how much of damaged annotation is among the first suspects of a review."""
    with errors_in_short():
        given = {"vectors": vectors, "seed": seed, "work": work, "test": False}
        settings = settings_of(config, changes=changes, **given)
        results = measure(corpus, settings, share, folds)
    show_results(results)


if __name__ == "__main__":
    app()
