"""An NLP engine for Presidio that uses the probabilities of entities as scores.

Presidio's own engine for spaCy assigns the score 0.85 to every entity, because spaCy has no
probabilities. With this engine, the score of an entity is its probability. Entities of other
components keep Presidio's default.

    pip install 'spacy-window-ner[presidio]'
"""

try:
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
except ImportError as error:
    raise ImportError(
        "spacy_window_ner.presidio needs Presidio. Install it with: "
        "pip install 'spacy-window-ner[presidio]'"
    ) from error
from spacy.language import Language
from spacy.tokens import Doc


class WindowNEREngine(SpacyNlpEngine):
    """Presidio's engine for spaCy with probabilities as scores."""

    engine_name = "window_ner"

    def __init__(
        self,
        models: list[dict[str, str]],
        ner_model_configuration: NerModelConfiguration | None = None,
    ) -> None:
        """Initialize the engine; `load` loads the pipelines.

        models (List[Dict[str, str]]): For each language its "lang_code" and the name or path of its
            pipeline, "model_name".
        ner_model_configuration (Optional[NerModelConfiguration]): Presidio's settings: the mapping
            of labels, labels to ignore, and the score of entities without a probability.
        """
        super().__init__(models, ner_model_configuration)

    @classmethod
    def from_pipelines(
        cls,
        pipelines: dict[str, Language],
        ner_model_configuration: NerModelConfiguration | None = None,
    ) -> "WindowNEREngine":
        """Make an engine from loaded pipelines.

        pipelines (Dict[str, Language]): The pipeline of each language, by its code.
        ner_model_configuration (Optional[NerModelConfiguration]): See `__init__`.
        RETURNS (WindowNEREngine): The engine.
        """
        models = [
            {"lang_code": code, "model_name": nlp.meta["name"]} for code, nlp in pipelines.items()
        ]
        engine = cls(models, ner_model_configuration)
        engine.nlp = dict(pipelines)
        return engine

    def _get_scores_for_entities(self, doc: Doc) -> list[float]:
        """RETURNS (List[float]): The score of each entity of a document."""
        default = self.ner_model_configuration.default_score
        scores = [ent._.score for ent in doc.ents]
        return [default if score is None else score for score in scores]
