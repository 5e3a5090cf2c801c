"""What `window_ner` loses where texts are not like the training data: shorter, longer, lower-case.

    python benchmarks/reading.py ../shared/data --corpus wikigold --preset efficiency

The network is trained on single sentences, on documents, on documents as the config stands, whose
reader cuts some of them and gives some of them sentence starts, and so with a lower-case augmenter.
It then reads dev and test sentence by sentence, in documents, in documents with the corpus'
sentence starts, and in lower case. A corpus that does not mark documents is read in tens of
sentences. The threshold is that of the development data, in the same units as the training data.
"""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import studies
import typer
from data import SPLITS, char_span
from report import markdown, mean_and_spread, origin
from results import AS_IT_STANDS, Cell, read_results
from scoring import score
from settings import DEFAULT_WORK, Changes, Settings, Work, errors_in_short, settings_of
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from systems import SYSTEM, train_pipeline

STUDY = "reading"
READER = "corpora.train"
PLAIN = {f"{READER}.sentence_starts": 0.0, f"{READER}.cut": 0.0}
LOWER_CASE = {"@augmenters": "spacy.lower_case.v1", "level": 0.2}
# Sentences of a document where the corpus marks none.
UNIT = 10


def to_sentences(docs: Iterable[Doc]) -> list[Doc]:
    """Cut documents between sentences.

    docs (Iterable[Doc]): Documents with sentence starts.
    RETURNS (List[Doc]): One for each sentence.
    """
    return [sentence.as_doc() for doc in docs for sentence in doc.sents]


def to_documents(docs: Sequence[Doc]) -> list[Doc]:
    """Join sentences in tens, where documents are single sentences.

    docs (Sequence[Doc]): The documents.
    RETURNS (List[Doc]): The documents, or the joined sentences.
    """
    if any(len(list(doc.sents)) > 1 for doc in docs):
        return list(docs)
    groups = (docs[start : start + UNIT] for start in range(0, len(docs), UNIT))
    return [Doc.from_docs(list(group), ensure_whitespace=False) for group in groups]


# For each way to train the documents of training and development, and changes to the config.
Regroup = Callable[[list[Doc]], list[Doc]]
TRAINED: dict[str, tuple[Regroup, dict[str, Any]]] = {
    "sentences": (to_sentences, PLAIN),
    "documents": (to_documents, PLAIN),
    AS_IT_STANDS: (to_documents, {}),
    "lower-case": (to_documents, {f"{READER}.augmenter": LOWER_CASE}),
}
# For each way to read the documents, whether sentence starts are given, and whether in lower case.
READ: dict[str, tuple[Regroup, bool, bool]] = {
    "sentences": (to_sentences, False, False),
    "documents": (to_documents, False, False),
    "documents, sentences given": (to_documents, True, False),
    "documents, lower case": (to_documents, False, True),
}


def run_cell(cell: Cell, data: Path, settings: Settings) -> dict[str, Any]:
    """Train one way, and score each way to read.

    cell (Cell): The cell; its variant is a name in `TRAINED`.
    data (Path): The folder of all corpora.
    settings (Settings): See `studies.open_cell`.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    """
    regroup, changes = TRAINED[cell.variant]
    run = studies.open_cell(cell, data, settings, changes)
    docs = {name: split.annotated() for name, split in run.splits.items()}
    for name in ("train", "dev"):
        DocBin(docs=regroup(docs[name])).to_disk(run.splits[name].path)
    trained = train_pipeline(SYSTEM, run.config, run.folder)
    result: dict[str, Any] = {**origin(), "overrides": run.settings.overrides, **trained.facts}
    for name in SPLITS[1:]:
        reads = {way: read(trained.nlp, docs[name], way) for way in READ} if name in docs else None
        result[name] = reads
    shutil.rmtree(run.folder)
    return result


def read(nlp: Language, docs: list[Doc], way: str) -> dict[str, Any]:
    """Score a pipeline on documents.

    nlp (Language): The pipeline.
    docs (List[Doc]): The annotated documents.
    way (str): A name in `READ`.
    RETURNS (Dict[str, Any]): Precision, recall and F1.
    """
    regroup, given, lower = READ[way]
    gold = regroup(docs)
    texts = [_copy(nlp.vocab, doc, given, lower) for doc in gold]
    predicted = [frozenset(map(char_span, doc.ents)) for doc in nlp.pipe(texts)]
    return score(predicted, [frozenset(map(char_span, doc.ents)) for doc in gold])


def _copy(vocab: Vocab, doc: Doc, given: bool, lower: bool) -> Doc:
    """The words of a document, whose lengths lower case does not change in these corpora."""
    words = [token.text.lower() if lower else token.text for token in doc]
    starts = [bool(token.is_sent_start) for token in doc] if given else None
    spaces = [bool(token.whitespace_) for token in doc]
    return Doc(vocab, words=words, spaces=spaces, sent_starts=starts)


def report(path: Path) -> None:
    """Print the table of all results.

    path (Path): The file of results.
    """
    results = read_results(path, STUDY)
    scores: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for cell in sorted(results):
        for name in SPLITS[1:]:
            for way, scored in (results[cell][name] or {}).items():
                key = (cell.version, cell.preset, cell.corpus, name, cell.variant)
                scores[key][way].append(100 * scored["f"])
    header = ["version", "preset", "corpus", "part", "trained on", *READ]
    rows = [[*key, *(mean_and_spread(row[way]) for way in READ)] for key, row in scores.items()]
    print(markdown(header, sorted(rows)))


app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: studies.DataFolder,
    corpus: studies.CorpusNames = None,
    preset: studies.PresetNames = None,
    trained: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(TRAINED)}; default: all.")
    ] = None,
    seeds: studies.Seeds = 3,
    changes: Changes = None,
    work: Work = DEFAULT_WORK,
    output: studies.TableFolder = studies.DEFAULT_TABLE_FOLDER,
) -> None:
    """Train window_ner on sentences and on documents, and let it read both."""
    with errors_in_short():
        studies.require_known(trained or (), TRAINED)
        cells = studies.choose(
            STUDY,
            data,
            corpora=corpus or (),
            presets=preset or (),
            variants=trained or TRAINED,
            seeds=range(seeds),
        )
        settings = settings_of(changes=changes, work=work)
        studies.run_study(cells, run_cell, report, folder=output, data=data, settings=settings)


if __name__ == "__main__":
    app()
