"""θ = Σ_i θ_i / n: the mean of networks that were trained from the same initial parameters.

Networks that are trained on the same documents in different orders, from the same initial
parameters, find different parameters of about the same quality, and their mean is better than each
of them (Wortsman et al. 2022, "Model soups", section 3): averaging preserves what they have in
common, and reduces the random differences between runs.
"""

from collections.abc import Sequence

import numpy as np
from thinc.api import Model

from ..network.layers.embedding import set_known


def average(models: Sequence[Model]) -> Model:
    """Average the parameters of networks.

    models (Sequence[Model]): Networks with the same layers and shapes, at least one.
    RETURNS (Model): The first network, changed. A value of an embedding table is known if one of
        the networks knows it.
    """
    for nodes in zip(*(model.walk() for model in models), strict=True):
        first = nodes[0]
        for name in first.param_names:
            if first.has_param(name):
                values = [node.get_param(name) for node in nodes]
                first.set_param(name, np.mean(values, axis=0, dtype=values[0].dtype))
        if first.attrs.get("known"):
            known, counts = (
                np.concatenate([np.frombuffer(node.attrs[attr], dtype=kind) for node in nodes])
                for attr, kind in (("known", "<u8"), ("counts", "<u4"))
            )
            ids, places = np.unique(known, return_inverse=True)
            most = np.zeros(len(ids), dtype=np.int64)
            np.maximum.at(most, places, counts)
            set_known(first, ids, most)
    return models[0]
