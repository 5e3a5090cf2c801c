"""`python -m spacy window-ner …`, found by spaCy through the `spacy_cli` entry point.

This module is imported at the start of every spaCy command, so the commands import what they need
only when they run.
"""

from pathlib import Path
from typing import Annotated

import typer
from click import NoSuchOption
from spacy.cli._util import app as spacy_app
from spacy.cli._util import parse_config_overrides
from wasabi import msg

HELP = "Demonstrate and check the window_ner entity recognizer."

app = typer.Typer(name="window-ner", help=HELP, no_args_is_help=True)
spacy_app.add_typer(app)


@app.command("demo")
def demo_cli(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Texts to read instead of the lecture notes' two"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="New or empty directory to save the pipeline to"),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", "-s", min=0, max=2**32 - 1, help="Seed of the training")
    ] = 0,
) -> None:
    """Train on a small generated corpus, print precision, recall and F1 on its development part,
    and read texts: each entity with its label and its probability.
    """
    from .demo import run_demo

    run_demo(texts or [], output, seed)


@app.command(
    "check-gradients",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def check_gradients_cli(
    ctx: typer.Context,
    config_or_model: str = typer.Argument(..., help="Path of a config, or a pipeline"),
) -> None:
    """Print the network as its graph of nodes, each with its shapes and its largest relative
    gradient error against central differences. Settings of a config can be overridden as in
    `spacy train`, for example --initialize.vectors en_core_web_md.
    """
    from .check_gradients import check_gradients_of

    try:
        overrides = parse_config_overrides(ctx.args)
    except NoSuchOption as error:
        msg.fail(f"{error.format_message()} Settings look like --initialize.vectors.", exits=1)
    if not check_gradients_of(config_or_model, overrides):
        raise typer.Exit(1)
