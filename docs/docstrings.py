"""An extension of griffe: the docstrings of this package, in spaCy's style, as those of Google.

name (type): meaning        →  Args:
RETURNS (type): meaning     →  Returns:
RAISES (type): meaning      →  Raises:
"""

import re
from typing import Any

import griffe

_ITEM = re.compile(r"(?P<names>[\w*, ]+) \((?P<type>.+?)\): (?P<text>.*)")
_OUTCOMES = {"RETURNS": "Returns", "YIELDS": "Yields", "RAISES": "Raises"}
_OUTCOME = re.compile(r"(?P<name>RETURNS|YIELDS|RAISES)(?: \((?P<type>.+?)\))?: (?P<text>.*)")


def to_google(text: str, *, of_class: bool = False) -> str:
    """Rewrite a docstring.

    text (str): The docstring, cleaned of its indentation.
    of_class (bool): Whether it is that of a class, whose items are attributes.
    RETURNS (str): The docstring for griffe's parser.
    """
    out: list[str] = []
    section = ""
    for line in text.splitlines():
        title, item = _read(line, "Attributes" if of_class else "Args")
        if title:
            if title != section:
                out += ["", f"{title}:"]
            out.append(f"    {item}")
            section = title
        elif section and line.startswith("    "):
            out.append(f"    {line}")
        else:
            section = section if not line else ""
            out.append(line)
    return "\n".join(out)


def _read(line: str, of_items: str) -> tuple[str, str]:
    """The section that a line is an item of, "" if it is none, and the item."""
    if match := _OUTCOME.match(line):
        kind = match["type"] or "Any"
        return _OUTCOMES[match["name"]], f"{kind}: {match['text']}"
    if match := _ITEM.match(line):
        return of_items, f"{match['names']} ({match['type']}): {match['text']}"
    return "", ""


class SpacyDocstrings(griffe.Extension):
    """Rewrites every docstring."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite that of one object."""
        if obj.docstring and not obj.is_module:
            obj.docstring.value = to_google(obj.docstring.value, of_class=obj.is_class)
