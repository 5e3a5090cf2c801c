"""`python -m spacy window-ner …`, found by spaCy through the `spacy_cli` entry point.

This module is imported at the start of every spaCy command, so the commands import what they need
only when they run.
"""

import typer
from spacy.cli._util import app as spacy_app
from spacy.cli._util import parse_config_overrides

HELP = "Demonstrate and check the window_ner entity recognizer."

app = typer.Typer(name="window-ner", help=HELP, no_args_is_help=True)
spacy_app.add_typer(app)


@app.command(
    "check-gradients",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def check_gradients(
    ctx: typer.Context,
    config_or_model: str = typer.Argument(..., help="Path of a config, or a pipeline"),
) -> None:
    """Print the network as its graph of nodes, each with its shapes and its largest relative
    gradient error against central differences. Settings of a config can be overridden as in
    `spacy train`, for example --initialize.vectors en_core_web_md.
    """
    from .check_gradients import check_gradients_of

    if not check_gradients_of(config_or_model, parse_config_overrides(ctx.args)):
        raise typer.Exit(1)
