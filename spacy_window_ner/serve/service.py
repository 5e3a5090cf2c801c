"""The responses of the service as plain data, independent of HTTP.

Texts are processed in a memory zone, so that the vocabulary does not grow with requests.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..component import DEFAULT_SPANS_KEY
from ..confidence.scored_examples import find_component, run_before
from ..confidence.tuning import with_component
from ..decoding.thresholds import Threshold
from ..extensions import scores_of
from ..inspect.explain import explain
from ..isolation import in_memory_zone
from ..settings import checked_settings

CANDIDATES_KEY = "candidates of the service"

JsonObject = dict[str, Any]
T = TypeVar("T")


class Service:
    """A pipeline that handles requests, one thread at a time.

    nlp (Language): The pipeline. Neither it nor its settings are changed.
    name (str): The name of its `window_ner`.
    RAISES (ValueError): If the component is not a `window_ner`, or is not initialized.
    """

    def __init__(self, nlp: Language, name: str = "window_ner") -> None:
        self.nlp, self.name = nlp, name
        self.component = find_component(nlp, name)
        self.component.require_initialized()
        # Data that is initialized with the first text must outlive memory zones.
        nlp("A text.")

    @property
    def labels(self) -> list[str]:
        """RETURNS (List[str]): The labels of the network."""
        return self.component.label_data

    def read(
        self,
        texts: Sequence[str],
        *,
        threshold: Threshold = None,
        candidates: float | None = None,
    ) -> list[dict[str, list[JsonObject]]]:
        """Find the entities of texts, the same as `nlp(text)` does.

        texts (Sequence[str]): The texts.
        threshold (Optional[Union[float, Dict[str, float]]]): Overrides the threshold of the
            component.
        candidates (Optional[float]): If given, all spans with a higher probability are returned as
            `candidates`, including overlapping ones.
        RETURNS (List[Dict[str, List[Dict[str, Any]]]]): The `entities` and `candidates` of each
            text, each with its text, label, start and end character offsets, and probability (None
            for entities of other components).
        RAISES (ValueError): If the threshold is invalid.
        RAISES (RuntimeError): If the pipeline fails on a text.
        """
        nlp = self._with_settings(threshold, candidates)

        def answers() -> list[dict[str, list[JsonObject]]]:
            return [_answer(doc, candidates is not None) for doc in nlp.pipe(texts)]

        return self._in_zone(answers)

    def explain(
        self,
        text: str,
        start: int,
        end: int,
        label: str,
        *,
        threshold: Threshold = None,
        alternatives_alone: bool = False,
    ) -> JsonObject:
        """Find the alternatives of a span, and explain why it is or is not an entity.

        text (str): The text.
        start (int): The start character offset of the span.
        end (int): The end character offset, exclusive.
        label (str): The label.
        threshold (Optional[Union[float, Dict[str, float]]]): As in `read`.
        alternatives_alone (bool): Whether to leave out the explanation, which takes a thousand
            times as long.
        RETURNS (Dict[str, Any]): `alternatives`, the labels with their probabilities (the label
            None means that none of the words is in an entity); and `explanation`, see
            `spacy_window_ner.inspect.explanation.Explanation`.
        RAISES (ValueError): If the span does not align with words, is an entity of another
            component, or the label is unknown.
        RAISES (RuntimeError): If the pipeline fails on the text.
        """
        nlp = self._with_settings(threshold, None)

        def answer() -> JsonObject:
            doc = nlp.make_doc(text)
            span = doc.char_span(start, end) if 0 <= start < end <= len(text) else None
            if span is None:
                raise ValueError(
                    f"Characters {start} to {end} do not start and end at word boundaries. Adjust "
                    f"the offsets."
                )
            wanted = (span.start, span.end, label)
            explanation = None
            if not alternatives_alone:
                [why] = explain(nlp, doc, [wanted], name=self.name)
                explanation = why.to_dict()
            [doc] = run_before(nlp, self.name, [doc])
            others = self.component.alternatives(doc[wanted[0] : wanted[1]])
            return {
                "alternatives": [{"label": one, "probability": p} for one, p in others],
                "explanation": explanation,
            }

        return self._in_zone(answer, ValueError)

    def _in_zone(self, answer: Callable[[], T], *wrong: type[Exception]) -> T:
        """Call a function in a memory zone. Exceptions of the types `wrong` mean that the request
        is invalid, all others that the pipeline failed.
        """
        try:
            return in_memory_zone(self.nlp, answer)
        except wrong as error:
            raise ValueError(str(error)) from None
        except Exception as error:
            raise RuntimeError(f"{type(error).__name__}: {error}") from None

    def _with_settings(self, threshold: Threshold, candidates: float | None) -> Language:
        """The pipeline with different settings of the component, sharing network and vocabulary."""
        cfg = dict(self.component.cfg)
        cfg["spans_key"] = cfg["spans_key"] or DEFAULT_SPANS_KEY
        if threshold is not None:
            cfg["threshold"] = threshold
        if candidates is not None:
            cfg |= {"candidates_key": CANDIDATES_KEY, "candidates_threshold": candidates}
        cfg = checked_settings(cfg, self.component.model)
        return with_component(self.nlp, self.name, self.component.model, cfg)


def _answer(doc: Doc, with_candidates: bool) -> dict[str, list[JsonObject]]:
    """Entities and candidates of a document as plain data."""
    pairs = zip(doc.ents, scores_of(doc), strict=True)
    answer = {"entities": [_found(ent, score) for ent, score in pairs]}
    if with_candidates:
        spans = doc.spans.get(CANDIDATES_KEY, ())
        scores = spans.attrs["scores"].tolist() if len(spans) else []
        answer["candidates"] = [_found(*pair) for pair in zip(spans, scores, strict=True)]
    return answer


def _found(span: Span, probability: float | None) -> JsonObject:
    return {
        "text": span.text,
        "label": span.label_,
        "start": span.start_char,
        "end": span.end_char,
        "probability": probability,
    }
