"""One tokenizer for all languages: spaCy's for several languages, with rules that part the
characters of scripts that are written without spaces. No language has to be named.

Chinese characters and hiragana are a token each; a run of katakana is one token, as is a Thai
consonant with what is written before, above, below and after it. The rules are infixes of no width,
so no text is lost, and they are saved with the tokenizer.
"""

import re

import spacy
from spacy.language import Language
from spacy.util import compile_infix_regex, compile_suffix_regex

# Chinese characters with the signs used among them, hiragana, punctuation of full width.
_SINGLE = (
    "\u2e80-\u2fdf\u3000-\u3098\u309b-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u30fb"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U00020000-\U0003ffff"
)
_KATAKANA = "\u30a0-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
# What is written on the character before: voicing marks, and selectors of a variant.
_MARK = "\u3099\u309a\ufe00-\ufe02\U000e0100-\U000e01ef"
_THAI = "\u0e01-\u0e3a\u0e40-\u0e4e"
_THAI_CONSONANT, _THAI_FIRST_VOWEL = "\u0e01-\u0e2e", "\u0e40-\u0e44"

BOUNDARIES = (
    rf"(?=[{_SINGLE}])",
    rf"(?<=[{_SINGLE}])(?![{_MARK}])",
    rf"(?<=[{_SINGLE}][{_MARK}])(?![{_MARK}])",
    rf"(?<![{_KATAKANA}{_MARK}])(?=[{_KATAKANA}])",
    rf"(?<=[{_KATAKANA}])(?![{_KATAKANA}{_MARK}])",
    rf"(?<=[{_KATAKANA}][{_MARK}])(?![{_KATAKANA}{_MARK}])",
    rf"(?=[{_THAI_FIRST_VOWEL}])",
    rf"(?<![{_THAI_FIRST_VOWEL}])(?=[{_THAI_CONSONANT}])",
    rf"(?<=[{_THAI}])(?![{_THAI}])",
)
# A period after a letter with a combining mark, as after the letter alone.
_PERIOD = r"(?<=[\u0300-\u036f])\."


def blank() -> Language:
    """RETURNS (Language): An empty pipeline with the tokenizer."""
    nlp = spacy.blank("xx")
    infixes, suffixes = nlp.Defaults.infixes or [], nlp.Defaults.suffixes or []
    nlp.tokenizer.infix_finditer = compile_infix_regex([*infixes, "|".join(BOUNDARIES)]).finditer
    nlp.tokenizer.suffix_search = compile_suffix_regex([*suffixes, _PERIOD]).search
    return nlp


def without_spaces(text: str) -> bool:
    """RETURNS (bool): Whether most of a text is written without spaces between words."""
    found = re.findall(f"[{_SINGLE}{_KATAKANA}{_THAI}]", text)
    return 2 * len(found) > len(text)
