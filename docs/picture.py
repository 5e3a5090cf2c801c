"""Draw the entities of the two sentences of the lecture notes, as the ready pipeline reads them.

python docs/picture.py [FILE]
"""

import sys
from html import escape
from pathlib import Path

import spacy
from spacy.displacy.render import DEFAULT_LABEL_COLORS
from spacy.tokens import Doc

from spacy_window_ner.cli.demo import READY, TEXTS

TARGET = Path(__file__).with_name("entities.svg")
COLORS = DEFAULT_LABEL_COLORS | {"PER": DEFAULT_LABEL_COLORS["PERSON"]}
SIZE, CHARACTER, LINE, MARGIN = 16, 9.6, 64, 16


def draw(docs: list[Doc]) -> str:
    """Draw documents, one below the other.

    docs (List[Doc]): The documents, with entities.
    RETURNS (str): The picture, as SVG.
    """
    width = 2 * MARGIN + CHARACTER * max(len(doc.text) for doc in docs)
    height = LINE * len(docs) + MARGIN
    style = (
        f"text{{font-family:monospace;fill:#111}}.word{{font-size:{SIZE}px}}"
        ".label{font-size:11px;font-weight:bold}"
    )
    rows = [_row(doc, MARGIN + LINE * number) for number, doc in enumerate(docs)]
    # A light ground, so that it can be read on a dark page.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" '
        f'aria-label="{escape(_describe(docs))}">\n<style>{style}</style>\n'
        f'<rect width="{width:.0f}" height="{height}" rx="6" fill="#fff"/>\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


def _row(doc: Doc, top: int) -> str:
    parts = []
    for ent in doc.ents:
        x, width = MARGIN + CHARACTER * ent.start_char, CHARACTER * len(ent.text)
        color = COLORS.get(ent.label_, "#ddd")
        parts.append(
            f'<rect x="{x - 4:.1f}" y="{top}" width="{width + 8:.1f}" height="46" rx="5" '
            f'fill="{color}"/>'
        )
        parts.append(
            f'<text class="label" x="{x + width / 2:.1f}" y="{top + 40}" text-anchor="middle">'
            f"{ent.label_} {ent._.score:.2f}</text>"
        )
    length = CHARACTER * len(doc.text)
    parts.append(
        f'<text class="word" x="{MARGIN}" y="{top + 20}" textLength="{length:.1f}" '
        f'xml:space="preserve">{escape(doc.text)}</text>'
    )
    return "\n".join(parts)


def _describe(docs: list[Doc]) -> str:
    """What the picture shows, for those who cannot see it."""
    found = [f"{ent.text}: {ent.label_} {ent._.score:.2f}" for doc in docs for ent in doc.ents]
    return "; ".join(found)


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    path.write_text(draw(list(spacy.load(READY).pipe(TEXTS))), encoding="utf8")
    print(f"Saved {path}")
