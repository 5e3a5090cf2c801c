"""Random training sets: training works, or an error says what is wrong."""

from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam

from ..pipelines import OBJECTIVES, blank, ner_of, small_model
from .amounts import amount
from .test_ties import WORDS


def random_example(nlp: Language, rng: Any) -> Example:
    """Annotated in full, in part, or not at all; with spans that are not entities; or empty."""
    words = rng.choice([*WORDS, " ", "\n", "new"], rng.choice([0, 1, 2, 8, 20])).tolist()
    reference = Doc(nlp.vocab, words=words)
    kind, ents, start = rng.choice(["full", "part", "none"]), [], 0
    while kind != "none" and start < len(words):
        end = min(len(words), start + rng.randint(1, 4))
        if rng.randint(3) == 0:
            ents.append(Span(reference, start, end, rng.choice(["A", "B", "with space", "É"])))
        start = end
    reference.set_ents(ents, default="missing" if kind == "part" else "outside")
    if kind == "none":
        reference.set_ents([], missing=[reference[:]] if words else [], default="missing")
    if words and rng.randint(3) == 0:
        i = rng.randint(len(words))
        reference.spans["wrong"] = [Span(reference, i, i + 1, "A")]
    # Other tokens than those of the reference, where two words are one.
    predicted = nlp.make_doc(reference.text) if rng.randint(4) == 0 else Doc(nlp.vocab, words=words)
    if predicted.text.strip() != reference.text.strip() or not words:
        predicted = Doc(nlp.vocab, words=words)
    return Example(predicted, reference)


def is_contradictory(example: Example) -> bool:
    """Whether an entity is also a span that is not one, in the tokens of the prediction."""
    if "wrong" not in example.reference.spans:
        return False
    given = example.reference.spans["wrong"], example.reference.ents
    wrong, right = (
        {(span.start, span.end, span.label) for span in example.get_aligned_spans_y2x(spans, True)}
        for spans in given
    )
    return bool(wrong & right)


def losses_of(nlp: Language, examples: list[Example]) -> list[float]:
    """Train on all examples a few times."""
    nlp.initialize(lambda: examples)
    sgd, losses = Adam(0.01), []
    for _ in range(12):
        losses.append(nlp.update(examples, sgd=sgd, drop=0.1)["window_ner"])
    return losses


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_random_training_sets(objective: str):
    for seed in range(amount(4, 100)):
        rng = np.random.RandomState(seed)
        fix_random_seed(seed)
        nlp = blank(model=small_model(objective=objective), incorrect_spans_key="wrong")
        examples = [random_example(nlp, rng) for _ in range(rng.randint(1, 9))]
        if any(map(is_contradictory, examples)):
            with pytest.raises(ValueError, match="E868"):
                losses_of(nlp, examples)
            continue
        losses = losses_of(nlp, examples)
        assert np.isfinite(losses).all(), seed
        assert losses[-1] <= losses[0] + 1e-6 or max(losses) < 1, seed
        data = ner_of(nlp).to_bytes(exclude=["vocab"])
        again = blank(model=small_model(objective=objective))
        ner_of(again).from_bytes(data, exclude=["vocab"])
        assert ner_of(again).label_data == ner_of(nlp).label_data
        docs = [example.predicted.copy() for example in examples]
        for doc in docs:
            doc.set_ents([], default="missing")
        for doc in nlp.pipe(docs):
            assert {ent.label_ for ent in doc.ents} <= set(ner_of(nlp).labels)
