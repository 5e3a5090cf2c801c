"""How far a pipeline agrees with `en_core_web_md` on numeric labels, on text without annotation.

    python scripts/evaluate_agreement.py training/web/model-best REPOSITORIES/en_pud-ud-test.iob2

The file is that of UNER_English-PUD, news and Wikipedia, of which the lines `# text = …` are read.
"""

from pathlib import Path

import spacy
import typer
from evaluate_texts import load_peers
from scores import compare, predict, summary
from spacy import util
from wasabi import msg

TEACHER = "en_core_web_md"
MARK = "# text = "
LABELS = ("DATE", "TIME", "PERCENT", "MONEY", "QUANTITY", "ORDINAL", "CARDINAL")


def main(model: str, path: Path) -> None:
    """Print F1 with the other pipeline in the place of annotation, by label."""
    peers = load_peers()
    if TEACHER not in peers:
        msg.fail(f"{TEACHER} is not installed", exits=1)
    lines = path.read_text(encoding="utf8").splitlines()
    blank = spacy.blank("en")
    texts = [blank.make_doc(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
    found, expected = (predict(nlp, texts) for nlp in (util.load_model(model), peers[TEACHER]))
    labels, rows = {label: label for label in LABELS}, []
    for title, trimmed in (("all", False), ("all, trimmed", True)):
        scores = summary(compare(found, expected, labels, trimmed), LABELS)
        rows.append((title, scores["total"]))
    rows += scores["by_label"].items()
    table = [(name, *(f"{of[x]:.1f}" for x in "prf")) for name, of in rows]
    header = ("Label", "P", "R", "F1")
    msg.table(table, header=header, divider=True, aligns=("l", "r", "r", "r"))


if __name__ == "__main__":
    typer.run(main)
