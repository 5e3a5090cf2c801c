"""Checks of labels and names."""

from ..labels import is_text, new_labels

# Maximum number of characters of a label, and of a name.
LONGEST_LABEL, LONGEST_NAME = 64, 500


def checked_label(label: str) -> str:
    """RETURNS (str): The label.

    RAISES (ValueError): If it is invalid.
    """
    if not 0 < len(label) <= LONGEST_LABEL:
        raise ValueError(f"A label must have 1 to {LONGEST_LABEL} characters.")
    if not label.isprintable() or label != label.strip():
        raise ValueError("A label must not have control characters, or start or end with a space.")
    new_labels([label], ())
    return label


def checked_name(name: str) -> str:
    """RETURNS (str): The name, without white space around it.

    RAISES (ValueError): If it is invalid.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not is_text(name):
        raise ValueError(f"A name must be valid Unicode with 1 to {LONGEST_NAME} characters.")
    return name
