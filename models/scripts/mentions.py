"""Other names in the place of annotated ones, so that a network does not learn which names there
are, but where names are.

Names are of the same kind as far as the mention shows it: a surname stays a surname, a university a
university, a country a country. A name is replaced by the same one in all of a document. Titles and
possessives stay.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from random import Random

import spacy
from generated import make_grammar
from grammar import Grammar
from names_of_people import REGIONS, culture, draw
from places import countries
from spacy.tokens import Doc, Span

from spacy_window_ner.labels import annotated_labels

PEOPLE = frozenset(("PER", "PERSON"))
PLACES = frozenset(("LOC", "GPE", "FAC"))
# Labels of which the rules have names of one kind.
THINGS = {"PRODUCT": "product", "WORK_OF_ART": "work", "LAW": "law", "LANGUAGE": "language"}
REPLACED = PEOPLE | PLACES | THINGS.keys() | {"ORG", "EVENT"}
_TITLES = """
mr mrs ms miss dr prof professor sir lord lady president senator sen rep gov governor mayor king
queen prince princess pope judge captain capt sgt colonel col gen general lt rev father chancellor
minister secretary ambassador aunt uncle saint st
"""
TITLES = frozenset(_TITLES.split())
POSSESSIVES = frozenset(("'s", "’s", "'", "’", "'S", "’S"))
# Which rule makes a name like one that has such a word; the first that is found.
ORGANIZATIONS = (
    (r"University|College|School|Institute of|Academy|Université|Universidad", "school"),
    (r"Hospital|Clinic|Medical|Hospice|Infirmary", "hospital"),
    (r"Bank|Credit Union|Banco|Banque", "bank"),
    (r"FC|F\.C\.|United|Club|Rovers|Wanderers|Athletic", "club"),
    (r"Ministry|Department|Agency|Commission|Council|Party|Committee|Association|Foundation"
     r"|Authority|Office|Union|Federation|Court|Senate|Parliament|Times|News|Post", "agency"),
)  # fmt: skip
NATURE = (
    (r"River|Sea|Ocean|Lake|Gulf|Strait|Bay|Canal", "water"),
    (r"Mount|Mt\.?|Mountains?|Valley|Islands?|Peninsula|Desert|Canyon|Cape|Peak|Alps", "land"),
    (r"Europe|Asia|Africa|America|Middle East|Balkans|Caribbean|Antarctica|Scandinavia", "region"),
)
BUILT = (
    (r"Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Drive|Boulevard|Blvd\.?|Highway", "street"),
    (r"Airport|Bridge|Station|Stadium|Park|Tower|Church|Cathedral|Palace|Castle|Hall|Theatre|Museum"
     r"|Building|House|Temple|Arena|Center|Centre|Hotel|Library|Mall|Dam", "building"),
)  # fmt: skip
EVENTS = (
    (r"Wars?|Revolution|Battle|Siege|Uprising|Rebellion|Operation|Massacre|Crisis", "war"),
    (r"Hurricane|Typhoon|Cyclone|Storm|Earthquake|Flood|Fire", "storm"),
    (r"Cup|Open|Games|Olympics?|Bowl|League|Championships?|Marathon|Prix|Series|Masters", "match"),
)  # fmt: skip
# How many names are drawn in search of one that fits.
TRIALS = 20
nlp = spacy.blank("en")


@cache
def given_names() -> frozenset[str]:
    """RETURNS (FrozenSet[str]): Given names of all cultures, in lowercase."""
    names = {name for region in REGIONS.values() for name in region}
    return frozenset(given.lower() for name in names for given in culture(name)[0])


@cache
def country_names() -> frozenset[str]:
    """RETURNS (FrozenSet[str]): Names of countries, in lowercase."""
    return frozenset(name.lower() for name in countries())


class Names:
    """The names that a document gets.

    grammar (Grammar): The grammar that makes names, with the rules of `generated.make_grammar`.
    random (Random): The source of randomness.
    probability (float): The probability that a name is replaced.
    detailed (bool): Whether LOC is what is neither GPE nor FAC, as in OntoNotes. Otherwise it is
        any place.
    """

    def __init__(
        self, grammar: Grammar, random: Random, probability: float, detailed: bool
    ) -> None:
        self.grammar = grammar
        self.random = random
        self.probability = probability
        self.detailed = detailed
        self.chosen: dict[tuple[str, str], str] = {}

    def replacement(self, mention: Span) -> str:
        """Find another name for a mention.

        mention (Span): The mention without title, article and possessive.
        RETURNS (str): The name; that of the mention if it is not replaced.
        """
        text = mention.text
        kind = "person" if mention.label_ in PEOPLE else mention.label_
        if (kind, text.lower()) not in self.chosen:
            name = text
            if self.random.random() < self.probability and not re.search(r"[@_\d/#]", text):
                name = self._person(mention) if kind == "person" else self._thing(mention)
            elif kind == "person":
                self._remember(text, text.split()[0], text.split()[-1])
            self.chosen[kind, text.lower()] = name
        name = self.chosen[kind, text.lower()]
        if text.isupper() and len(text) > 3:
            return name.upper()
        return name.lower() if text.islower() else name

    def _remember(self, text: str, given: str, surname: str) -> None:
        """Remember by which name the two halves of a person's name are replaced."""
        words = text.lower().split()
        self.chosen.setdefault(("person", words[-1]), surname)
        self.chosen.setdefault(("person", words[0]), given)

    def _person(self, mention: Span) -> str:
        person, words = draw(self.random), mention.text.split()
        if len(words) == 1:
            before = mention.doc[mention.start - 1].lower_.rstrip(".") if mention.start else ""
            is_given = words[0].lower() in given_names() and before not in TITLES
            return person.given if is_given else person.surname
        self._remember(mention.text, person.given, person.surname)
        if re.fullmatch(r"([^\W\d_]\.?)+", words[0]) and words[0].isupper() and len(words[0]) < 5:
            return f"{person.given[0]}. {person.surname}"
        return f"{person.given} {person.surname}" if len(words) == 2 else person.full

    def _thing(self, mention: Span) -> str:
        """RETURNS (str): Another name of what is not a person."""
        text, doc = mention.text, mention.doc
        article = mention.start > 0 and doc[mention.start - 1].lower_ == "the"
        article &= mention.label_ not in ("PRODUCT", "LANGUAGE")  # no part of these
        if (rule := self._rule(mention, article)) is None:
            return text
        for _ in range(TRIALS):
            *before, (name, label) = self.grammar.make(rule, self.random)
            short = len(text) > 5 or " " in text or name.isupper() == text.isupper()
            if label and short and bool(before) == article:
                return name
        return text

    def _rule(self, mention: Span, article: bool) -> str | None:
        """RETURNS (Optional[str]): The rule that makes names like that of the mention."""
        text, label = mention.text, mention.label_
        if label in THINGS:
            return THINGS[label]
        tables = {"ORG": ORGANIZATIONS, "FAC": BUILT, "LOC": NATURE, "EVENT": EVENTS}.get(label, ())
        if label == "LOC" and not self.detailed:
            tables += BUILT
        for words, rule in tables:
            if re.search(rf"\b(?:{words})(?!\w)", text):
                return rule
        if label == "EVENT":
            return "show"
        if label == "ORG":
            return "agency" if article else "company" if not text.isupper() else "org"
        if (text.isupper() and len(text) < 5) or len(mention) > 4:
            return None  # "U.S.", or an address
        if label == "FAC":
            return "building"
        if label == "LOC" and (self.detailed or article):
            return "region"
        return "country" if article or text.lower() in country_names() else "city"


def replace_mentions(docs: Iterable[Doc], probability: float, seed: int) -> Iterator[Doc]:
    """Replace names at random: of people, organizations, places, and of the labels of `REPLACED`.

    docs (Iterable[Doc]): Annotated documents, whose labels of people are PER or PERSON, of
        organizations ORG, of places LOC, GPE and FAC; all others are those of OntoNotes.
    probability (float): The probability that a name is replaced, from 0 to 1.
    seed (int): The same names are chosen with the same seed.
    YIELDS (Doc): Documents with other names. They have tokens, whitespace, sentences, entities,
        missing annotation and user data of the originals, and no other annotation.
    RAISES (ValueError): If the probability is not one.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"The probability must be from 0 to 1, got {probability}.")
    grammar, random = make_grammar(), Random(seed)
    for doc in docs:
        labels = annotated_labels(doc) or {ent.label_ for ent in doc.ents}
        names = Names(grammar, random, probability, "GPE" in labels)
        mentions = [core(ent) for ent in doc.ents if ent.label_ in REPLACED]
        # Long names first: what they are decides what their parts are.
        found = {
            mention.start: (mention, names.replacement(mention))
            for mention in sorted(mentions, key=len, reverse=True)
            if len(mention)
        }
        yield rewrite(doc, {i: pair for i, pair in found.items() if pair[0].text != pair[1]})


def core(ent: Span) -> Span:
    """RETURNS (Span): An entity without title, article and possessive, which stay."""
    start, end = ent.start, ent.end
    if end - start > 1 and ent[-1].text in POSSESSIVES:
        end -= 1
    people = ent.label_ in PEOPLE
    while (
        end - start > 1
        and ent.label_ != "WORK_OF_ART"
        and (
            ent.doc[start].lower_.rstrip(".") in TITLES
            if people
            else ent.doc[start].lower_ == "the"
        )
    ):
        start += 1
    return Span(ent.doc, start, end, label=ent.label)


def rewrite(doc: Doc, replaced: dict[int, tuple[Span, str]]) -> Doc:
    """Write a document with other names.

    doc (Doc): The document.
    replaced (Dict[int, Tuple[Span, str]]): By the first token, what is replaced and by what.
    RETURNS (Doc): The new document.
    """
    words: list[str] = []
    spaces: list[bool] = []
    starts: list[bool | None] = []
    tags: list[str] = []
    position = 0
    while position < len(doc):
        token = doc[position]
        starts.append(token.is_sent_start)
        tags.append(f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else token.ent_iob_)
        if position not in replaced:
            words.append(token.text)
            spaces.append(bool(token.whitespace_))
            position += 1
            continue
        mention, name = replaced[position]
        new = nlp.make_doc(name)
        words += [one.text for one in new]
        spaces += [*(bool(one.whitespace_) for one in new[:-1]), bool(mention[-1].whitespace_)]
        rest = len(new) - 1
        starts += [None if token.is_sent_start is None else False] * rest
        tags += [f"I-{mention.label_}"] * rest
        position = mention.end
    written = Doc(doc.vocab, words, spaces, sent_starts=starts, ents=tags)
    written.user_data.update(doc.user_data)
    written.has_unknown_spaces = doc.has_unknown_spaces
    return written
