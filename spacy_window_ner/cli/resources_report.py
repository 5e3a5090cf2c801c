"""What `debug-data` prints about word vectors, clusters and lists of names, which have no effect
where they are missing, and no error.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vectors import Mode
from wasabi import Printer

from ..component import WindowNER
from ..network.features import Lexemes, read_tokens, words_with_clusters
from ..network.layers.gazetteer import GAZETTEER
from ..network.lexicon import CLUSTER_TABLE

# Above this share of the entities, the lists look as if they were made from them.
NEARLY_ALL = 0.9
# How the names of layers begin that use word vectors.
_USERS_OF_VECTORS = ("static_vectors", "clusters_")
Corpora = Mapping[str, Sequence[Example]]


def report_vectors(msg: Printer, nlp: Language, component: WindowNER, corpora: Corpora) -> None:
    """Print whether word vectors are used, and how many words have one.

    msg (Printer): Where to print.
    nlp (Language): The pipeline, initialized.
    component (WindowNER): The component.
    corpora (Mapping[str, Sequence[Example]]): The corpora by name.
    """
    vectors = nlp.vocab.vectors
    if not len(vectors):
        return
    msg.divider(f"Static vectors of '{component.name}'")
    if not any(node.name.startswith(_USERS_OF_VECTORS) for node in component.model.walk()):
        msg.info("LexemeEmbed does not use them: include_static_vectors is false")
        return
    if vectors.mode == Mode.floret:
        msg.info("Every word has a vector, computed from its character n-grams (floret)")
        return
    for name, examples in corpora.items():
        lexemes, counts = _read(nlp, examples)
        as_written = np.asarray(vectors.find(keys=lexemes.vector_keys)) >= 0
        lower = (lexemes.vector_rows >= 0) & ~as_written
        msg.info(
            f"Tokens of the {name} data with a vector: {_share(counts, as_written)} as written, "
            f"{_share(counts, lower)} in lower case only"
        )


def report_clusters(msg: Printer, nlp: Language, component: WindowNER, corpora: Corpora) -> None:
    """Print how many words have Brown clusters, where the component uses them; see
    `report_vectors`.
    """
    attrs = [attr for node in component.model.walk() for attr in node.attrs.get("attrs", [])]
    if not any(attr.startswith("CLUSTER") for attr in attrs):
        return
    msg.divider(f"Brown clusters of '{component.name}'")
    if not len(nlp.vocab.lookups.get_table(CLUSTER_TABLE, {})):
        msg.warn(
            f"There are no clusters for '{nlp.lang}': the CLUSTER attributes have no effect",
            "For some languages, `pip install spacy-lookups-data` provides them, and "
            "[initialize.lookups] with spacy_window_ner.lookups.v1 puts them into the pipeline.",
        )
        return
    for name, examples in corpora.items():
        lexemes, counts = _read(nlp, examples)
        found = words_with_clusters(lexemes.orths, nlp.vocab)
        msg.info(f"Tokens of the {name} data with a cluster: {_share(counts, found)}")


def report_lists(msg: Printer, nlp: Language, component: WindowNER, corpora: Corpora) -> None:
    """Print what lists of names find, and how much of that are entities; see `report_vectors`.
    Matches are written to the predicted documents.
    """
    gazetteers = [node for node in component.model.walk() if node.name == GAZETTEER]
    if not gazetteers:
        return
    msg.divider(f"Lists of names of '{component.name}'")
    key = gazetteers[0].attrs["spans_key"]
    annotating = nlp.config["training"]["annotating_components"]
    pipes = [pipe for name, pipe in nlp.pipeline if name in annotating]
    matchers = [pipe for pipe in pipes if not getattr(pipe, "is_trainable", False)]
    for name, examples in corpora.items():
        for example in examples:
            for matcher in matchers:
                example.predicted = matcher(example.predicted)
        _report_list(msg, name, key, examples)


def _report_list(msg: Printer, name: str, key: str, examples: Sequence[Example]) -> None:
    if not any(key in example.predicted.spans for example in examples):
        msg.warn(
            f"No document of the {name} data has doc.spans['{key}']",
            "Name the component that writes it, such as span_ruler, in [training] "
            "annotating_components, and give it the same spans_key.",
        )
        return
    labels, n_entities, n_right, n_listed = Counter[str](), 0, 0, 0
    for example in examples:
        matches = list(example.predicted.spans.get(key, []))
        entities = {(ent.start, ent.end) for ent in example.get_aligned_ents_and_ner()[0]}
        labels.update(span.label_ for span in matches)
        n_entities += len(entities)
        n_right += sum((span.start, span.end) in entities for span in matches)
        n_listed += len(entities & {(span.start, span.end) for span in matches})
    total = labels.total()
    if not total:
        msg.warn(f"The lists match nothing in the {name} data")
        return
    counts = ", ".join(f"{label} {n}" for label, n in labels.most_common())
    msg.info(f"Matches in the {name} data: {total} ({counts})")
    msg.info(f"Matches that are entities: {n_right / total:.1%} ({n_right} of {total})")
    if not n_entities:
        return
    msg.info(
        f"Entities of the {name} data that are in the lists: {n_listed / n_entities:.1%} "
        f"({n_listed} of {n_entities})"
    )
    if name == "training" and n_listed > NEARLY_ALL * n_entities:
        msg.warn(
            "Lists that are compiled from the training data teach the network to trust them alone."
        )


def _read(nlp: Language, examples: Sequence[Example]) -> tuple[Lexemes, NDArray[np.int64]]:
    """The distinct words of a corpus, and the number of tokens of each (n_lexemes,)."""
    # The empty document provides the vocabulary if there are no others.
    tokens = read_tokens([*(example.predicted for example in examples), Doc(nlp.vocab)], ["NORM"])
    _, firsts, places = tokens.distinct()
    return tokens.lexemes(firsts), np.bincount(places, minlength=len(firsts))


def _share(counts: NDArray[np.int64], among: NDArray[np.bool_]) -> str:
    return f"{counts[among].sum() / max(counts.sum(), 1):.1%}"
