"""How much is tried: a little in every run, the whole with `--hypothesis-profile=thorough`."""

from hypothesis import settings


def is_thorough() -> bool:
    """Whether the profile `thorough` is in use."""
    return settings.default.max_examples >= settings.get_profile("thorough").max_examples


def amount(quick: int, thorough: int) -> int:
    """How many cases a test tries."""
    return thorough if is_thorough() else quick
