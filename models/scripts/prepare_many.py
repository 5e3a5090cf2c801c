"""Corpora in many languages → training, development and test data of one network.

    python scripts/prepare_many.py DATA_FOLDER REPOSITORIES corpus/many

DATA_FOLDER is that of `prepare.py`, with `klue-ner`. REPOSITORIES holds a clone, bare or not, of
each repository in `many_corpora.py`, in a folder named OWNER+NAME. Writes

- `tokenizer`: an empty pipeline, from which the tokenizer is taken;
- `train.spacy`: as many words as asked for. Languages have shares in proportion to the square root
  of their words, so that small ones are not drowned: documents are left out or repeated. A part of
  the documents in Latin script comes a second time, with names of other languages;
- `dev.spacy`: at most so many words of each language;
- `languages/LANG-train.spacy` and `LANG-dev.spacy`: all there is of each;
- `tests/NAME.spacy`: the test data of each corpus;
- `texts.txt`: the raw text of all training data, a document on each line;
- `sizes.json`: what there is of each corpus.

Texts are tokenized by the pipeline's own tokenizer. A name whose first or last character is inside
of a token has the whole token.
"""

import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import srsly
import typer
from clones import LeaveOut, files, require_corpora
from many_corpora import CORPORA, PARTS, UNKNOWN, Corpus
from many_formats import Document, Passage
from spaceless import blank, without_spaces
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import filter_spans
from wasabi import msg

Parts = dict[str, list[Document]]
# The share of the documents that come again with other names, and that of the names.
AGAIN, REPLACED = 0.25, 0.5


def read(corpus: Corpus, data: Path, repositories: Path) -> Parts:
    """Read a corpus.

    corpus (Corpus): The corpus.
    data (Path): The data folder.
    repositories (Path): The folder of the clones.
    RETURNS (Dict[str, List[List[Passage]]]): The documents of each part, with the labels of here.
    """
    parts: Parts = {}
    for part in PARTS:
        paths = corpus.files(part)
        contents: Iterable[tuple[str, bytes]]
        if corpus.repository:
            contents = files(repositories, corpus.repository, paths, corpus.name)
        else:
            contents = ((path, (data / path).read_bytes()) for path in paths)
        documents = [mapped(corpus, document) for document in corpus.read(contents)]
        parts[part] = [*in_pieces(documents, corpus.n_sentences)]
    for part in PARTS[1:]:
        if part in corpus.parts and not corpus.files(part):
            random.Random(0).shuffle(parts["train"])
            n = -(-len(parts["train"]) // 10)
            parts[part], parts["train"] = parts["train"][:n], parts["train"][n:]
    return parts


def mapped(corpus: Corpus, document: Document) -> Document:
    """RETURNS (List[Passage]): A document with the labels of here, without other labels."""
    passages = []
    for passage in document:
        labels = [(s, e, corpus.labels[of]) for s, e, of in passage.labels if of in corpus.labels]
        if corpus.repository.endswith("+ronec"):
            labels = [one for of in labels for one in only_names(passage.text, of)]
        passages.append(Passage(passage.text, labels))
    return passages


def only_names(text: str, label: tuple[int, int, str]) -> Iterator[tuple[int, int, str]]:
    """The name in a mention of a person: "domnul prefect Horia Ciocârlie". RONEC has mentions
    without a name, too.

    text (str): The text.
    label (Tuple[int, int, str]): Start, end and label of the mention.
    YIELDS (Tuple[int, int, str]): Those of what is between the first and the last word with a
        capital letter, if any; other labels as they are.
    """
    start, end, name = label
    if name != "PER":
        yield label
        return
    words = [match for match in re.finditer(r"\S+", text[start:end]) if match[0][0].isupper()]
    if words:
        yield start + words[0].start(), start + words[-1].end(), name


def in_pieces(documents: Iterable[Document], n_sentences: int) -> Iterator[Document]:
    """RETURNS (Iterator[List[Passage]]): Documents of so many passages; 0 for whole ones."""
    for document in documents:
        size = n_sentences or len(document) or 1
        yield from (document[i : i + size] for i in range(0, len(document), size))


def without_repeated(documents: list[Document], held_out: set[str]) -> list[Document]:
    """RETURNS (List[List[Passage]]): Documents without passages that are held out, nor repeated."""
    seen, kept = set(held_out), []
    for document in documents:
        passages = []
        for passage in document:
            letters = letters_of(passage.text)
            if len(letters) < 20 or letters not in seen:
                passages.append(passage)
            seen.add(letters)
        if passages:
            kept.append(passages)
    return kept


def letters_of(text: str) -> str:
    """RETURNS (str): The letters of a text without case and diacritics, to compare it by."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum())


def make_doc(nlp: Language, document: Document) -> tuple[Doc, int]:
    """Make a document with the pipeline's tokens.

    nlp (Language): The pipeline with the tokenizer.
    document (List[Passage]): Its passages.
    RETURNS (Tuple[Doc, int]): The document, and how many names do not end where tokens do.
    """
    glue = "" if without_spaces("".join(passage.text for passage in document)) else " "
    offset, starts, labels = 0, [], []
    for passage in document:
        starts.append(offset)
        labels += [(s + offset, e + offset, name) for s, e, name in passage.labels]
        offset += len(passage.text) + len(glue)
    doc = nlp.make_doc(glue.join(passage.text for passage in document))
    begins = np.isin(doc.to_array(["IDX"]), starts)
    doc.from_array(["SENT_START"], np.where(begins, 1, -1).astype(np.uint64)[:, None])
    found, inexact = [], 0
    for start, end, name in labels:
        span = doc.char_span(start, end, label=name, alignment_mode="expand")
        if span is not None and span.text.strip():
            inexact += (span.start_char, span.end_char) != (start, end)
            found.append(span)
    found = filter_spans(found)
    unknown = [span for span in found if span.label_ == UNKNOWN]
    doc.set_ents([span for span in found if span.label_ != UNKNOWN], missing=unknown)
    return doc, inexact


def at_most(documents: list[Document], n_sentences: int) -> list[Document]:
    """RETURNS (List[List[Passage]]): Documents at random, of so many passages at most."""
    order = random.Random(0).sample(documents, len(documents))
    ends = accumulate(map(len, order))
    return [document for document, end in zip(order, ends, strict=True) if end <= n_sentences]


def is_latin(text: str) -> bool:
    """RETURNS (bool): Whether the first letter of a text is Latin."""
    letter = next(filter(str.isalpha, text), "")
    return unicodedata.name(letter, "").startswith("LATIN") if letter else False


def is_common(name: str) -> bool:
    """RETURNS (bool): Whether a name is written in Latin script as most are: "Oslo", not "NATO"."""
    return is_latin(name) and name[0].isupper() and not name.isupper()


def names_of(documents: Iterable[Document]) -> dict[str, list[str]]:
    """RETURNS (Dict[str, List[str]]): The common names of each label in documents, each once."""
    names: dict[str, set[str]] = defaultdict(set)
    for document in documents:
        for passage in document:
            for start, end, label in passage.labels:
                if label != UNKNOWN and is_common(passage.text[start:end]):
                    names[label].add(passage.text[start:end])
    return {label: sorted(of_label) for label, of_label in names.items()}


def with_other_names(
    document: Document, names: dict[str, list[str]], draws: random.Random
) -> Document:
    """Put other names in the place of some, the same ones in all of a document.

    document (List[Passage]): The document.
    names (Dict[str, List[str]]): Names of each label, of all languages.
    draws (Random): The source of randomness.
    RETURNS (List[Passage]): The document with other names.
    """
    chosen: dict[tuple[str, str], str] = {}
    passages = []
    for passage in document:
        text, labels, at = "", [], 0
        for start, end, label in sorted(passage.labels):
            name = passage.text[start:end]
            if start < at:
                continue
            if (name, label) not in chosen:
                other = label in names and is_common(name) and draws.random() < REPLACED
                chosen[name, label] = draws.choice(names[label]) if other else name
            text += passage.text[at:start]
            labels.append((len(text), len(text) + len(chosen[name, label]), label))
            text += chosen[name, label]
            at = end
        passages.append(Passage(text + passage.text[at:], labels))
    return passages


def n_words(docs: Iterable[Doc]) -> int:
    """RETURNS (int): The number of tokens of documents."""
    return sum(map(len, docs))


def draw(docs: Sequence[Doc], words: int, seed: str) -> list[Doc]:
    """RETURNS (List[Doc]): Documents at random with about so many words: all of them are taken once
    before one is taken again.
    """
    drawn: list[Doc] = []
    left, draws = words, random.Random(seed)
    while docs and left > 0:
        for doc in draws.sample(docs, len(docs)):
            if left <= 0:
                break
            drawn.append(doc)
            left -= len(doc)
    return drawn


def shares(sizes: dict[str, int], words: int) -> dict[str, int]:
    """RETURNS (Dict[str, int]): So many words shared between languages in proportion to the square
    root of how many they have.
    """
    total = sum(size**0.5 for size in sizes.values())
    return {lang: round(words * size**0.5 / total) for lang, size in sizes.items()}


def write(path: Path, docs: Iterable[Doc]) -> None:
    """Write documents to a file, in a folder that is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    DocBin(docs=docs).to_disk(path)


def prepare(
    corpora: Sequence[Corpus],
    data: Path,
    repositories: Path,
    nlp: Language,
    output: Path,
    most: int,
) -> tuple[dict[str, dict[str, list[Doc]]], list[dict[str, Any]]]:
    """Read corpora, and write the test data of each.

    corpora (Sequence[Corpus]): The corpora.
    data (Path): The data folder.
    repositories (Path): The folder of the clones.
    nlp (Language): The pipeline with the tokenizer.
    output (Path): Where the test data go.
    most (int): The number of sentences of a corpus to train on, at most.
    RETURNS (Tuple[Dict, List[Dict[str, Any]]]): The documents of each part, train and dev, by
        language, and what there is of each corpus. The part "again" has documents to train on
        with other names.
    """
    parts_of = {corpus.name: read(corpus, data, repositories) for corpus in corpora}
    docs: dict[str, dict[str, list[Doc]]] = {
        part: defaultdict(list) for part in (*PARTS[:2], "again")
    }
    sizes = []
    names = names_of(document for parts in parts_of.values() for document in parts["train"])
    draws = random.Random(0)
    for corpus in corpora:
        parts = parts_of[corpus.name]
        same = [parts_of[one.name] for one in corpora if one.lang == corpus.lang]
        held_out: set[str] = set()
        for part in ("test", "dev"):
            held_out |= {letters_of(p.text) for of in same for d in of[part] for p in d}
        parts["train"] = at_most(without_repeated(parts["train"], held_out), most)
        size: dict[str, Any] = {"name": corpus.name, "lang": corpus.lang, "inexact": 0}
        for part in PARTS:
            made = [make_doc(nlp, document) for document in parts[part]]
            size["inexact"] += sum(inexact for _, inexact in made)
            of_part = [doc for doc, _ in made]
            size[part] = [
                sum(map(len, parts[part])),
                n_words(of_part),
                sum(len(d.ents) for d in of_part),
            ]
            if part in docs:
                docs[part][corpus.lang] += of_part
            elif of_part:
                write(output / "tests" / f"{file_name(corpus)}.spacy", of_part)
        for document in draws.sample(parts["train"], round(AGAIN * len(parts["train"]))):
            if is_latin(document[0].text):
                other = with_other_names(document, names, draws)
                docs["again"][corpus.lang].append(make_doc(nlp, other)[0])
        sizes.append(size)
    return docs, sizes


def chosen(leave_out: list[str]) -> list[Corpus]:
    """RETURNS (List[Corpus]): The corpora without some."""
    require_corpora(leave_out, [corpus.name for corpus in CORPORA])
    return [corpus for corpus in CORPORA if corpus.name not in leave_out]


def file_name(corpus: Corpus) -> str:
    """RETURNS (str): The name of a file for a corpus."""
    return f"{corpus.lang}-{re.sub(r'[^a-z0-9]+', '-', corpus.name.lower())}"


def main(
    data: Path,
    repositories: Path,
    output: Path,
    leave_out: LeaveOut = None,
    words: Annotated[int, typer.Option(help="Words to train on")] = 5_000_000,
    most: Annotated[int, typer.Option(help="Sentences of a corpus to train on")] = 20_000,
    dev_words: Annotated[int, typer.Option(help="Words of a language's development data")] = 6000,
) -> None:
    """Convert the corpora."""
    nlp = blank()
    corpora = chosen(leave_out or [])
    docs, sizes = prepare(corpora, data, repositories, nlp, output, most)
    nlp.to_disk(output / "tokenizer")
    for part, by_lang in docs.items():
        for lang, of_lang in by_lang.items():
            write(output / "languages" / f"{lang}-{part}.spacy", of_lang)
    train = {lang: of + docs["again"][lang] for lang, of in docs["train"].items() if of}
    has = {lang: n_words(of_lang) for lang, of_lang in train.items()}
    drawn = [d for lang, n in shares(has, words).items() for d in draw(train[lang], n, lang)]
    for doc in drawn:  # so that spaCy's reader takes the tokens as they are
        doc.has_unknown_spaces = True
    write(output / "train.spacy", drawn)
    dev = {
        lang: draw(of_lang, min(dev_words, n_words(of_lang)), lang)
        for lang, of_lang in docs["dev"].items()
    }
    write(output / "dev.spacy", (doc for of_lang in dev.values() for doc in of_lang))
    raw = (doc.text for of_lang in docs["train"].values() for doc in of_lang)
    lines = "".join(re.sub(r"\s+", " ", text) + "\n" for text in raw)
    (output / "texts.txt").write_text(lines, encoding="utf8")
    srsly.write_json(output / "sizes.json", sizes)
    rows = [[s["lang"], s["name"], *(n for p in PARTS for n in s[p]), s["inexact"]] for s in sizes]
    header = (
        "",
        "corpus",
        *(f"{part} {of}" for part in PARTS for of in ("sents", "words", "names")),
    )
    msg.table(rows, header=(*header, "inexact"), divider=True, aligns=("l", "l", *"r" * 10))
    msg.good(f"Converted {len(sizes)} corpora: {output}")


if __name__ == "__main__":
    typer.run(main)
