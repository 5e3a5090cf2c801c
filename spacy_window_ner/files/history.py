"""Results that do not depend, even in their last digits, on what was read before."""

from spacy.language import Language

from ..component import WindowNER


def forget(nlp: Language) -> None:
    """Forget the products that each window_ner of a pipeline remembers: the last digit of a
    probability depends on them, and so on which texts were read before.

    nlp (Language): The pipeline.
    """
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, WindowNER):
            pipe.model.get_ref("hidden").attrs["cache"].release()
