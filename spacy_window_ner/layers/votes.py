"""s_t = U h_t + c + the mean of V h_t' + d over all places t' of the word in its document.

What one place shows of a name, the others learn of (Krishnan and Manning 2006, whose second stage
looks at what the first one said of the same word elsewhere; here in one stage, and before anything
is decided). Each place votes with the affine layer V of its own hidden layer; a word that stands
once in its document has no votes.

With M the means over places, S = H Uᵀ + M (H Vᵀ). M is symmetric (see `document`), so

    ∂J/∂V = (M δ)ᵀ H        ∂J/∂H = δ U + (M δ) V        with δ = ∂J/∂S

The means are of scores, not of hidden layers, so there is little to add up and to remember.
"""

from collections.abc import Callable, Sequence

from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from .document import mean_of_places, same_words


def score(
    scores: Model[Floats2d, Floats2d],
    votes: Model[Floats2d, Floats2d] | None,
    H: NDArray,
    docs: Sequence[Doc],
    is_train: bool,
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Score the tags of every token.

    scores (Model): The affine layer U: (n, hidden) → (n, nO).
    votes (Optional[Model]): The affine layer V: (n, hidden) → (n, nO); None for no votes.
    H (ndarray): Shape (n, hidden), the hidden layer of each token.
    docs (Sequence[Doc]): The documents of these tokens.
    is_train (bool): Whether this is training.
    RETURNS: The scores (n, nO), and the callback from their gradient to ∂J/∂H (n, hidden).
    """
    S, backprop_scores = scores(H, is_train)
    if votes is None:
        return S, backprop_scores
    words = same_words(docs)
    E, backprop_votes = votes(H, is_train)
    S += mean_of_places(E, words)

    def backprop(d_S: NDArray) -> NDArray:
        d_H = backprop_scores(d_S)
        d_H += backprop_votes(mean_of_places(d_S, words))
        return d_H

    return S, backprop
