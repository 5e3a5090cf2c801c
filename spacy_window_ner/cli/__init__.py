"""`python -m spacy window-ner …`, found by spaCy through the `spacy_cli` entry point."""

import typer
from spacy.cli._util import app as spacy_app

HELP = "Demonstrate and check the window_ner entity recognizer."

app = typer.Typer(name="window-ner", help=HELP, no_args_is_help=True)
spacy_app.add_typer(app)
