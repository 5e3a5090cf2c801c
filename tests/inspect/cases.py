"""Annotated documents and what a pipeline reads in them, at random, without a pipeline."""

from hypothesis import strategies as st

from spacy_window_ner.inspect.reading import Document, Entity

LABELS = ["PER", "LOC", "ORG"]
WORDS = ["Rome ", "Oslo ", "Ann ", "Lee ", "saw ", ". "]


@st.composite
def entities(draw, n_words: int, labels: list[str] = LABELS) -> list[Entity]:
    """Entities that do not overlap, in the order of the text."""
    found, start = [], 0
    while start < n_words:
        if draw(st.booleans()):
            end = draw(st.integers(start + 1, min(start + 6, n_words)))
            found.append(Entity(start, end, draw(st.sampled_from(labels))))
            start = end
        else:
            start += 1
    return found


@st.composite
def documents(draw, max_words: int = 12) -> Document:
    """A document with annotated entities and predicted ones, many of them equal."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=max_words))
    gold, predicted = draw(entities(len(words))), draw(entities(len(words)))
    if draw(st.booleans()):
        kept = [entity for entity in gold if draw(st.booleans())]
        free = [e for e in predicted if all(e.end <= k.start or k.end <= e.start for k in kept)]
        predicted = sorted([*kept, *free], key=lambda entity: entity.start)
    return Document(words, [], gold, predicted)


def corpora() -> st.SearchStrategy[list[Document]]:
    """Some documents."""
    return st.lists(documents(), min_size=1, max_size=5)
