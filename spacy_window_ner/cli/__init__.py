"""`python -m spacy window-ner …`, found by spaCy through the `spacy_cli` entry point.

Each command is a function in the module of its name, whose arguments are those of the command.
"""

from importlib import import_module
from typing import Any

import typer
from spacy.cli._util import app as spacy_app
from typer.core import TyperGroup

COMMANDS = (
    "init-config",
    "demo",
    "learn",
    "teach",
    "pretrain",
    "convert",
    "calibrate",
    "distil",
    "check-gradients",
    "debug-data",
    "report",
    "explain",
    "suggest",
    "review",
    "annotate",
    "index",
    "serve",
    "names",
)


class Commands(TyperGroup):
    """The commands, each imported when it is asked for: every command of spaCy imports this."""

    def list_commands(self, ctx: Any) -> list[str]:
        """RETURNS (List[str]): Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """RETURNS (Optional[Command]): The command of this name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".{cmd_name.replace('-', '_')}", __package__)
        return typer.main.get_command(module.app)


app = typer.Typer(name="window-ner", cls=Commands, no_args_is_help=True)
spacy_app.add_typer(app)


@app.callback()
def window_ner() -> None:
    """Train, evaluate, explain and run window_ner, a named entity recognizer for spaCy."""
