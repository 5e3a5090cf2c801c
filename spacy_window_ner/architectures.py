"""The registered architectures. They name layers and wire them; the arithmetic is in `layers`."""

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model, chain, zero_init
from thinc.types import Floats2d

from .features import validate_attrs
from .layers.activation import Activation
from .layers.affine import Affine
from .layers.affine import grown as grown_affine
from .layers.concatenate import Concatenate
from .layers.document import WithDocument
from .layers.dropout import Dropout
from .layers.embedding import Embedding
from .layers.gazetteer import Gazetteer, WithGazetteer
from .layers.lexemes import LEXEME_EMBED, WithLexemes
from .layers.maxout import Maxout
from .layers.ngrams import CharNgrams
from .layers.products import WithProducts
from .layers.static_vectors import StaticVectors
from .layers.to_numpy import ToNumpy
from .layers.transitions import Scores, Transitions
from .layers.transitions import grown as grown_transitions
from .layers.window import Window
from .objectives import get_objective
from .tags import n_labels


def window_classifier(
    tok2vec: Model[list[Doc], list[Floats2d]],
    objective: str = "crf",
    window_size: int = 3,
    hidden_width: int = 96,
    activation: str = "maxout",
    maxout_pieces: int = 2,
    document_context: bool = True,
    document_votes: bool = True,
    context_dropout: float = 0.2,
    cache_megabytes: int = 128,
    gazetteer_key: str | None = None,
    gazetteer_width: int = 16,
    nO: int | None = None,
) -> Model[list[Doc], Scores]:
    """Build `spacy_window_ner.WindowClassifier.v1`, the whole network.

    tok2vec (Model): Token vectors: from a list of Docs to one array (n_tokens of the document,
        width) for each.
    objective (str): `crf`, `softmax` or `logistic`.
    window_size (int): k, the number of neighbours on each side of a word.
    hidden_width (int): Width of the hidden layer.
    activation (str): `tanh`, `hard_tanh`, `logistic`, `relu` or `maxout`.
    maxout_pieces (int): How many pieces compete, with `maxout`.
    document_context (bool): Whether the network also sees what stands around the same word
        everywhere in the document.
    document_votes (bool): Whether all places of the same word in the document have a say in the
        scores of its tags.
    context_dropout (float): In training, the share of a word's neighbours, and of what stands
        around the same word in the document, that the network does not see, from 0 to below 1. It
        learns to get along with less, which helps most where examples are few. Off where spaCy's
        `drop` is 0.
    cache_megabytes (int): How much memory prediction may use to remember what it has computed for
        each lexeme. It does so where `tok2vec` is a `LexemeEmbed`.
    gazetteer_key (Optional[str]): Where in `doc.spans` an earlier component, a `span_ruler` say,
        writes the matches of lists of names, for the network to take as features. None for none.
    gazetteer_width (int): Width of these features.
    nO (Optional[int]): The number of tags, 1 + 4 · n_labels. The component sets it.
    RETURNS (Model): From a list of Docs to `Scores`.
    RAISES (ValueError): If a setting is outside its range.
    """
    _require_positive("hidden_width", hidden_width)
    learned = get_objective(objective).learns_transitions
    scores = Affine(nO=nO)
    votes = Affine(nO=nO, init_W=zero_init) if document_votes else None
    transitions = Transitions(learned, n_labels=None if nO is None else n_labels(nO))
    vectors = _named("token_vectors", [tok2vec, ToNumpy()])
    window = Window(window_size, context_dropout)
    words = chain(vectors, window)
    if document_context:
        words = WithDocument(vectors, window, context_dropout)
    _require_positive("gazetteer_width", gazetteer_width)
    gazetteer = None if gazetteer_key is None else Gazetteer(gazetteer_key, gazetteer_width)
    if gazetteer is not None:
        words = WithGazetteer(words, gazetteer)
    hidden, *rest = _hidden(hidden_width, activation, maxout_pieces)
    classifier = WithProducts(
        words,
        hidden,
        _named("activation", rest),
        scores,
        votes,
        window_size=window_size,
        document_context=document_context,
        context_dropout=context_dropout,
        cache_megabytes=cache_megabytes,
    )
    if tok2vec.name == LEXEME_EMBED:
        classifier.set_ref("lexeme_embed", tok2vec)
    if gazetteer is not None:  # networks without one are saved as they were before there were any
        classifier.set_ref("gazetteer", gazetteer)
    model = _named("window_classifier", [classifier, transitions])
    model.set_ref("tok2vec", tok2vec)
    model.set_ref("scores", scores)
    model.set_ref("votes", votes)
    model.set_ref("transitions", transitions)
    model.attrs["objective"] = objective
    model.attrs["unseen_labels"] = []
    model.attrs["resize_output"] = resize_output
    return model


def resize_output(model: Model[list[Doc], Scores], nO: int) -> Model[list[Doc], Scores]:
    """Set the number of tags, or add tags to an initialized network.

    model (Model): A network of `window_classifier`.
    nO (int): The number of tags, 1 + 4 · n_labels. New labels come behind the old ones; in an
        initialized network they are unseen, and not predicted, until an annotation has them.
    RETURNS (Model): The same network.
    RAISES (ValueError): If the number is no number of tags, or below the old one.
    """
    labels = n_labels(nO)
    scores, transitions = model.get_ref("scores"), model.get_ref("transitions")
    before = scores.maybe_get_dim("nO")
    if before == nO:
        return model
    if before is not None and nO < before:
        raise ValueError(f"The network has {before} tags and cannot shrink to {nO}.")
    outputs = [name for name in ("scores", "votes") if model.has_ref(name)]
    if scores.has_param("W"):
        for name in outputs:
            _replace(model, name, grown_affine(model.get_ref(name), nO))
        old = n_labels(before)
        model.attrs["unseen_labels"] = [*model.attrs["unseen_labels"], *range(old, labels)]
    else:
        for name in outputs:
            model.get_ref(name).set_dim("nO", nO, force=True)
    _replace(model, "transitions", grown_transitions(transitions, labels))
    return model


def _replace(model: Model, ref: str, layer: Model) -> None:
    """Put a layer with another number of outputs in the place of the one a reference names."""
    old = model.get_ref(ref)
    for node in list(model.walk()):
        if node is old or old not in node.walk():
            continue
        if node.has_dim("nO") and layer.has_dim("nO"):
            node.set_dim("nO", layer.get_dim("nO"), force=True)
        if old in node.layers:
            node.layers[node.layers.index(old)] = layer
    for node in model.walk():
        if node.has_ref(ref):
            node.set_ref(ref, layer)


def lexeme_embed(
    width: int | None = 96,
    attrs: Sequence[str] = (
        "NORM",
        "SHAPE",
        "CASE",
        "PREFIX2",
        "PREFIX3",
        "SUFFIX2",
        "SUFFIX3",
        "SUFFIX4",
    ),
    rows: Sequence[int] = (15000, 1000, 50, 1000, 2500, 1000, 2500, 2500),
    widths: Sequence[int] = (32, 24, 8, 24, 24, 24, 24, 24),
    include_static_vectors: bool = False,
    activation: str = "maxout",
    maxout_pieces: int = 2,
    rare_dropout: float = 0.5,
    ngrams: Sequence[int] = (),
    ngram_rows: int = 10000,
    ngram_width: int = 48,
) -> Model[list[Doc], list[Floats2d]]:
    """Build `spacy_window_ner.LexemeEmbed.v1`: token vectors that depend on the lexeme alone.

    width (Optional[int]): Width of the layer that mixes the parts; null leaves it out, and a token
        vector is its parts side by side.
    attrs (Sequence[str]): The attributes to embed: spaCy's token attributes or those of
        `features.STRING_ATTRS`.
    rows (Sequence[int]): Rows of each attribute's table.
    widths (Sequence[int]): Width of each attribute's vectors.
    include_static_vectors (bool): Whether to add the pipeline's word vectors.
    activation (str): Activation of the mixing layer, as in `window_classifier`.
    maxout_pieces (int): How many pieces compete, with `maxout`.
    rare_dropout (float): α. In training, an attribute's value that occurs n times in the training
        data is replaced by the unknown value with probability α / (α + n).
    ngrams (Sequence[int]): How many characters the n-grams have that a word is also made of, for
        example 3, 4 and 5; none of them if empty.
    ngram_rows (int): Rows of the table of n-grams.
    ngram_width (int): Width of their vectors.
    RETURNS (Model): From a list of Docs to one array (n_tokens of the document, width) for each.
    RAISES (ValueError): If a setting is outside its range.
    """
    validate_attrs(attrs)
    if not len(attrs) == len(rows) == len(widths):
        raise ValueError(
            f"LexemeEmbed needs one number of rows and one width for each attribute, but there "
            f"are {len(attrs)} attrs, {len(rows)} rows and {len(widths)} widths."
        )
    for value in (*rows, *widths):
        _require_positive("each of rows and widths", value)
    _require_positive("ngram_rows", ngram_rows)
    _require_positive("ngram_width", ngram_width)
    parts: list[Model] = [
        Embedding(nO, nV, column=column, attr=attr, seed=column, rare_dropout=rare_dropout)
        for column, (attr, nV, nO) in enumerate(zip(attrs, rows, widths, strict=True))
    ]
    if ngrams:
        parts.append(CharNgrams(ngram_width, ngram_rows, ngrams))
    if include_static_vectors:
        parts.append(StaticVectors())
    if not parts:
        raise ValueError(
            "LexemeEmbed has nothing to embed: give it attrs or ngrams, or set "
            "include_static_vectors = true."
        )
    layers = [Concatenate(parts), Dropout()]
    if width is not None:
        _require_positive("width", width)
        layers += _hidden(width, activation, maxout_pieces)
    return WithLexemes(_named("lexeme_vectors", layers), attrs)


def _named(name: str, layers: Sequence[Model]) -> Model:
    """The layers one after another, under a name that is easy to read in a graph."""
    model = chain(*layers)
    model.name = name
    return model


def _hidden(width: int, activation: str, maxout_pieces: int) -> list[Model]:
    """The layers of h = f(Wx + b) and dropout."""
    if activation == "maxout":
        return [Affine(width * maxout_pieces), Maxout(maxout_pieces), Dropout()]
    return [Affine(width), Activation(activation), Dropout()]


def _require_positive(name: str, value: int) -> None:
    if value != int(value) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1 up, got {value}.")


def _defaults(architecture: Callable) -> dict[str, Any]:
    """The default settings of an architecture, with lists for tuples as in configs."""
    settings = {name: p.default for name, p in signature(architecture).parameters.items()}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in settings.items()
        if value is not Parameter.empty
    }


# The default settings of the whole network, as in a config.
DEFAULT_MODEL = {
    "@architectures": "spacy_window_ner.WindowClassifier.v1",
    **_defaults(window_classifier),
    "tok2vec": {"@architectures": "spacy_window_ner.LexemeEmbed.v1", **_defaults(lexeme_embed)},
}
