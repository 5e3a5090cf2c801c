"""`python -m spacy window-ner pretrain`: raw text → word vectors that every preset can use."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import spacy
from spacy import util
from spacy.cli._util import COMMAND
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from ..files.saving import save
from ..files.texts import find_files, read
from ..pretraining.vectors import Learned, learn_vectors, make_vectors, neighbors
from .output import make_directory

# How many words are shown with their neighbors: every so often one, by frequency.
SHOWN, N_NEIGHBORS, COMMON = 8, 5, 100


def pretrain(
    inputs: Sequence[str],
    output: Path,
    *,
    lang: str = "en",
    base: str | None = None,
    minutes: float = 10,
    width: int = 64,
    min_count: int = 3,
    text_field: str = "text",
) -> Language:
    """Learn word vectors from raw text, and save a pipeline that has them and no components.

    inputs (Sequence[str]): Files, folders and globs of texts.
    output (Path): A new or empty directory.
    lang (str): Code of the language, if there is no base.
    base (Optional[str]): A pipeline whose tokenizer, lookups and vectors are kept.
    minutes (float): How long to read; what comes later is left out.
    width (int): The width of the vectors of the domain.
    min_count (int): How often a word has to occur.
    text_field (str): The field of the texts in JSON lines.
    RETURNS (Language): The pipeline.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    make_directory(output)
    started = time.perf_counter()
    try:
        docs = _read(_start(lang, base), inputs, text_field, started + 60 * minutes)
        learned = learn_vectors(docs, width, min_count)
        nlp = _start(lang, base)  # once more, without the strings of all words that were read
        others = nlp.vocab.vectors if nlp.vocab.vectors.shape[0] else None
        nlp.vocab.vectors = make_vectors(learned, others)
    except (ValueError, ImportError, OSError) as error:
        with suppress(OSError):
            output.rmdir()
        return msg.fail("No vectors can be learned from this", str(error), exits=1)
    for word in learned.text.words:
        nlp.vocab.strings.add(word)
    save(nlp, output)
    _print(learned, nlp, output, time.perf_counter() - started)
    return nlp


def _start(lang: str, base: str | None) -> Language:
    """A pipeline without components: a blank one, or what is left of another."""
    if base is None:
        return spacy.blank(lang)
    nlp = util.load_model(base)
    for name in nlp.component_names:
        nlp.remove_pipe(name)
    return nlp


def _read(nlp: Language, inputs: Sequence[str], text_field: str, until: float) -> Iterator[Doc]:
    """A stream of tokenized texts. It ends when it is time."""
    files = find_files(inputs)
    with tqdm(desc="Reading", unit="word", unit_scale=True) as bar:
        for file in files:
            for line in read(file, text_field, nlp.vocab):
                if line.error is not None:
                    raise ValueError(f"{file}, line {line.position}: {line.error}")
                if time.perf_counter() > until:
                    bar.set_postfix_str("time is up: the rest is left out")
                    return
                doc = line.content
                yield doc if isinstance(doc, Doc) else nlp.tokenizer(doc)
                bar.update(len(doc) if isinstance(doc, Doc) else doc.count(" ") + 1)


def _print(learned: Learned, nlp: Language, output: Path, seconds: float) -> None:
    """Print what has been learned, and what to do with it."""
    text = learned.text
    rows = np.unique(np.geomspace(COMMON, max(COMMON, len(text.words) / 4), SHOWN).astype(int))
    rows = rows[rows < len(text.words)]
    found = neighbors(learned, rows.tolist(), N_NEIGHBORS)
    table = [(text.words[row], ", ".join(near)) for row, near in zip(rows, found, strict=True)]
    if table:
        msg.table(table, header=("Word", "Nearest words"), divider=True)
    unknown = (text.ids < 0).sum() - (len(text.ids) - text.n_tokens)
    n_vectors, width = nlp.vocab.vectors.shape
    msg.text(
        f"{text.n_tokens:,} words in {seconds:.1f} s, {text.n_tokens / seconds:,.0f} words/s; "
        f"{len(text.words):,} different ones have a vector, {unknown / text.n_tokens:.1%} of the "
        f"text has none; the vectors keep {learned.kept:.0%} of the mutual information"
    )
    msg.good(f"Saved {n_vectors:,} vectors, {width} wide: {output}")
    print(f"{COMMAND} window-ner init-config accuracy config.cfg --vectors {output}")
