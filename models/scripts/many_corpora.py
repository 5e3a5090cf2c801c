"""The corpora of `xx_window_ner_sm`: languages, where they are, licenses, and what labels mean.

Some files are too large for some copies of repositories (4 MiB); the corpora are read without them.
Where a corpus has no file for one of the parts, every tenth document is taken for it.

Not used: the German court decisions of elenanereiss/Legal-Entity-Recognition, whose README states
CC BY 4.0 and CC BY-NC-SA 4.0; the lower-cased Indonesian reviews of IndoNLU (`nerp`); the
older versions of RONEC's test sentences.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from many_formats import (
    Document,
    columns,
    docbin,
    estner,
    factrueval,
    klue,
    latvian,
    ronec,
    stockmark,
    zipped_columns,
)

PARTS = ("train", "dev", "test")
Files = Iterable[tuple[str, bytes]]
NAMES = {name: name for name in ("PER", "LOC", "ORG")}
# Countries and cities are places, and so are buildings, as in Universal NER.
ONTONOTES = {"PERSON": "PER", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC", "ORG": "ORG"}
# The label of what is unknown: nothing is learned there, and nothing is scored.
UNKNOWN = ""
BY_SA_4 = "CC BY-SA 4.0"


def each(read: Callable[[bytes], Iterator[Document]]) -> Callable[[Files], Iterator[Document]]:
    """RETURNS (Callable): A reader of files of which each is read by itself."""
    return lambda files: (document for _, content in files for document in read(content))


COLUMNS = each(columns)


@dataclass(frozen=True)
class Corpus:
    """A corpus.

    name (str): Its name.
    lang (str): The code of its language.
    author (str): Who made it.
    license (str): The license of its annotation and texts, as its repository states it.
    repository (str): The repository, as OWNER+NAME; empty for the data folder.
    train (Tuple[str]): Files or folders to train on; those of missing parts are among them.
    dev (Tuple[str]): Those of the development data.
    test (Tuple[str]): Those to test on.
    read (Callable): Reads paths and contents of files.
    labels (Dict[str, str]): What its labels are called here; others are outside of names.
    n_sentences (int): How many consecutive passages make a document; 0 for those that are marked.
    spaces (bool): Whether the corpus has the spaces of its text; else they are guessed.
    parts (Tuple[str]): The parts that are made of it. For one without files, every tenth document
        to train on is taken.
    """

    name: str
    lang: str
    author: str
    license: str
    repository: str = ""
    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    read: Callable[[Files], Iterator[Document]] = COLUMNS
    labels: dict[str, str] = field(default_factory=lambda: NAMES)
    n_sentences: int = 10
    spaces: bool = True
    parts: tuple[str, ...] = PARTS

    def files(self, part: str) -> tuple[str, ...]:
        """RETURNS (Tuple[str]): The files of a part."""
        return {"train": self.train, "dev": self.dev, "test": self.test}[part]


def universal(name: str, lang: str, license: str = BY_SA_4, contracted: bool = False) -> Corpus:
    """RETURNS (Corpus): A corpus of Universal NER."""
    stem = f"{lang}_{name.partition('-')[2].lower()}-ud"
    parts = ("test",) if name.endswith("-PUD") else PARTS
    files = [(f"{stem}-{part}.iob2",) if part in parts else () for part in PARTS]
    read = partial(columns, word=1, tag=2, spaceless=lang == "zh", contracted=contracted)
    return Corpus(
        name,
        lang,
        "Mayhew et al. 2024",
        license,
        f"UniversalNER+UNER_{name}",
        *files,
        each(read),
        parts=parts,
    )


def norne(lang: str, folder: str, stem: str) -> Corpus:
    """RETURNS (Corpus): One of the two written languages of NorNE. The training file of Universal
    Dependencies is too large; its sentences are among those of the Norwegian Dependency Treebank.
    """
    files = [(f"ud/{folder}/no_{stem}-ud-{part}.conllu",) for part in ("dev", "test")]
    return Corpus(
        f"NorNE {folder}",
        lang,
        "Jørgensen et al. 2020",
        "CC0 (annotation); texts not to be republished by themselves",
        "ltgoslo+norne",
        (f"ndt/{folder}",),
        *files,
        each(partial(columns, word=1, tag=9)),
        {**NAMES, "GPE_LOC": "LOC", "GPE_ORG": "LOC"},
        spaces=False,
    )


def local(
    name: str, folder: str, author: str, license: str, parts: tuple[str, ...] = PARTS
) -> Corpus:
    """RETURNS (Corpus): An English corpus in the data folder."""
    files = [(f"{folder}/{part}.conll",) if part in parts else () for part in PARTS]
    read = each(partial(columns, comments=False))
    return Corpus(name, "en", author, license, "", *files, read, spaces=False, parts=parts)


NERKOR = [(f"data/{part}",) for part in ("train", "devel", "test")]
TURKISH = [(f"Turkish-Wiki-NER-Dataset/{part}.conll",) for part in PARTS]
KLUE = [(f"klue-ner/{part}.jsonl",) for part in PARTS]
TURKU = [(f"data/conll/{part}.tsv",) for part in PARTS]
LENER = [(f"leNER-Br/{part}/{part}.conll",) for part in PARTS]
GSD = [(f"spacy/ja_gsd-ud-{part}.ne.spacy",) for part in PARTS]
# "Deutschland-Chef" has the name of a place in it and is none.
GERMEVAL = {**NAMES, "PERpart": UNKNOWN, "LOCpart": UNKNOWN, "ORGpart": UNKNOWN}
FACTRUEVAL = {"Person": "PER", "Location": "LOC", "LocOrg": "LOC", "Org": "ORG"}
STOCKMARK = {
    "人名": "PER",
    "地名": "LOC",
    "施設名": "LOC",
    "法人名": "ORG",
    "政治的組織名": "ORG",
    "その他の組織名": "ORG",
}

CORPORA = [
    universal("Danish-DDT", "da"),
    norne("nb", "nob", "bokmaal"),
    norne("nn", "nno", "nynorsk"),
    universal("Swedish-Talbanken", "sv"),
    Corpus(
        "Swedish web news",
        "sv",
        "Klintberg",
        "CC BY 4.0",
        "klintan+swedish-ner-corpus",
        ("train_corpus.txt",),
        (),
        ("test_corpus.txt",),
        each(partial(columns, comments=False)),
        n_sentences=1,
        spaces=False,
    ),
    Corpus(
        "Turku NER",
        "fi",
        "Luoma et al. 2020",
        BY_SA_4,
        "TurkuNLP+turku-ner-corpus",
        *TURKU,
        each(partial(columns, comments=False)),
        spaces=False,
    ),
    Corpus(
        "EstNER",
        "et",
        "Sirts 2023",
        "CC BY 4.0",
        "TartuNLP+EstNER_new",
        ("EstNER_new_dev.json", "EstNER_new_test.json"),
        read=each(estner),
        labels={**NAMES, "GPE": "LOC"},
        spaces=False,
    ),
    Corpus(
        "FullStack",
        "lv",
        "Gruzitis et al. 2018",
        BY_SA_4,
        "LUMII-AILab+FullStack",
        ("NamedEntities/data",),
        read=latvian,
        labels={"person": "PER", "GPE": "LOC", "location": "LOC", "organization": "ORG"},
    ),
    universal("Croatian-SET", "hr"),
    universal("Serbian-SET", "sr"),
    universal("Slovak-SNK", "sk"),
    Corpus(
        "factRuEval-2016",
        "ru",
        "Starostin et al. 2016",
        "MIT",
        "dialogue-evaluation+factRuEval-2016",
        ("devset",),
        (),
        ("testset",),
        factrueval,
        FACTRUEVAL,
        n_sentences=0,
    ),
    Corpus(
        "NYTK-NerKor",
        "hu",
        "Simon and Vadász 2021",
        BY_SA_4,
        "nytud+NYTK-NerKor",
        *NERKOR,
        each(partial(columns, tag=5)),
        spaces=False,
    ),
    # Common nouns are annotated as people; see `prepare_many.only_names`.
    Corpus(
        "RONEC 2",
        "ro",
        "Dumitrescu and Avram 2020",
        "MIT",
        "dumitrescustefan+ronec",
        ("data/valid.json",),
        (),
        ("data/test.json",),
        each(ronec),
        {**ONTONOTES, "FACILITY": "LOC"},
        n_sentences=1,
    ),
    Corpus(
        "RONEC 1",
        "ro",
        "Dumitrescu and Avram 2020",
        "MIT",
        "dumitrescustefan+ronec",
        ("ronec_v1/ronec/conllup/zips/ronec_iob.zip",),
        (),
        (),
        each(partial(zipped_columns, word=1)),
        {**ONTONOTES, "FACILITY": "LOC", "ORGANIZATION": "ORG"},
        n_sentences=1,
        parts=("train",),
    ),
    universal("Portuguese-Bosque", "pt", contracted=True),
    Corpus(
        "LeNER-Br",
        "pt",
        "Luz de Araujo et al. 2018",
        "MIT",
        "peluz+lener-br",
        *LENER,
        each(partial(columns, comments=False)),
        {"PESSOA": "PER", "LOCAL": "LOC", "ORGANIZACAO": "ORG"},
        spaces=False,
    ),
    Corpus(
        "GermEval 2014",
        "de",
        "Benikova et al. 2014",
        "CC BY 4.0",
        "davidsbatista+NER-datasets",
        ("GermEval2014/NER-de-dev.tsv", "GermEval2014/NER-de-test.tsv"),
        read=each(partial(columns, word=1, tag=2)),
        labels=GERMEVAL,
        n_sentences=1,
        spaces=False,
    ),
    Corpus(
        "Turkish Wiki NER",
        "tr",
        "Altinok 2023",
        BY_SA_4,
        "turkish-nlp-suite+Turkish-Wiki-NER-Dataset",
        *TURKISH,
        each(partial(columns, comments=False)),
        ONTONOTES,
        n_sentences=1,
        spaces=False,
    ),
    Corpus(
        "nergrit",
        "id",
        "Wilie et al. 2020",
        "MIT",
        "indobenchmark+indonlu",
        ("dataset/nergrit_ner-grit/train_preprocess.txt",),
        (),
        ("dataset/nergrit_ner-grit/valid_preprocess.txt",),
        each(partial(columns, comments=False)),
        {"PERSON": "PER", "PLACE": "LOC", "ORGANISATION": "ORG"},
        n_sentences=1,
        spaces=False,
    ),
    Corpus(
        "HiNER",
        "hi",
        "Murthy et al. 2022",
        BY_SA_4,
        "cfiltnlp+HiNER",
        ("data/original/validation.conll",),
        read=each(partial(columns, comments=False)),
        labels={"PERSON": "PER", "LOCATION": "LOC", "ORGANIZATION": "ORG"},
        n_sentences=1,
        spaces=False,
    ),
    Corpus(
        "ThaiNER 1.3",
        "th",
        "Phatthiyaphaibun 2019",
        "CC BY 3.0",
        "wannaphong+thai-ner",
        ("model/1.3/data.conll",),
        read=each(partial(columns, comments=False, spaceless=True)),
        labels={"PERSON": "PER", "LOCATION": "LOC", "ORGANIZATION": "ORG"},
        n_sentences=1,
    ),
    universal("Chinese-GSDSIMP", "zh"),
    Corpus(
        "Stockmark Wikipedia",
        "ja",
        "Omi 2021",
        "CC BY-SA 3.0",
        "stockmarkteam+ner-wikipedia-dataset",
        ("ner.json",),
        read=each(stockmark),
        labels=STOCKMARK,
        n_sentences=1,
    ),
    Corpus(
        "UD Japanese GSD",
        "ja",
        "Asahara et al. 2018; Megagon Labs 2020",
        BY_SA_4,
        "megagonlabs+UD_Japanese-GSD",
        *GSD,
        each(docbin),
        ONTONOTES,
        n_sentences=1,
    ),
    Corpus(
        "KLUE",
        "ko",
        "Park et al. 2021",
        BY_SA_4,
        "",
        *KLUE,
        each(klue),
        {"PS": "PER", "LC": "LOC", "OG": "ORG"},
        n_sentences=1,
    ),
    local("Universal NER EWT", "uner-ewt", "Mayhew et al. 2024", BY_SA_4),
    local("wikigold", "wikigold", "Balasuriya et al. 2009", "CC BY 4.0"),
    local("GUM", "gum", "Zeldes 2017", "CC BY 4.0", ("train",)),
    local("CrossNER", "crossner", "Liu et al. 2021", "MIT", ("train",)),
    *(
        universal(f"{language}-PUD", lang, BY_SA_4 if lang == "sv" else "CC BY-SA 3.0")
        for language, lang in {
            "Chinese": "zh",
            "German": "de",
            "Portuguese": "pt",
            "Russian": "ru",
            "Swedish": "sv",
        }.items()
    ),
]
