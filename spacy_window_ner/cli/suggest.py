"""`python -m spacy window-ner suggest`: choose texts to annotate next."""

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
            help="Texts: .jsonl, .txt (one text per line), .spacy, or a folder of these",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to save the chosen texts to")
    ],
    n: Annotated[
        int, typer.Option("--number", "-n", min=1, help="Number of texts to choose")
    ] = 100,
    form: TasksIn = TaskFormat.prodigy,
    text_field: TextField = "text",
    name: Name = None,
    code_path: Code = None,
) -> None:
    """Choose texts to annotate next. Prefers texts on which the pipeline is uncertain (high entropy
    of the tag sequences) and that differ from each other. The current predictions are saved with
    the texts, to be corrected.
    """
    import_code(code_path)
    check_writable(output)
    nlp, name = load_component(model, name)
    with explained("Cannot suggest texts"):
        texts = read_texts(texts_path, text_field)
        with tqdm(total=len(texts), desc="Reading", unit="text") as bar:
            found = suggest(nlp, texts, n, name=name, done=bar.update)
    write_tasks(output, found, form.value)
    rows = [
        (f"{task.meta['uncertainty']:.3f}", f"{task.score:.3f}", _shortened(task.text))
        for task in found[:SHOWN]
    ]
    header = ("Nats per word", "Score", "Text")
    msg.table(rows, header=header, divider=True, aligns=("r", "r", "l"))
    msg.good(f"Saved {len(found)} of {len(texts)} texts: {output}")


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
