"""Adds texts from files to a project. Long texts are split, and duplicates are skipped."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..files.exports import offsets_of
from ..files.formats import read_annotated
from ..files.texts import Line, error_at, find_files, read_lines
from ..labels import labels_of
from ..training.names import create_names
from .checks import checked_label, checked_name
from .reading import Names
from .store import GIVEN, PATTERNS, Decision, Marked, Store

# Longer texts are split, since they are tedious to scroll, and slow to predict after a correction.
MOST_CHARACTERS = 2_000
# Places to split a text at. The first one that occurs in the second half of a piece is used.
_PLACES = (
    re.compile(r"\n[^\S\n]*\n\s*"),  # a paragraph ends
    re.compile(r"\n\s*"),
    re.compile(r"[.!?…]['\"”’»)\]]*\s+|[。！？]"),  # a sentence ends
    re.compile(r"\s+"),
)


@dataclass
class Added:
    """The texts that were added to a project.

    n_texts (int): The number of new texts.
    n_again (int): The number of texts that were already in the project.
    n_annotated (int): The number of texts that were added with annotation.
    errors (List[str]): A message for each text that could not be read.
    """

    n_texts: int = 0
    n_again: int = 0
    n_annotated: int = 0
    errors: list[str] = field(default_factory=list)


def add_inputs(
    store: Store,
    nlp: Language,
    inputs: Sequence[str | Path],
    annotated: Sequence[Path] = (),
    names: Sequence[Path] = (),
    text_field: str = "text",
) -> Added:
    """Add the texts of files to a project. Files that have not changed since are not read again.

    store (Store): The project.
    nlp (Language): The pipeline whose tokenizer is used for annotated texts.
    inputs (Sequence[Union[str, Path]]): Files, folders and globs of texts.
    annotated (Sequence[Path]): Files of annotated texts, of any kind that `read_annotated` reads.
    names (Sequence[Path]): Files with a name, a tab and its label on each line, or `.jsonl` files
        with patterns of spaCy's `entity_ruler`. The label can be left out if the project has only
        one.
    text_field (str): The field of JSON lines that contains the text.
    RETURNS (Added): A summary.
    RAISES (ValueError): If a file cannot be read.
    """
    known: dict[str, Any] = store.setting("inputs", {})
    files = {
        f"{kind} {path.resolve()}": (kind, path, _state(path, text_field))
        for kind, paths in (
            ("annotated", annotated),
            ("names", names),
            ("texts", find_files(inputs) if inputs else ()),
        )
        for path in paths
    }
    new = {name: one for name, one in files.items() if known.get(name) != one[2]}
    added = Added()
    if not new:
        return added
    with store.adding():
        numbers = dict(store.digests())
        for kind, path, _ in new.values():
            if kind == "annotated":
                _add_annotated(store, nlp, path, numbers, added)
            elif kind == "names":
                _add_names(store, nlp, path)
            else:
                lines = read_lines(path, text_field, nlp.vocab)
                store.add_texts(_rows(str(path), lines, numbers, added))
        store.change("inputs", known | {name: state for name, (_, _, state) in new.items()})
    return added


def pieces(text: str, most: int = MOST_CHARACTERS) -> Iterable[tuple[int, str]]:
    """Split a long text at paragraphs, or else at sentence ends, or else at white space.

    text (str): The text.
    most (int): Maximum number of characters per piece.
    RETURNS (Iterable[Tuple[int, str]]): The start offset of each piece, and the piece without
        surrounding white space.
    """
    if len(text) > most:
        return _pieces(text, most)
    piece = text.lstrip()
    return [(len(text) - len(piece), piece.rstrip())] if piece else []


def _pieces(text: str, most: int) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= most else _end(text, start, most)
        piece = text[start:end].lstrip()
        if piece:
            yield end - len(piece), piece.rstrip()
        start = end


def _end(text: str, start: int, most: int) -> int:
    for place in _PLACES:
        found = [m.end() for m in place.finditer(text, start + most // 2, start + most)]
        if found:
            return found[-1]
    return start + most


def digest(text: str) -> int:
    """RETURNS (int): A hash of a text, as a signed 64-bit integer."""
    data = blake2b(text.encode("utf8"), digest_size=8).digest()
    return int.from_bytes(data, "little", signed=True)


def _state(path: Path, text_field: str) -> list[Any]:
    """A fingerprint of a file, or of the files in a folder, that changes when they change."""
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    statuses = [file.stat() for file in files]
    return [text_field, *([one.st_size, one.st_mtime] for one in statuses)]


def _rows(
    source: str, lines: Iterable[Line], numbers: dict[int, int], added: Added
) -> Iterator[tuple[str, int, int, int, str]]:
    """The rows of new texts."""
    for line in lines:
        if line.error is not None:
            added.errors.append(f"{source}, line {line.position}: {line.error}")
            continue
        for start, piece in pieces(line.text):
            key = digest(piece)
            if key in numbers:
                added.n_again += 1
                continue
            numbers[key] = 0
            added.n_texts += 1
            yield source, line.position, start, key, piece


def _add_annotated(
    store: Store, nlp: Language, path: Path, numbers: dict[int, int], added: Added
) -> None:
    """Add annotated texts with their annotation."""
    source, labels = str(path.resolve()), set[str]()
    for position, doc in enumerate(read_annotated([path], nlp), start=1):
        if not doc.text.strip() or not doc.has_annotation("ENT_IOB"):
            continue
        key = digest(doc.text)
        if key not in numbers:
            store.add_texts([(source, position, 0, key, doc.text)])
            numbers[key] = store.n_texts
            added.n_texts += 1
        number = numbers[key]
        if store.undecided([number]):
            store.add_given([_decision(number, doc)])
            added.n_annotated += 1
            labels |= labels_of([doc])
    store.add_labels(sorted(labels))


def _add_names(store: Store, nlp: Language, path: Path) -> None:
    """Add the names or patterns of a file."""
    given = _read_patterns(path) if path.suffix == ".jsonl" else _read_names(path, store.labels)
    names: list[tuple[str, str | None]] = []
    patterns: list[tuple[str, Any]] = store.setting(PATTERNS, [])
    for pattern, label in given:
        try:
            label = checked_label(label)
            if isinstance(pattern, str):
                names.append((checked_name(pattern), label))
            else:
                Names(nlp.vocab, {}, [(label, pattern)])
                patterns.append((label, pattern))
        except ValueError as error:
            raise ValueError(f"{path}: {pattern!r:.80}, {label!r:.80}: {error}") from error
    store.add_names(names)
    store.change(PATTERNS, patterns)
    labels = [label for _, label in names] + [label for label, _ in patterns]
    store.add_labels(dict.fromkeys(str(label) for label in labels))


def _read_names(path: Path, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The names of a file, with their labels."""
    for one in create_names({"names": path}):
        name, _, label = one["pattern"].rpartition("\t")
        if name:
            yield name, label.strip()
        elif len(labels) == 1:
            yield label, labels[0]
        else:
            raise ValueError(
                f"{path}: {label!r:.80} has no label. Write it after a tab, or set a single "
                f"--label."
            )


def _read_patterns(path: Path) -> Iterator[tuple[str | list[dict[str, Any]], str]]:
    """The patterns of a file, with their labels, as spaCy's `entity_ruler` reads them."""
    for line in read_lines(path, "label", Vocab()):
        if line.error is not None:
            raise error_at(path, line.position, line.error)
        pattern = line.fields.get("pattern")
        if not (isinstance(pattern, str) or (isinstance(pattern, list) and pattern)):
            why = "the field 'pattern' must be a string or a list of token patterns"
            raise error_at(path, line.position, why)
        yield pattern, line.text


def _decision(number: int, doc: Doc) -> Decision:
    """The annotation of a document as spans. If annotation is missing for some tokens, the tokens
    that are annotated as outside of entities get spans without a label.
    """
    entities: list[Marked] = [*offsets_of(doc)]
    is_complete = all(token.ent_iob for token in doc)
    if not is_complete:
        entities += [(t.idx, t.idx + len(t), None) for t in doc if t.ent_iob == 2]
        entities.sort(key=lambda entity: entity[:2])
    checked = "all" if is_complete else "given"
    return Decision(number, doc.text, "", "accept", entities, checked, GIVEN)
