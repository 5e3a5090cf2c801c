"""spacy-window-ner: a fast, small and readable entity recognizer for spaCy."""

from .about import __version__
from .component import WindowNER
from .gradients import check_gradients, check_objective

__all__ = ["WindowNER", "__version__", "check_gradients", "check_objective"]
