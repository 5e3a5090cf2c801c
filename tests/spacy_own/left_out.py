"""Which of spaCy's tests do not run on `window_ner`, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why tests are left out.

    text (str): What they look at.
    sign (str): A regular expression that the source of each of them has a match of.
    """

    text: str
    sign: str


MOVES = Reason(
    "the moves of the transition system: which there are, or which a state allows",
    r"\.moves\b|\.move_names\b",
)
ORACLE = Reason(
    "the transition system by itself, without any component: the oracle's sequence of moves, or "
    "what it keeps of its settings",
    r"\btsys\b|\bBiluoPushDown\(",
)
BEAM = Reason(
    "the beam: the method that searches with one, or the scores of what it found",
    r"\.beam_parse\(|\.greedy_parse\(|\.scored_ents\(",
)
SETTING = Reason(
    "a setting of the oracle, kept in the component's `cfg`",
    r"\bcfg\[\"update_with_oracle_cut_size\"\]",
)

LEFT_OUT: dict[str, Reason] = {
    "parser/test_add_label.py::test_add_label_deserializes_correctly": MOVES,
    "parser/test_add_label.py::test_add_label_get_label": MOVES,
    "parser/test_add_label.py::test_ner_labels_added_implicitly_on_beam_parse": BEAM,
    "parser/test_add_label.py::test_ner_labels_added_implicitly_on_greedy_parse": BEAM,
    "parser/test_ner.py::test_accept_blocked_token": MOVES,
    "parser/test_ner.py::test_beam_ner_scores": BEAM,
    "parser/test_ner.py::test_beam_overfitting_IO": BEAM,
    "parser/test_ner.py::test_get_oracle_moves": ORACLE,
    "parser/test_ner.py::test_issue1967": MOVES,
    "parser/test_ner.py::test_issue2179": MOVES,
    "parser/test_ner.py::test_issue3209": MOVES,
    "parser/test_ner.py::test_issue4313": BEAM,
    "parser/test_ner.py::test_labels_from_BILUO": MOVES,
    "parser/test_ner.py::test_negative_sample_key_is_in_config": ORACLE,
    "parser/test_ner.py::test_negative_samples_U_entity": ORACLE,
    "parser/test_ner.py::test_negative_samples_three_word_input": ORACLE,
    "parser/test_ner.py::test_negative_samples_two_word_input": ORACLE,
    "parser/test_ner.py::test_oracle_moves_missing_B": ORACLE,  # which spaCy skips itself
    "parser/test_ner.py::test_oracle_moves_whitespace": ORACLE,  # which spaCy skips itself
    "parser/test_ner.py::test_overwrite_token": MOVES,
    "pipeline/test_entity_ruler.py::test_issue3345": MOVES,
    "serialize/test_serialize_pipeline.py::test_issue4725_1": SETTING,
}

# These name the recognizer and build none. They run, to show that they build none.
BUILD_NONE: dict[str, str] = {
    "serialize/test_serialize_config.py::test_config_validate_literal": (
        "`ner` is a setting of the parser's network here"
    ),
    "serialize/test_serialize_language.py::test_issue6950": (
        "the config has a section for `ner`, which the pipeline leaves out"
    ),
    "test_cli.py::test_debug_data_compile_gold": "counts the entities of annotation",
    "test_language.py::test_evaluate_multiple_textcat_separate": (
        "scores text categories by the scorer's functions alone"
    ),
    "test_scorer.py::test_score_cats": "scores text categories by the scorer's functions alone",
    "test_scorer.py::test_score_spans": "scores spans by the scorer's functions alone",
    "test_factory_imports.py::test_factory_import_compatibility": "imports the factory function",
    "training/test_training.py::test_issue4402": "converts annotation under the key `ner`",
    "vocab_vectors/test_vectors.py::test_issue4725_2": (
        "all of it stands under a condition that compares a function with a class"
    ),
}
