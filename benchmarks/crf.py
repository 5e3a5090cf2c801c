"""A linear CRF, the classic alternative to a network, as a spaCy component.

It is `sklearn-crfsuite` with the features and settings that are customary for names: the affixes of
a word; the form, lower-case form, shape and capitalization of the word and of two neighbors on each
side; and 100 iterations of L-BFGS with both penalties at 0.1.
"""

from collections.abc import Iterable

from sklearn_crfsuite import CRF
from spacy.language import Language
from spacy.tokens import Doc, Token
from spacy.training import biluo_tags_to_spans, iob_to_biluo

Features = dict[str, str | bool | float]

REACH = 2


class LinearCRF:
    """Set the entities that a linear CRF finds."""

    def __init__(self) -> None:
        self.model = CRF(
            algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=100, all_possible_transitions=True
        )

    def fit(self, docs: Iterable[Doc]) -> None:
        """Train on annotated documents.

        docs (Iterable[Doc]): The documents. Those with missing annotation are left out, since
            the algorithm cannot use them.
        """
        docs = [doc for doc in docs if all(token.ent_iob for token in doc)]
        self.model.fit([features(doc) for doc in docs], [_tags(doc) for doc in docs])

    def __call__(self, doc: Doc) -> Doc:
        """Set the entities of a document.

        doc (Doc): The document.
        RETURNS (Doc): The same document.
        """
        tags = self.model.predict_single(features(doc))
        doc.ents = biluo_tags_to_spans(doc, iob_to_biluo(tags))
        return doc


@Language.factory("benchmark_linear_crf", assigns=["doc.ents"])
def make_linear_crf(nlp: Language, name: str) -> LinearCRF:
    """Make the component; it has no settings."""
    return LinearCRF()


def _tags(doc: Doc) -> list[str]:
    return [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type else t.ent_iob_ for t in doc]


def features(doc: Doc) -> list[Features]:
    """Compute the features of each token of a document.

    doc (Doc): The document.
    RETURNS (List[Dict[str, Any]]): One dictionary for each token.
    """
    around = [_of_word(token) for token in doc]
    rows = []
    for i, token in enumerate(doc):
        row: Features = {"bias": 1.0}
        for n in (1, 2, 3, 4):
            row[f"prefix{n}"], row[f"suffix{n}"] = token.text[:n], token.text[-n:]
        for by in range(-REACH, REACH + 1):
            if 0 <= i + by < len(around):
                row |= {f"{by:+}:{name}": value for name, value in around[i + by].items()}
            else:
                row[f"{by:+}:none"] = True
        rows.append(row)
    return rows


def _of_word(token: Token) -> Features:
    return {
        "word": token.text,
        "lower": token.lower_,
        "shape": token.shape_,
        "upper": token.text.isupper(),
        "title": token.text.istitle(),
        "digit": token.text.isdigit(),
    }
