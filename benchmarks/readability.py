"""How easy the documentation is to read: words, words per sentence and grade of each page.

    pip install '.[docs]'
    python benchmarks/readability.py [FOLDER]
    git worktree add ../before v0.3.0 && python benchmarks/readability.py ../before

The grade is that of Flesch and Kincaid (1975), by textstat: the years at school that a
reader needs. Only running text counts: code, tables, headings and links' addresses are
left out.
"""

import re
import sys
from pathlib import Path

import textstat

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "benchmarks/README.md",
    "models/README.md",
    "docs/*.md",
)
_NOT_PROSE = re.compile(
    r"^ *```.*?^ *```"  # code
    r"|^( {4,}|\|| *<!--|#|!\[|::: ).*?$",  # formulas, tables, comments, headings, pictures
    re.M | re.S,
)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_ITEM = re.compile(r"^ *(?:[-*]|\d+\.) ", re.M)
_CODE = re.compile(r"`[^`]*`|<?https?://[^\s>]+>?")


def prose(text: str) -> str:
    """The running text of a page of Markdown.

    text (str): The page.
    RETURNS (str): Its paragraphs. Code in a sentence is one word, and an item of a list is one
        sentence if it does not end as one.
    """
    text = _LINK.sub(r"\1", _NOT_PROSE.sub("", text))
    text = _CODE.sub("code", text).replace("*", "")
    blocks = re.split(r"\n\s*\n", _ITEM.sub("\n\n", text))
    paragraphs = [" ".join(block.split()).rstrip(":;,") for block in blocks]
    return "\n\n".join(f"{one}." if one[-1] not in ".?!" else one for one in paragraphs if one)


def measure(text: str) -> tuple[int, float, float]:
    """RETURNS (Tuple[int, float, float]): Words, words per sentence, and grade of running text."""
    words = textstat.lexicon_count(text)
    sentences = len(re.findall(r"[.?!](?=\s|$)", text))
    return words, words / max(sentences, 1), textstat.flesch_kincaid_grade(text)


def main(folder: Path) -> None:
    """Print a row for each page, and one for all of them."""
    pages = [path for pattern in PAGES for path in sorted(folder.glob(pattern))]
    texts = {str(path.relative_to(folder)): path.read_text(encoding="utf8") for path in pages}
    print("| page | words | of running text | words per sentence | grade |")
    print("| --- | --- | --- | --- | --- |")
    running = {name: prose(text) for name, text in texts.items()}
    texts["all"], running["all"] = ("\n\n".join(of.values()) for of in (texts, running))
    for name, text in running.items():
        words, length, grade = measure(text)
        total = len(texts[name].split())
        print(f"| {name} | {total:,} | {words:,} | {length:.1f} | {grade:.1f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
