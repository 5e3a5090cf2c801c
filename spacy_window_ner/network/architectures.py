"""The registered architectures. They name layers and wire them; the arithmetic is in `layers`."""

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d

from ..objectives import get_objective
from ..sequences.tags import n_labels
from .features import validate_attrs
from .layers.activation import Activation
from .layers.affine import Affine, resize_affine
from .layers.character_pairs import CharacterPairs
from .layers.concatenate import Concatenate
from .layers.dropout import Dropout
from .layers.embedding import Embedding
from .layers.emissions import Emissions
from .layers.gazetteer import Gazetteer
from .layers.hidden import HiddenSum
from .layers.hidden_window import HiddenWindow
from .layers.lexeme_embed import WithLexemes
from .layers.maxout import Maxout
from .layers.same_word_mean import SameWordMean
from .layers.static_vectors import StaticVectors
from .layers.token_vectors import TokenVectors
from .layers.transitions import Scores, Transitions, resize_transitions
from .layers.vector_clusters import VectorClusters
from .layers.window_affine import WindowAffine

# The width of the vectors of `VectorClusters`.
CLUSTER_WIDTH = 16


def window_classifier(
    tok2vec: Model[list[Doc], list[Floats2d]],
    objective: str = "crf",
    window_size: int = 3,
    hidden_width: int = 96,
    activation: str = "maxout",
    maxout_pieces: int = 2,
    document_context: bool = True,
    context_dropout: float = 0.2,
    cache_megabytes: int = 192,
    gazetteer_key: str | None = None,
    hidden_windows: Sequence[int] = (),
    character_pairs: int = 0,
    nO: int | None = None,
) -> Model[list[Doc], Scores]:
    """Build `spacy_window_ner.WindowClassifier.v2`, the whole network.

    tok2vec (Model): Token vectors: from a list of Docs to one array (n_tokens of the document,
        width) for each.
    objective (str): `crf`, `softmax` or `logistic`.
    window_size (int): k, the number of neighbors on each side of a word.
    hidden_width (int): Width of the hidden layer.
    activation (str): `tanh`, `hard_tanh`, `logistic`, `relu` or `maxout`.
    maxout_pieces (int): How many pieces compete, with `maxout`.
    document_context (bool): Whether the network also sees what surrounds the same word elsewhere
        in the document.
    context_dropout (float): In training, the share of a word's neighbors, and of the contexts of
        the same word in the document, that is hidden from the network, from 0 to below 1. It helps
        most if there are few examples. Disabled if spaCy's `drop` is 0.
    cache_megabytes (int): Memory limit of the cache of computed values for each lexeme during
        prediction. Only used if `tok2vec` is a `LexemeEmbed`.
    gazetteer_key (Optional[str]): The key in `doc.spans` under which an earlier component, for
        example a `span_ruler`, stores matches in lists of names, which become features. None to
        use no lists.
    hidden_windows (Sequence[int]): The sizes k of additional windows over the previous hidden
        layer, with k neighbors on each side. More accurate if there are many examples, but slower.
    character_pairs (int): How many pairs of neighboring characters of scripts without spaces
        (Chinese, Japanese, Thai and others) have a vector: the most frequent ones of the training
        data. 0 to use none. Only useful if each character is a token.
    nO (Optional[int]): The number of tags, 1 + 4 · n_labels. The component sets it.
    RETURNS (Model): From a list of Docs to `Scores`.
    RAISES (ValueError): If a setting is outside its range.
    """
    _require_positive("hidden_width", hidden_width)
    if character_pairs != 0:
        _require_positive("character_pairs", character_pairs)
    learned = get_objective(objective).learns_transitions
    affine, *activations = _hidden(hidden_width, activation, maxout_pieces)
    width = affine.get_dim("nO")
    window = WindowAffine(window_size, width, context_dropout=context_dropout)
    context = SameWordMean(WindowAffine(1, width), context_dropout) if document_context else None
    gazetteer = None if gazetteer_key is None else Gazetteer(gazetteer_key, width)
    vectors = TokenVectors(tok2vec, reach=max(window_size, 1))
    pairs = CharacterPairs(character_pairs, width) if character_pairs else None
    hidden = HiddenSum(vectors, window, context, gazetteer, pairs, cache_megabytes=cache_megabytes)
    scores = Affine(nO, hidden_width)
    transitions = Transitions(learned, n_labels=None if nO is None else n_labels(nO))
    windows = [_hidden_window(k, hidden_width, activation, maxout_pieces) for k in hidden_windows]
    emissions = Emissions(hidden, _named("activation", activations), scores, windows)
    model = _named("window_classifier", [emissions, transitions])
    model.set_ref("tok2vec", tok2vec)
    model.set_ref("hidden", hidden)
    model.set_ref("scores", scores)
    model.set_ref("transitions", transitions)
    model.attrs["objective"] = objective
    model.attrs["unseen_labels"] = []
    model.attrs["resize_output"] = resize_output
    return model


def resize_output(model: Model[list[Doc], Scores], nO: int) -> Model[list[Doc], Scores]:
    """Set the number of tags, or add tags to an initialized network.

    model (Model): A network of `window_classifier`.
    nO (int): The number of tags, 1 + 4 · n_labels. New labels come after the old ones; in an
        initialized network they are unseen, and not predicted, until an annotation has them.
    RETURNS (Model): The same network.
    RAISES (ValueError): If the number is not a valid number of tags, or below the old one.
    """
    labels = n_labels(nO)
    scores, transitions = model.get_ref("scores"), model.get_ref("transitions")
    before = scores.maybe_get_dim("nO")
    if before == nO:
        return model
    if before is not None and nO < before:
        raise ValueError(f"The network has {before} tags and cannot shrink to {nO}.")
    if scores.has_param("W"):
        model.replace_node(scores, resize_affine(scores, nO))
        old = n_labels(before)
        model.attrs["unseen_labels"] = [*model.attrs["unseen_labels"], *range(old, labels)]
    else:
        scores.set_dim("nO", nO, force=True)
    model.replace_node(transitions, resize_transitions(transitions, labels))
    return model


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
    vector_clusters: Sequence[int] = (),
) -> Model[list[Doc], list[Floats2d]]:
    """Build `spacy_window_ner.LexemeEmbed.v2`: token vectors that depend on the lexeme alone.

    width (Optional[int]): Width of the layer that mixes the parts; null leaves it out, and a token
        vector is its parts side by side.
    attrs (Sequence[str]): The attributes to embed: spaCy's token attributes or those of
        `string_attrs.STRING_ATTRS`.
    rows (Sequence[int]): Rows of each attribute's table.
    widths (Sequence[int]): Width of each attribute's vectors.
    include_static_vectors (bool): Whether to add the pipeline's word vectors.
    activation (str): Activation of the mixing layer, as in `window_classifier`.
    maxout_pieces (int): How many pieces compete, with `maxout`.
    rare_dropout (float): α. In training, an attribute's value that occurs n times in the training
        data is replaced by the unknown value with probability α / (α + n).
    vector_clusters (Sequence[int]): Numbers of clusters that the pipeline's word vectors are
        divided into, each division a part of its own.
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
    for value in vector_clusters:
        _require_positive("each of vector_clusters", value)
    parts: list[Model] = [
        Embedding(nO, nV, column=column, attr=attr, seed=column, rare_dropout=rare_dropout)
        for column, (attr, nV, nO) in enumerate(zip(attrs, rows, widths, strict=True))
    ]
    if include_static_vectors:
        parts.append(StaticVectors())
    parts += [VectorClusters(n_clusters, CLUSTER_WIDTH) for n_clusters in vector_clusters]
    if not parts:
        raise ValueError(
            "LexemeEmbed has nothing to embed. Set attrs, or set include_static_vectors = true."
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


def _hidden_window(size: int, width: int, activation: str, maxout_pieces: int) -> Model:
    """A layer of `HiddenWindow` with k = size."""
    _require_positive("each of hidden_windows", size)
    affine, *activations = _hidden(width, activation, maxout_pieces)
    window = WindowAffine(size, affine.get_dim("nO"), (2 * size + 1) * width)
    return HiddenWindow(window, _named("activation", activations), width)


def _require_positive(name: str, value: int) -> None:
    if value != int(value) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value}.")


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
    "@architectures": "spacy_window_ner.WindowClassifier.v2",
    **_defaults(window_classifier),
    "tok2vec": {"@architectures": "spacy_window_ner.LexemeEmbed.v2", **_defaults(lexeme_embed)},
}
