"""`python -m spacy window-ner check-gradients`: compare gradients with central differences."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Model
from wasabi import msg

from ..component import WindowNER
from ..network.graph import Node, check_graph
from ..network.layers.gazetteer import GAZETTEER
from ..network.layers.lexeme_embed import LEXEME_EMBED
from .inputs import explained, load
from .options import WITH_OVERRIDES, new_app, overrides

app = new_app()
# Float64 stays well below this bound; a wrong formula exceeds it by far.
BOUND = 1e-6

_WORDS = (
    (["Paris", "Hilton", "met", "Samuel", "Quinn", "in", "Paris", "."], 2),
    (["The", "Hilton", "Hotel", "opened", "in", "April", "1989"], 3),
    (["Nobody", "came"], 0),
)


@app.command("check-gradients", context_settings=WITH_OVERRIDES)
def check_network(
    ctx: typer.Context,
    config_or_model: Annotated[
        str, typer.Argument(help="Path to a config, or name or path of a pipeline")
    ],
) -> None:
    """Compare all gradients with central differences. Prints the network as a graph of nodes, with
    the shapes of each node and the largest relative error of its gradients. Exits with code 1 if an
    error is too large. Settings of a config can be overridden as in `spacy train`, for example
    --initialize.vectors en_core_web_md.
    """
    nlp = _load(config_or_model, overrides(ctx))
    components = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, WindowNER)]
    if not components:
        msg.fail(
            f"The pipeline of {config_or_model} has no window_ner component: {nlp.pipe_names}",
            exits=1,
        )
    results = [_check(nlp, component) for component in components]
    if not all(results):
        raise typer.Exit(1)


def _load(name: str, settings: dict[str, Any]) -> Language:
    path = Path(name)
    if path.is_file():
        with explained(f"Not a valid config: {name}"):
            config = util.load_config(path, overrides=settings, interpolate=False)
            nlp = util.load_model_from_config(config, auto_fill=True)
        examples = _examples(nlp, ["A", "B"])
        util.fix_random_seed(nlp.config.interpolate()["training"]["seed"] or 0)
        with nlp.select_pipes(enable=_trainable_by_window_ner(nlp)):
            nlp.initialize(lambda: examples)
        return nlp
    if settings:
        msg.fail(f"Only settings of a config can be overridden, but {name} is a pipeline", exits=1)
    return load(name)


def _trainable_by_window_ner(nlp: Language) -> list[str]:
    """The components that the examples can initialize: window_ner and what it listens to."""
    names = [name for name, pipe in nlp.pipeline if isinstance(pipe, WindowNER)]
    return [name for name in nlp.pipe_names if name in names or _has_listeners(nlp, name)]


def _has_listeners(nlp: Language, name: str) -> bool:
    return bool(getattr(nlp.get_pipe(name), "listener_map", None))


def _examples(nlp: Language, labels: list[str]) -> list[Example]:
    """Sentences annotated with each label in turn; missing tags give the loss all its terms."""
    examples = []
    for i, (words, n_entity) in enumerate(_WORDS):
        tags = ["O"] * len(words)
        if n_entity and labels:
            label = labels[i % len(labels)]
            inner = [f"I-{label}"] * (n_entity - 2)
            tags[:n_entity] = [f"B-{label}", *inner, f"L-{label}"]
            tags[-1] = "-"
        predicted = Doc(nlp.vocab, words=words)
        examples.append(Example.from_dict(predicted, {"entities": tags}))
    return examples


def _check(nlp: Language, component: WindowNER) -> bool:
    examples = _examples(nlp, component.label_data)
    docs = [example.predicted for example in examples]
    model: Model = component.model
    _add_matches(docs, model)
    if component.tok2vec.name != LEXEME_EMBED:
        # Other layers compute token vectors in float32: check everything after them.
        for _, pipe in nlp.pipeline:
            if pipe is component:
                break
            if hasattr(pipe, "predict") and hasattr(pipe, "set_annotations"):
                pipe.set_annotations(docs, pipe.predict(docs))
        given = component.tok2vec.predict(docs)
        place = list(component.model.walk()).index(component.tok2vec)
        model = component.model.copy()
        tok2vec = list(model.walk())[place]
        constant = Model("given_vectors", lambda model, X, is_train: (given, lambda d_Y: []))
        util.replace_model_node(model, tok2vec, constant)
    nodes = check_graph(model, docs, lambda scores: component.get_loss(examples, scores))
    _print_graph(component, nodes)
    worst = np.max([node.error for node in nodes])
    if worst <= BOUND:
        msg.good(f"The largest relative error is {worst:.1e}, within {BOUND:.0e}")
        return True
    msg.fail(f"The largest relative error is {worst:.1e}, above {BOUND:.0e}")
    return False


def _add_matches(docs: list[Doc], model: Model) -> None:
    """Add the span groups that a gazetteer of the network reads."""
    for node in model.walk():
        if node.name != GAZETTEER:
            continue
        for doc in docs:
            bounds = [(0, len(doc)), (0, 1)]  # nested, so that every position in a match occurs
            spans = [Span(doc, start, end, label="A") for start, end in bounds]
            doc.spans[node.attrs["spans_key"]] = spans


def _print_graph(component: WindowNER, nodes: list[Node]) -> None:
    msg.divider(f"{component.name}: objective {component.model.attrs['objective']}")
    if component.tok2vec.name != LEXEME_EMBED:
        msg.info(f"Token vectors come from '{component.tok2vec.name}', which is not checked")
    rows = []
    for node in nodes:
        params = ", ".join(f"{name} {shape}" for name, shape in node.params.items())
        rows.append(
            ("  " * node.depth + node.name, node.input, node.output, params, f"{node.error:.1e}")
        )
    header = ("Node", "In", "Out", "Parameters", "Error")
    msg.table(rows, header=header, divider=True, aligns=("l", "l", "l", "l", "r"))
