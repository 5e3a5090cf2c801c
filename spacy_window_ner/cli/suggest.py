"""`python -m spacy window-ner suggest`: what to annotate next."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import import_code
from tqdm import tqdm
from wasabi import msg

from ..distillation.teachers import read_texts
from ..inspect.suggest import suggest
from ..inspect.tasks import write_tasks
from .inputs import explained, load_component
from .options import Code, Model, Name, TaskFormat, TasksIn, TextField, new_app
from .output import check_writable

app = new_app()

# How many texts are printed.
SHOWN, SHOWN_CHARACTERS = 5, 70


@app.command("suggest")
def suggest_texts(
    model: Model,
    texts_path: Annotated[
        Path,
        typer.Argument(
            metavar="texts",
            help="The texts: .jsonl, .txt (a text on each line), .spacy, or a folder of these",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to save the chosen texts to")
    ],
    n: Annotated[int, typer.Option("--number", "-n", min=1, help="How many texts to choose")] = 100,
    form: TasksIn = TaskFormat.prodigy,
    text_field: TextField = "text",
    name: Name = None,
    code_path: Code = None,
) -> None:
    """Choose what to annotate next: texts that the pipeline reads with most uncertainty (entropy of
    the tag sequences, per word), names found or not, and that differ from each other. What is read
    in them now is saved with them, to begin from.
    """
    import_code(code_path)
    check_writable(output)
    nlp, name = load_component(model, name)
    with explained("There is nothing to suggest"):
        texts = read_texts(texts_path, text_field)
        with tqdm(total=len(texts), desc="Reading", unit="text") as bar:
            found = suggest(nlp, texts, n, name=name, done=bar.update)
    write_tasks(output, found, form.value)
    rows = [
        (f"{task.meta['uncertainty']:.3f}", f"{task.score:.3f}", _shortened(task.text))
        for task in found[:SHOWN]
    ]
    msg.table(rows, header=("Nats a word", "Value", "Text"), divider=True, aligns=("r", "r", "l"))
    msg.good(f"Saved {len(found)} of {len(texts)} texts: {output}")


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
