"""Reads texts, and annotates them with teachers. The predictions of teachers are cached."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import filter_spans
from spacy.vocab import Vocab

from ..files.fingerprint import fingerprint
from ..files.saving import replacing
from ..files.texts import find_files, read_lines, unpack_docs

# The number of texts per file. An interrupted run continues with the next file.
PART = 500
EntitySet = frozenset[tuple[int, int, str]]


def read_texts(path: Path, field: str = "text") -> list[str]:
    """Read texts from a file, or from all such files in a folder.

    path (Path): `.jsonl` with a text in a field of each line, `.txt` with a text on each line,
        `.spacy` with documents, or a folder of these.
    field (str): The name of the field.
    RETURNS (List[str]): The texts, without empty ones and duplicates.
    RAISES (ValueError): If there are none, or a line or a file cannot be read.
    """
    vocab, texts = Vocab(), dict[str, None]()
    for file in find_files([path]):
        for line in read_lines(file, field, vocab):
            if line.error is not None:
                raise ValueError(f"{file}, line {line.position}: {line.error}")
            if line.text.strip():
                texts[line.text] = None
    if not texts:
        raise ValueError(f"No texts found in {path}.")
    return list(texts)


def annotate_texts(
    nlp: Language,
    texts: Sequence[str],
    cache: Path,
    *,
    n_process: int = 1,
    batch_size: int | None = None,
    done: Callable[[int], object] = lambda n: None,
) -> list[Doc]:
    """Predict the entities of texts with a teacher.

    nlp (Language): The teacher.
    texts (Sequence[str]): The texts.
    cache (Path): A folder for the predictions. Texts with saved predictions are not processed
        again.
    n_process (int): The number of processes.
    batch_size (Optional[int]): As in `nlp.pipe`.
    done (Callable): Called with the number of texts of each finished part.
    RETURNS (List[Doc]): The documents with their entities, without other annotation.
    """
    cache.mkdir(parents=True, exist_ok=True)
    docs: list[Doc] = []
    for start in range(0, len(texts), PART):
        part = texts[start : start + PART]
        digest = hashlib.sha256("\0".join(part).encode("utf8")).hexdigest()[:32]
        path = cache / f"{digest}.spacy"
        if not path.exists():
            found = nlp.pipe(part, n_process=n_process, batch_size=batch_size)
            stored = DocBin(attrs=["ENT_IOB", "ENT_TYPE", "SPACY"], docs=found)
            with replacing(path) as unfinished:
                stored.to_disk(unfinished)
        docs += unpack_docs(path, nlp.vocab)
        done(len(part))
    return docs


def key_of(nlp: Language, name: str) -> str:
    """RETURNS (str): A folder name for a teacher, unique for each pipeline."""
    return f"{Path(name).name}-{fingerprint(nlp)[:12]}"


def entities_of(doc: Doc) -> EntitySet:
    """RETURNS (FrozenSet[Tuple[int, int, str]]): The entities of a document, by characters."""
    return frozenset((ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)


def vote(found: Sequence[EntitySet]) -> EntitySet:
    """Combine the entities of several teachers by majority vote.

    found (Sequence[FrozenSet[Tuple[int, int, str]]]): The entities found by each teacher.
    RETURNS (FrozenSet[Tuple[int, int, str]]): The entities found by more than half of them. They do
        not overlap, since the entities of one teacher do not.
    """
    votes = Counter(entity for entities in found for entity in entities)
    return frozenset(entity for entity, n in votes.items() if 2 * n > len(found))


def silver(nlp: Language, text: str, entities: EntitySet) -> Doc:
    """Annotate a text with the entities found by teachers.

    nlp (Language): The pipeline whose tokenizer to use.
    text (str): The text.
    entities (FrozenSet[Tuple[int, int, str]]): The entities. Those that do not align with the
        tokens become missing annotation.
    RETURNS (Doc): The document.
    """
    doc = nlp.make_doc(text)
    spans = [
        span
        for start, end, label in sorted(entities)
        if (span := doc.char_span(start, end, label)) is not None
    ]
    aligned = {(span.start_char, span.end_char) for span in spans}
    missing = [
        doc[token.i : token.i + 1]
        for start, end, _ in entities
        if (start, end) not in aligned
        for token in doc
        if token.idx < end and token.idx + len(token) > start
    ]
    inside = {token.i for span in spans for token in span}
    missing = [span for span in missing if span.start not in inside]
    doc.set_ents(filter_spans(spans), missing=filter_spans(missing))
    return doc


def split_by_shares(n: int, shares: Sequence[float]) -> list[slice]:
    """Split n items into parts of given shares, at least one item in each: slices."""
    sizes = [max(1, round(n * share)) for share in shares]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
