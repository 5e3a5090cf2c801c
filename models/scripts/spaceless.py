"""One tokenizer for all languages: spaCy's for several languages, with rules that part the
characters of scripts that are written without spaces. No language has to be named.

Chinese characters and hiragana are a token each; a run of katakana is one token, as is a Thai
consonant with what is written before, above, below and after it. Korean particles are tokens of
their own, and so are Turkish endings after an apostrophe: otherwise each name has many forms. The
rules are infixes and suffixes, so no text is lost, and they are saved with the
tokenizer.
"""

import re
from unicodedata import normalize

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
    r"(?<=[\uac00-\ud7a3\u1100-\u11ff])[(「『《〈‘“·]",  # written without a space in Korean
)
# A period after a letter with a combining mark, as after the letter alone.
_PERIOD = r"(?<=[\u0300-\u036f])\."
_ENDING = r"(?<=[^\W_]|[\u0300-\u036f])['’][a-zçğıöşü\u0300-\u036f]{1,8}"
# Long ones first: "에서" is one particle.
_PARTICLES = (
    *("에서는", "에서도", "에서의", "에게서", "으로서", "으로써", "이라는", "이라고"),
    *("에는", "에도", "에서", "에게", "으로", "부터", "까지", "보다", "처럼", "이나", "이며"),
    *("라는", "라고", "과의", "와의"),
    *"은는이가을를의에와과도만로",
)  # fmt: skip
# After two syllables, composed or not, or two other letters: a surname alone has no particle here.
_BEFORE = (
    r"(?<=[가-힣A-Za-z0-9]{2})|(?<=[\u1100-\u11ff]{4})|(?<=[A-Za-z0-9][\u1100-\u11ff]{2})"
    r"|(?<=[A-Za-z0-9][\u1100-\u11ff]{3})|(?<=[)’”》」])"
)
_FORMS = [normalize(form, particle) for form in ("NFC", "NFD") for particle in _PARTICLES]
_PARTICLE = f"(?:{_BEFORE})(?:{'|'.join(_FORMS)})"


def blank() -> Language:
    """RETURNS (Language): An empty pipeline with the tokenizer."""
    nlp = spacy.blank("xx")
    infixes, suffixes = nlp.Defaults.infixes or [], nlp.Defaults.suffixes or []
    rules = [*suffixes, _PERIOD, _ENDING, _PARTICLE]
    nlp.tokenizer.infix_finditer = compile_infix_regex([*infixes, "|".join(BOUNDARIES)]).finditer
    nlp.tokenizer.suffix_search = compile_suffix_regex(rules).search
    return nlp


def without_spaces(text: str) -> bool:
    """RETURNS (bool): Whether most of a text is written without spaces between words."""
    found = re.findall(f"[{_SINGLE}{_KATAKANA}{_THAI}]", text)
    return 2 * len(found) > len(text)
