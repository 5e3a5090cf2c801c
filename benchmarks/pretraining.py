"""Train `window_ner` with vectors of the domain's raw text, and with others, and compare.

    python benchmarks/pretraining.py anem ncbi-disease --texts RAW --config configs/accuracy.cfg

`pretrain` learns vectors from the raw text, once for all corpora. Then the network is trained on
each corpus with these and with other vectors, on all of its train part or on a few documents, drawn
anew for each seed. The raw text must not contain the test part.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from data import GLOVE, InputError, Split, blank, convert_corpus
from report import command, mean_and_spread, origin, show_origin
from scoring import evaluate
from settings import (
    DEFAULT_WORK,
    Changes,
    Seeds,
    Work,
    errors_in_short,
    prepare_config,
    settings_on_dev,
)
from spacy.tokens import DocBin
from systems import SYSTEM, train_pipeline
from wasabi import msg

from spacy_window_ner.cli.pretrain import pretrain


def scores_of(
    corpus: Path, vectors: str, seed: int, n: int, part: str, options: dict[str, Any]
) -> float:
    """Train on a corpus, and score.

    corpus (Path): The folder of the corpus.
    vectors (str): `glove`, or name or path of a pipeline with vectors.
    seed (int): The seed of the training, and of the sentences that are drawn.
    n (int): How many documents of the train part to train on; a quarter more choose the best model.
        0 for all, with the dev part to choose.
    part (str): `dev` or `test`, to score on.
    options (Dict[str, Any]): The config, changes to it, and the folder of the work.
    RETURNS (float): F1 from 0 to 1.
    RAISES (InputError): If a corpus or a setting is invalid, or has no such part.
    """
    settings = settings_on_dev(seed=seed, vectors=vectors, **options)
    folder = settings.work / f"pretraining-{corpus.resolve().name}-{n}"
    config = prepare_config(settings, folder)
    tokenizer = blank(config["nlp"]["lang"], config["nlp"]["tokenizer"])
    splits = convert_corpus(corpus, folder / "all", tokenizer)
    if part not in splits:
        raise InputError(f"{corpus} has no part {part}.")
    draw(splits, folder, n, seed)
    return evaluate(train_pipeline(SYSTEM, config, folder).nlp, splits[part])["f"]


def draw(splits: dict[str, Split], folder: Path, n: int, seed: int) -> None:
    """Write `train.spacy` and `dev.spacy`: n documents of the train part and n/4 others of it, or
    both parts as they are if n is 0.

    splits (Dict[str, Split]): The parts of the corpus.
    folder (Path): Where to write.
    n (int): How many documents.
    seed (int): The seed.
    RAISES (InputError): If there are not so many.
    """
    if not n:
        for name in ("train", "dev"):
            (folder / f"{name}.spacy").write_bytes(splits[name].path.read_bytes())
        return
    docs = list(DocBin().from_disk(splits["train"].path).get_docs(blank("en").vocab))
    if len(docs) < n + n // 4:
        raise InputError(
            f"The train part has only {len(docs)} documents. Give a lower --documents."
        )
    random.Random(seed).shuffle(docs)
    DocBin(docs=docs[:n]).to_disk(folder / "train.spacy")
    DocBin(docs=docs[n : n + n // 4]).to_disk(folder / "dev.spacy")


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpora: Annotated[list[Path], typer.Argument(help="Folders of corpora.")],
    texts: Annotated[list[str], typer.Option(help="Raw text of the domain; may be repeated.")],
    config: Annotated[Path, typer.Option(help="Training config of window_ner.")],
    vectors: Annotated[
        list[str] | None, typer.Option(help="Other vectors to compare with; may be repeated.")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--from", help="A pipeline for `pretrain --from`.")
    ] = None,
    documents: Annotated[
        int, typer.Option(min=0, help="How many documents to train on; 0 for all.")
    ] = 0,
    seeds: Seeds = 3,
    test: Annotated[bool, typer.Option("--test", help="Score on test instead of dev.")] = False,
    changes: Changes = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Compare vectors of the domain's raw text with others, by F1 of entities."""
    part = "test" if test else "dev"
    pretrained = work / ("pretrained-from" if base else "pretrained")
    if not pretrained.exists():
        pretrain(texts, pretrained, base=base)
    options = {"config": config, "changes": changes, "work": work}
    kinds = [*(vectors or [GLOVE]), str(pretrained)]
    with errors_in_short():
        rows = [
            _row(corpus, kind, documents, part, seeds, options)
            for corpus in corpora
            for kind in kinds
        ]
    msg.divider(f"F1 on {part}, {documents or 'all'} documents, {config.stem}.cfg")
    msg.table(rows, header=("Corpus", "Vectors", "F1", "Seeds"), divider=True)
    show_origin({**origin(), "command": command()})


def _row(
    corpus: Path, vectors: str, n: int, part: str, seeds: int, options: dict[str, Any]
) -> Sequence[str]:
    scores = [100 * scores_of(corpus, vectors, seed, n, part, options) for seed in range(seeds)]
    each = ", ".join(f"{score:.1f}" for score in scores)
    return corpus.resolve().name, Path(vectors).name, mean_and_spread(scores), each


if __name__ == "__main__":
    app()
