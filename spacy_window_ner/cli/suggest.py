"""`python -m spacy window-ner suggest`: what to annotate next."""

from pathlib import Path

from spacy import util
from tqdm import tqdm
from wasabi import msg

from ..distillation.teachers import read_texts
from ..inspect.suggest import suggest
from ..inspect.tasks import Task, write_tasks
from .components import find_name
from .output import check_writable

# How many texts are printed.
SHOWN, SHOWN_CHARACTERS = 5, 70


def suggest_texts(
    model: str,
    texts_path: Path,
    output: Path,
    *,
    n: int = 100,
    form: str = "prodigy",
    text_field: str = "text",
    name: str | None = None,
) -> list[Task]:
    """Choose texts to annotate, and save them with what the pipeline reads in them.

    model (str): Name or path of the pipeline.
    texts_path (Path): The texts; see `read_texts`.
    output (Path): The file to save them to.
    n (int): How many to choose.
    form (str): `prodigy` or `label-studio`.
    text_field (str): The field of the texts in JSON lines.
    name (Optional[str]): The name of the component; that of the only `window_ner` if None.
    RETURNS (List[Task]): The chosen texts.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    check_writable(output)
    nlp = util.load_model(model)
    name = find_name(nlp, name)
    try:
        texts = read_texts(texts_path, text_field)
        with tqdm(total=len(texts), desc="Reading", unit="text") as bar:
            found = suggest(nlp, texts, n, name=name, done=bar.update)
    except ValueError as error:
        return msg.fail("There is nothing to suggest", str(error), exits=1)
    write_tasks(output, found, form)
    rows = [
        (f"{task.meta['uncertainty']:.3f}", f"{task.score:.3f}", _shortened(task.text))
        for task in found[:SHOWN]
    ]
    msg.table(rows, header=("Nats a word", "Value", "Text"), divider=True, aligns=("r", "r", "l"))
    msg.good(f"Saved {len(found)} of {len(texts)} texts: {output}")
    return found


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
