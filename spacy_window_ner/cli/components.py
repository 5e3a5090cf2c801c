"""Which component of a pipeline a command is about."""

from spacy.language import Language
from wasabi import msg

from ..component import WindowNER


def find_name(nlp: Language, name: str | None) -> str:
    """Find the component.

    nlp (Language): The pipeline.
    name (Optional[str]): The name that was given; None if there is only one `window_ner`.
    RETURNS (str): The name of the component.
    RAISES (SystemExit): With a message, if there is none, or the name is needed.
    """
    names = [other for other, pipe in nlp.pipeline if isinstance(pipe, WindowNER)]
    if name is None and len(names) == 1:
        return names[0]
    if name not in names:
        found = ", ".join(names) or "none"
        msg.fail(
            f"The pipeline has no window_ner named '{name}'"
            if name is not None
            else "The pipeline does not have exactly one window_ner",
            f"Give one with --name; there is: {found}.",
            exits=1,
        )
    return str(name)
