"""What `debug-data` prints about lists of names and clusters, which have no effect where they are
missing, and no error.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from spacy.language import Language
from spacy.training import Example
from wasabi import Printer

from ..component import WindowNER
from ..features import words_with_clusters
from ..layers.gazetteer import GAZETTEER
from ..lexicon import CLUSTER_TABLE
from .corpus_facts import CorpusFacts

# Above this share of the entities, the lists look as if they were made from them.
NEARLY_ALL = 0.9
Corpora = Sequence[tuple[str, list[Example]]]


@dataclass
class ListFacts:
    """The matches of lists of names in one corpus.

    labels (Counter[str]): The number of matches of each label of the lists.
    n_documents (int): The documents in which matches were looked for.
    n_entities (int): The entities of the annotation.
    n_listed (int): Those of them that are a match, whatever its label.
    n_right (int): The matches that are an entity, whatever its label.
    """

    labels: Counter[str] = field(default_factory=Counter)
    n_documents: int = 0
    n_entities: int = 0
    n_listed: int = 0
    n_right: int = 0


def spans_key(component: WindowNER) -> str | None:
    """RETURNS (Optional[str]): Where a component reads the matches of lists, if it does."""
    for node in component.model.walk():
        if node.name == GAZETTEER:
            return node.attrs["spans_key"]
    return None


def read_lists(nlp: Language, examples: Sequence[Example], key: str) -> ListFacts:
    """Match the lists as training does, by the annotating components.

    nlp (Language): The pipeline, initialized.
    examples (Sequence[Example]): A corpus; matches are written to its predicted documents.
    key (str): Where in `doc.spans` the matches are.
    RETURNS (ListFacts): The facts.
    """
    names = nlp.config["training"]["annotating_components"]
    pipes = [pipe for name, pipe in nlp.pipeline if name in names]
    matchers = [pipe for pipe in pipes if not getattr(pipe, "is_trainable", False)]
    facts = ListFacts()
    for example in examples:
        doc = example.predicted
        for matcher in matchers:
            doc = matcher(doc)
        facts.n_documents += key in doc.spans
        matches = list(doc.spans.get(key, []))
        facts.labels.update(span.label_ for span in matches)
        entities = {(ent.start, ent.end) for ent in example.get_aligned_ents_and_ner()[0]}
        places = {(span.start, span.end) for span in matches}
        facts.n_entities += len(entities)
        facts.n_listed += len(entities & places)
        facts.n_right += sum((span.start, span.end) in entities for span in matches)
    return facts


def report_lists(msg: Printer, nlp: Language, components: list[WindowNER], data: Corpora) -> None:
    """Print what the lists of names find, and how much of that are entities.

    msg (Printer): Where to print.
    nlp (Language): The pipeline, initialized.
    components (List[WindowNER]): Its components to check.
    data (Sequence[Tuple[str, List[Example]]]): The corpora with their names.
    """
    for component in components:
        key = spans_key(component)
        if key is None:
            continue
        msg.divider(f"Lists of names of '{component.name}'")
        for name, examples in data:
            _report_list(msg, name, key, read_lists(nlp, examples, key))


def _report_list(msg: Printer, name: str, key: str, facts: ListFacts) -> None:
    total = facts.labels.total()
    if not facts.n_documents:
        msg.warn(
            f"No document of the {name} data has doc.spans['{key}']",
            "Name the component that writes it, such as span_ruler, in [training] "
            "annotating_components, and give it the same spans_key.",
        )
        return
    if not total:
        msg.warn(f"The lists match nothing in the {name} data")
        return
    counts = ", ".join(f"{label} {n}" for label, n in facts.labels.most_common())
    msg.info(f"Matches in the {name} data: {total} ({counts})")
    msg.info(f"Matches that are entities: {facts.n_right / total:.1%} ({facts.n_right} of {total})")
    if not facts.n_entities:
        return
    listed = facts.n_listed / facts.n_entities
    text = f"Entities of the {name} data that are in the lists: {listed:.1%}"
    if name == "training" and listed > NEARLY_ALL:
        msg.warn(
            text,
            "Lists that are compiled from the training data teach the network to trust them alone.",
        )
    else:
        msg.info(f"{text} ({facts.n_listed} of {facts.n_entities})")


def report_clusters(
    msg: Printer, nlp: Language, components: list[WindowNER], train: CorpusFacts, dev: CorpusFacts
) -> None:
    """Print how many words have Brown clusters, where a component uses them.

    msg (Printer): Where to print.
    nlp (Language): The pipeline, initialized.
    components (List[WindowNER]): Its components to check.
    train, dev (CorpusFacts): The facts of the corpora.
    """
    attrs = {
        attr
        for component in components
        for node in component.model.walk()
        for attr in node.attrs.get("attrs", [])
    }
    if not any(attr.startswith("CLUSTER") for attr in attrs):
        return
    msg.divider("Brown clusters")
    if not len(nlp.vocab.lookups.get_table(CLUSTER_TABLE, {})):
        msg.warn(
            f"There are no clusters for '{nlp.lang}': the CLUSTER attributes have no effect",
            "For some languages, `pip install spacy-lookups-data` provides them, and "
            "[initialize.lookups] with spacy_window_ner.lookups.v1 puts them into the pipeline.",
        )
        return
    for name, facts in (("training", train), ("development", dev)):
        found = words_with_clusters(facts.lexemes.orths, nlp.vocab)
        msg.info(f"Tokens of the {name} data with a cluster: {facts.share(np.asarray(found)):.1%}")
