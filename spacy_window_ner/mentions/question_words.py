"""The words of a question → the labels of its answer, and what to search for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spacy.util import get_lang_class

from . import relations

_PEOPLE = ("PER", "PERSON")
PLACES = ("LOC", "GPE", "FAC", "LOCATION")
_ORGANIZATIONS = ("ORG", "ORGANIZATION", "CORPORATION", "GROUP")
_DATES = ("DATE", "TIME")
_WHO = ("who", "whom", "whose")

# The first of these words that is in a question decides on the labels of its answer.
LABELS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys([*_WHO, "person", "man", "woman", "player"], _PEOPLE),
    **dict.fromkeys(["author", "singer", "politician", "scientist", "actor", "artist"], _PEOPLE),
    **dict.fromkeys(["actress", "writer", "poet", "musician", "director", "president"], _PEOPLE),
    **dict.fromkeys(["where", "place", "city", "town", "country", "state", "village"], PLACES),
    **dict.fromkeys(["region", "river", "island", "county"], PLACES),
    **dict.fromkeys(["when", "date", "year", "month", "day"], _DATES),
    **dict.fromkeys(["organization", "organisation", "company", "university"], _ORGANIZATIONS),
    **dict.fromkeys(["school", "band", "team", "club", "party", "agency"], _ORGANIZATIONS),
    **dict.fromkeys(["bank", "publisher", "newspaper", "institution"], _ORGANIZATIONS),
}
# Recognizers take names of one of these kinds for those of another.
_CONFUSED = frozenset(label.casefold() for label in _PEOPLE + PLACES + _ORGANIZATIONS)


@dataclass(frozen=True)
class SearchTerm:
    """A word to search for.

    forms (Tuple[str]): The word, and other words for the same relation; see `relations`.
    is_name (bool): Whether it is written with a capital letter or digits in the question.
    """

    forms: tuple[str, ...]
    is_name: bool


@dataclass(frozen=True)
class NameQuestion:
    """What a question asks for.

    text (str): The question.
    labels (Tuple[str]): The labels of its answer.
    others (Tuple[str]): Further labels, which recognizers often confuse with these.
    terms (Tuple[SearchTerm]): The words to search for.
    verb (Tuple[str]): The verb and its related words, if it is clear on which side the answer is.
    side (int): -1 if the answer is before the verb, 1 if it is after it, or 0.
    asks_for (str): "place", "date", or an empty string.
    """

    text: str
    labels: tuple[str, ...]
    others: tuple[str, ...]
    terms: tuple[SearchTerm, ...]
    verb: tuple[str, ...]
    side: int
    asks_for: str


def answer_labels(
    question: str, known: Sequence[str], words: Mapping[str, Sequence[str]] | None = None
) -> list[str]:
    """Find the labels that the answer of a question may have.

    question (str): The question.
    known (Sequence[str]): The labels that there are.
    words (Optional[Mapping[str, Sequence[str]]]): Words of questions with their labels, besides
        `LABELS` and in their place.
    RETURNS (List[str]): Those of the known labels that the first word stands for; case is ignored.
        For "who", also those of organizations if the verb is one of what organizations do.
    RAISES (ValueError): If there is no such word, or none of its labels is known.
    """
    mapping = {**LABELS, **{word.casefold(): tuple(of) for word, of in (words or {}).items()}}
    found, after = _question_word(question, mapping)
    if not found:
        raise ValueError(
            f"It is not clear what kind of name {question!r} asks for. Begin with who, where, when "
            f"or which organization, or give the label of the answer: {', '.join(known) or 'none'}."
        )
    allowed = mapping[found]
    if found in _WHO and relations.may_be_organization(after):
        allowed += _ORGANIZATIONS
    labels = _known(known, allowed)
    if not labels:
        raise ValueError(
            f"{found!r} asks for {' or '.join(allowed)}, but the labels of the database are "
            f"{', '.join(known) or 'none'}. Give the label of the answer."
        )
    return labels


def content_words(question: str, lang: str) -> list[str]:
    """Find the words of a question to search for.

    question (str): The question.
    lang (str): The language, whose stop words are left out.
    RETURNS (List[str]): The words, each once. All words if there are none but stop words.
    RAISES (ValueError): If there is no word.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", question.casefold())))
    if not words:
        raise ValueError(f"There is no word in {question!r}.")
    stop_words = get_lang_class(lang).Defaults.stop_words
    return [word for word in words if word not in stop_words and len(word) > 1] or words


def read_question(
    question: str,
    known: Sequence[str],
    lang: str,
    *,
    labels: Sequence[str] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
) -> NameQuestion:
    """Find what a question asks for.

    question (str): The question.
    known (Sequence[str]): The labels that there are.
    lang (str): The language.
    labels (Optional[Sequence[str]]): The labels of the answer; found in the question if None.
    words (Optional[Mapping[str, Sequence[str]]]): See `answer_labels`.
    RETURNS (NameQuestion): What it asks for.
    RAISES (ValueError): If the labels are unknown or not clear, or there is nothing to search for.
    """
    is_given = labels is not None
    wanted = list(labels or []) if is_given else answer_labels(question, known, words)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise ValueError(
            f"There are no names with the label {', '.join(unknown)}. The labels of the database "
            f"are {', '.join(known) or 'none'}."
        )
    found, after = _question_word(question, {**LABELS, **dict.fromkeys(words or {}, ())})
    asks_for = "place" if _known(wanted, PLACES) else "date" if _known(wanted, _DATES) else ""
    verb, side = ("", 0) if asks_for or lang != "en" else relations.verb_of(after)
    is_confused = not is_given and any(label.casefold() in _CONFUSED for label in wanted)
    others = [
        label
        for label in known
        if is_confused and label.casefold() in _CONFUSED and label not in wanted
    ]
    return NameQuestion(
        question,
        tuple(wanted),
        tuple(others),
        tuple(_terms(question, found, lang)),
        _forms(verb, lang) if verb else (),
        side,
        asks_for,
    )


def _question_word(question: str, mapping: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """The word of the mapping that comes first, its plural included, and the words after it."""
    words = re.findall(r"\w+", question.casefold())
    for i, word in enumerate(words):
        for one in (word, word[:-1], f"{word[:-3]}y"):
            if one in mapping and (one == word or word.endswith("s")):
                return one, words[i + 1 :]
    return "", words


def _known(known: Sequence[str], wanted: Sequence[str]) -> list[str]:
    folded = {label.casefold() for label in wanted}
    return [label for label in known if label.casefold() in folded]


def _terms(question: str, question_word: str, lang: str) -> list[SearchTerm]:
    words = content_words(question, lang)
    names = {
        word.casefold()
        for word in re.findall(r"\w+", question)[1:]
        if word[0].isupper() or word[0].isdigit()
    }
    is_rest = [
        word != question_word and not (lang == "en" and relations.is_light(word)) for word in words
    ]
    kept = [word for word, is_kept in zip(words, is_rest, strict=True) if is_kept] or words
    return [SearchTerm(_forms(word, lang), word in names) for word in kept]


def _forms(word: str, lang: str) -> tuple[str, ...]:
    return relations.related(word) if lang == "en" else (word,)
