"""The command `pretrain`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import TextField


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("pretrain")(pretrain_cli)


def pretrain_cli(
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXTS...",
            help="Texts: .jsonl, .txt (a text on each line), .spacy; folders or globs of these",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New or empty directory to save the pipeline to")
    ],
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Two-letter code of the language to use")
    ] = "en",
    base: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Name or path of a pipeline whose language, tokenizer and word vectors are kept; "
            "what is learned stands beside its vectors",
        ),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes", "-m", min=0, help="How long to read; what comes later is left out"
        ),
    ] = 10,
    width: Annotated[
        int, typer.Option("--width", "-w", min=1, help="Width of the vectors to learn")
    ] = 64,
    min_count: Annotated[
        int,
        typer.Option("--min-count", min=1, help="How often a word has to occur to have a vector"),
    ] = 3,
    text_field: TextField = "text",
) -> None:
    """Learn word vectors from raw text, and save a pipeline that has them, for --paths.vectors of
    a config and --vectors of init-config. Prints some words with those that are nearest.
    """
    from .pretrain import pretrain

    pretrain(
        texts,
        output,
        lang=lang,
        base=base,
        minutes=minutes,
        width=width,
        min_count=min_count,
        text_field=text_field,
    )
