"""The part of `debug-data` about word vectors, clusters and lists of names, which silently have no
effect if they are missing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from spacy.language import Language
from spacy.training import Example
from wasabi import Printer

from ..component import WindowNER
from ..network.known_words import known_words, uses_vectors
from ..network.layers.gazetteer import GAZETTEER

# Above this share of the entities, the lists look as if they were made from them.
NEARLY_ALL = 0.9
Corpora = Mapping[str, Sequence[Example]]


def report_words(msg: Printer, nlp: Language, component: WindowNER, corpora: Corpora) -> None:
    """Print how many words have word vectors and clusters, if the component uses these, and how
    many it has seen in training.

    msg (Printer): Where to print.
    nlp (Language): The pipeline, initialized.
    component (WindowNER): The component.
    corpora (Mapping[str, Sequence[Example]]): The corpora by name.
    """
    known = {
        name: of_corpus
        for name, examples in corpora.items()
        if (of_corpus := known_words(component.model, [ex.predicted for ex in examples]))
    }
    if not known:
        return
    msg.divider(f"Words known to '{component.name}'")
    if len(nlp.vocab.vectors) and not uses_vectors(component.model):
        msg.info("The network does not use the word vectors, since include_static_vectors is false")
    if all(of_corpus.cluster == 0 for of_corpus in known.values()):
        msg.warn(
            f"There are no clusters for '{nlp.lang}': the CLUSTER features have no effect",
            "For some languages, you can install them with `pip install spacy-lookups-data`. To "
            "load them, set [initialize.lookups] to spacy_window_ner.lookups.v1.",
        )
    for name, of_corpus in known.items():
        msg.info(f"Of the words of the {name} data, {of_corpus}")


def report_lists(msg: Printer, nlp: Language, component: WindowNER, corpora: Corpora) -> None:
    """Print how many matches the lists of names have, and how many of these are entities; see
    `report_words`. Matches are written to the predicted documents.
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
            "Add the component that sets it, such as span_ruler, to annotating_components in "
            "[training], and give it the same spans_key.",
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
        msg.warn(f"The lists of names have no matches in the {name} data")
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
            "Nearly all entities of the training data are in the lists. If you compiled the lists "
            "from the training data, the network learns to rely on them alone."
        )
