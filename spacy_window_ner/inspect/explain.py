"""Explain why a span is or is not an entity: the contribution of each word, feature and transition.

Contributions are computed with integrated gradients (Sundararajan et al. 2017) on the exact
log-odds F of the span. The features of the words and the transition scores, together x, are scaled
up from zero, the baseline in which all words are masked. The contribution of an entry is

    x_i ∫₀¹ ∂F(αx)/∂x_i dα  ≈  x_i · mean of ∂F(αx)/∂x_i at α = (k + ½) / steps

and the contributions add up to F(x) − F(0). If their sum differs by more than 1%, the number of
steps is doubled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from ..component import WindowNER
from ..confidence.scored_examples import find_component, run_before
from ..decoding.decode import decode, label_thresholds
from ..objectives import Objective
from ..sequences.batching import Mask, Scores
from ..sequences.tags import n_tags
from .explanation import Explanation, Transition, Without, Word
from .log_odds import is_open, span_log_odds
from .network import DocumentNetwork, Inputs
from .wording import reasons_of

STEPS = 64
MOST_STEPS = 1024
# The number of words, those with the largest contributions, that are masked one at a time.
MOST_WORDS = 50
# About how many tokens, in copies of the document, are computed at a time.
_GROUP = 4096

Span = tuple[int, int, str]
SpanRow = tuple[int, int, int]


def explain(
    nlp: Language,
    text: str | Doc,
    spans: Sequence[Span] | None = None,
    *,
    name: str = "window_ner",
    steps: int = STEPS,
) -> list[Explanation]:
    """Explain the entities of a text, or the given spans.

    nlp (Language): The pipeline.
    text (Union[str, Doc]): The text, or a document that no component has processed.
    spans (Optional[Sequence[Tuple[int, int, str]]]): Spans as (start, end, label), in tokens, end
        exclusive. If None, the entities that the component predicts.
    name (str): The name of the component.
    steps (int): The initial number of steps of the integral.
    RETURNS (List[Explanation]): One for each span.
    RAISES (ValueError): If a span is outside of the text, has a label that the component does not
        have, or is an entity of another component.
    """
    component = find_component(nlp, name)
    component.require_initialized()
    doc = nlp.make_doc(text) if isinstance(text, str) else text.copy()
    if not len(doc):
        return []
    [doc] = run_before(nlp, name, [doc])
    reading = _Reading(component, doc)
    if spans is None:
        rows = [row for row in reading.entities if is_open(reading.allowed, np.asarray(row))]
    else:
        rows = [reading.row(span) for span in spans]
    return reading.explain(rows, steps) if rows else []


class _Reading:
    """The explainer of one document."""

    def __init__(self, component: WindowNER, doc: Doc) -> None:
        self.doc, self.labels = doc, component.label_data
        self.unseen = component.model.attrs["unseen_labels"]
        self.objective: Objective = component.objective
        self.threshold = label_thresholds(component.threshold, self.labels)
        allowed, _ = component.allowed_tags([doc])
        shape = (len(doc), n_tags(len(self.labels)))
        self.allowed: Mask = np.ones(shape, dtype=bool) if allowed is None else allowed
        self.network = DocumentNetwork(component.model, doc)
        X = self.network
        self.emissions, _ = X.emissions(X.vectors[None], X.features[None])
        [self.entities] = self._decode(self.emissions)

    def row(self, span: Span) -> SpanRow:
        """A span with the number of its label."""
        start, end, label = span
        if not 0 <= start < end <= len(self.doc):
            raise ValueError(
                f"The span from token {start} to {end} is empty, or outside of the text with "
                f"{len(self.doc)} tokens."
            )
        known = [x for n, x in enumerate(self.labels) if n not in self.unseen]
        if label not in known:
            raise ValueError(
                f"The component has no label {label!r}. Its labels are: {', '.join(known)}."
            )
        return start, end, self.labels.index(label)

    def explain(self, rows: Sequence[SpanRow], steps: int) -> list[Explanation]:
        """Explain spans; more steps for those that need them."""
        found = dict(zip(rows, self._integrate(rows, steps), strict=True))
        while steps < MOST_STEPS:
            steps *= 2
            missing = [row for row, one in found.items() if not one.is_complete]
            if not missing:
                break
            found |= dict(zip(missing, self._integrate(missing, steps), strict=True))
        return [self._with_decisive(row, found[row]) for row in rows]

    def log_odds(
        self, emissions: NDArray, transitions: NDArray, row: SpanRow
    ) -> tuple[float, Scores]:
        """The log-odds of a span, and their gradient."""
        scores = Scores(emissions, transitions, np.asarray([len(self.doc)], dtype=np.int32))
        return span_log_odds(scores, self.objective, self.allowed, np.asarray(row))

    def _integrate(self, rows: Sequence[SpanRow], steps: int) -> list[Explanation]:
        """Integrate the gradients along the path, for each span."""
        X = self.network
        sums = [_Sums.zeros(X) for _ in rows]
        alphas = (np.arange(steps) + 0.5) / steps
        size = max(1, _GROUP // len(X))
        for start in range(0, steps, size):
            some = alphas[start : start + size]
            scale = some[:, None, None]
            emissions, backprop = X.emissions(scale * X.vectors, scale * X.features)
            for row, of_span in zip(rows, sums, strict=True):
                pairs = zip(some, emissions, strict=True)
                ds = [self.log_odds(S, alpha * X.transitions, row)[1] for alpha, S in pairs]
                of_span.add(backprop(np.stack([d.emissions for d in ds])))
                of_span.transitions += np.sum([d.transitions for d in ds], axis=0)
        nothing, _ = X.emissions(0 * X.vectors[None], 0 * X.features[None])
        return [
            self._explanation(row, of_span, steps, nothing[0])
            for row, of_span in zip(rows, sums, strict=True)
        ]

    def _explanation(
        self, row: SpanRow, sums: "_Sums", steps: int, nothing: NDArray
    ) -> Explanation:
        """The explanation, from the sums of the gradients along the path."""
        X, (start, end, number) = self.network, row
        log_odds = self.log_odds(self.emissions[0], X.transitions, row)[0]
        baseline = self.log_odds(nothing, 0 * X.transitions, row)[0]
        columns = {
            part: (X.vectors[:, of] * sums.window[:, of]).sum(axis=1) / steps
            for part, of in X.parts.items()
        }
        products = X.features * sums.terms
        for name, part in X.terms.items():
            columns[name] = products[:, part].sum(axis=1) / steps
        elsewhere = (X.vectors * sums.context).sum(axis=1) / steps
        words = []
        for token in self.doc:
            parts = {part: float(values[token.i]) for part, values in columns.items()}
            other = float(elsewhere[token.i])
            words.append(Word(token.i, token.text, sum(parts.values()) + other, parts, other))
        of_transitions = X.transitions * sums.transitions / steps
        total = sum(word.total for word in words) + float(of_transitions.sum())
        span = self.doc[start:end]
        one = Explanation(
            text=span.text,
            label=self.labels[number],
            start=start,
            end=end,
            start_char=span.start_char,
            end_char=span.end_char,
            is_entity=row in self.entities,
            probability=float(np.exp(-np.logaddexp(0, -log_odds))),
            log_odds=log_odds,
            baseline=baseline,
            words=words,
            transitions=self._transitions(of_transitions),
            error=total - (log_odds - baseline),
            steps=steps,
        )
        one.reasons.extend(reasons_of(one, self.doc))
        return one

    def _transitions(self, contributions: NDArray) -> list[Transition]:
        names = ["O", *self.labels]
        steps = zip(*np.nonzero(contributions), strict=True)
        found = [Transition(names[p], names[q], float(contributions[p, q])) for p, q in steps]
        return sorted(found, key=lambda one: -abs(one.total))

    def _with_decisive(self, row: SpanRow, found: Explanation) -> Explanation:
        """Add the words whose removal changes the decision."""
        X, (start, end, _) = self.network, row
        most = found.largest_words()[:MOST_WORDS]
        size = max(1, _GROUP // len(X))
        for first in range(0, len(most), size):
            some = most[first : first + size]
            hidden = np.asarray([word.token for word in some])
            vectors, features = (np.repeat(x[None], len(some), 0) for x in (X.vectors, X.features))
            vectors[np.arange(len(some)), hidden] = 0
            features[np.arange(len(some)), hidden] = 0
            emissions, _ = X.emissions(vectors, features)
            for word, S, entities in zip(some, emissions, self._decode(emissions), strict=True):
                if (row in entities) == found.is_entity:
                    continue
                instead = [
                    (self.doc[s:e].text, self.labels[x])
                    for s, e, x in entities
                    if s < end and start < e
                ]
                odds = self.log_odds(S, X.transitions, row)[0]
                found.decisive.append(Without(word.token, word.text, odds, instead))
        return found

    def _decode(self, emissions: NDArray) -> list[list[SpanRow]]:
        """The entities of copies of the document."""
        copies = len(emissions)
        scores = Scores(
            emissions.reshape(-1, emissions.shape[2]),
            self.network.transitions,
            np.full(copies, len(self.doc), dtype=np.int32),
        )
        allowed = np.tile(self.allowed, (copies, 1))
        found = decode(
            scores, self.objective, allowed, threshold=self.threshold, probabilities=False
        )
        return [[(s, e, x) for s, e, x in rows] for rows, _ in found.by_document()]


@dataclass
class _Sums:
    """Sums of gradients along the path."""

    window: NDArray
    context: NDArray
    terms: NDArray
    transitions: NDArray

    @classmethod
    def zeros(cls, network: DocumentNetwork) -> "_Sums":
        shapes = (network.vectors, network.vectors, network.features, network.transitions)
        return cls(*(np.zeros_like(x) for x in shapes))

    def add(self, gradient: Inputs) -> None:
        self.window += gradient.window.sum(axis=0)
        self.context += gradient.context.sum(axis=0)
        self.terms += gradient.terms.sum(axis=0)
