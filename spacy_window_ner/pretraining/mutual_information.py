"""M_wc = max(0, log p(c | w) − log p(c)): positive pointwise mutual information.

It measures how much more often context c occurs with word w than with any word. Skip-gram with
negative sampling (Mikolov et al. 2013) learns by gradients that σ(u·v) is 1 for a word and a
context that occur together, and 0 for a sampled context. At the minimum, u·v is this logarithm
minus the logarithm of the number of samples (Levy and Goldberg 2014, Neural Word Embedding as
Implicit Matrix Factorization). Here, it is computed from counts, in one pass over the text.
"""

from dataclasses import replace

import numpy as np

from .cooccurrence import SparseMatrix

# p(c) is smoothed by this exponent, so that rare contexts are not overrated (Levy, Goldberg and
# Dagan 2015, section 3.2).
SMOOTHING = 0.75


def positive_mutual_information(counts: SparseMatrix) -> SparseMatrix:
    """Compute M from counts.

    counts (SparseMatrix): Shape (n_words, n_contexts), how often each context occurs with a word.
    RETURNS (SparseMatrix): The same shape, float32.
    """
    n = counts.values.astype(np.float64)
    of_word = np.bincount(counts.rows, n, counts.shape[0])
    of_context = np.bincount(counts.columns, n, counts.shape[1]) ** SMOOTHING
    p_context = of_context / max(of_context.sum(), 1.0)
    M = np.log(n / (of_word[counts.rows] * p_context[counts.columns]))
    kept = M > 0
    return replace(
        counts,
        rows=counts.rows[kept],
        columns=counts.columns[kept],
        values=M[kept].astype(np.float32),
    )
