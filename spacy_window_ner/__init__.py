"""spacy-window-ner: a fast, small and readable entity recognizer for spaCy."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .about import __version__

if TYPE_CHECKING:
    from .component import WindowNER
    from .files.saving import save
    from .network.gradients import check_gradients, check_objective

__all__ = ["WindowNER", "__version__", "check_gradients", "check_objective", "save"]

_MODULES = {
    "WindowNER": "component",
    "check_gradients": "network.gradients",
    "check_objective": "network.gradients",
    "save": "files.saving",
}


def __getattr__(name: str) -> Any:
    """Import public names when they are first used: spaCy imports this at every command."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
