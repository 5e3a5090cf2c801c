"""Meta data, card and licenses of the pipeline for many languages.

python scripts/card_many.py training/many/model-best training/many/scores.json training/many/final
"""

from pathlib import Path
from typing import Any

import numpy as np
import srsly
import typer
from card import complete
from many_corpora import CORPORA, Corpus
from spacy import util
from thinc.api import Model

from spacy_window_ner.network.layers.embedding import set_known

DESCRIPTION = "Names of people, places and organizations in many languages, on a CPU."
# How often a word or an affix has to be in the training data to be known to the published pipeline.
LEAST_OF_WORDS, LEAST_OF_AFFIXES = 2, 3
# A language with a lower F1 is not among those that the pipeline reads.
LOWEST = 60.0
LANGUAGES = {
    "da": "Danish",
    "de": "German",
    "en": "English",
    "et": "Estonian",
    "fi": "Finnish",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "ja": "Japanese",
    "ko": "Korean",
    "lv": "Latvian",
    "nb": "Norwegian Bokmål",
    "nn": "Norwegian Nynorsk",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sr": "Serbian (Latin script)",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "zh": "Chinese (simplified)",
}
# What a language's texts, or its names, are like.
REMARKS = {
    "da": "older news; compounds such as “SID-huset” are names",
    "de": "one sentence at a time, Wikipedia and news; no compounds such as “Berlin-Besuch”",
    "en": "Wikipedia and the web; `en_window_ner_sm` is better",
    "et": "news and forums; 1,400 sentences to learn from",
    "fi": "blogs, Wikipedia, parliament, fiction",
    "hi": "mostly names of places; one sentence at a time",
    "hr": "news of the Balkans",
    "hu": "fiction, law, news, web, Wikipedia",
    "id": "Wikipedia and news, one sentence at a time",
    "ja": "Wikipedia and the web; a run of katakana is one token",
    "ko": "news and reviews; particles are tokens of their own",
    "lv": "news, fiction, law; the outer of nested names",
    "nb": "news, parliament, blogs",
    "nn": "news, parliament, blogs",
    "pt": "news of Portugal and Brazil, Brazilian court decisions",
    "ro": "news; names of people cut out of mentions such as “domnul prefect Ion Pop”",
    "ru": "news of politics, few documents",
    "sk": "fiction to learn from, Wikipedia to test on: few places and organizations",
    "sr": "news of the Balkans, Latin script; Cyrillic Serbian was not seen",
    "sv": "essays with few names, and short news",
    "th": "news, a sentence at a time; a token is a syllable or less",
    "tr": "Wikipedia, one sentence at a time; a name has its ending, as in “İngiltere'de”",
    "zh": "Wikipedia; every character is a token",
}

# Where the corpora of the data folder come from.
URLS = {
    "KLUE": "https://klue-benchmark.com/",
    "Universal NER EWT": "https://www.universalner.org/",
    "wikigold": "https://aclanthology.org/W09-3302/",
    "GUM": "https://github.com/amir-zeldes/gum",
    "CrossNER": "https://github.com/zliucr/CrossNER",
}


def url(corpus: Corpus) -> str:
    """RETURNS (str): Where a corpus is."""
    if not corpus.repository:
        return URLS[corpus.name]
    return f"https://github.com/{corpus.repository.replace('+', '/')}"


def sources() -> list[dict[str, str]]:
    """RETURNS (List[Dict[str, str]]): What the pipeline was made from."""
    return [
        {"name": one.name, "author": one.author, "license": one.license, "url": url(one)}
        for one in CORPORA
        if "train" in one.parts
    ]


def by_language(scores: dict[str, Any]) -> list[dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): What the card says of each language, the best first."""
    own = scores["systems"]["window_ner"]
    others = {name: of for name, of in scores["systems"].items() if name != "window_ner"}
    rows = []
    for lang, name in LANGUAGES.items():
        sizes = [one for one in scores["sizes"] if one["lang"] == lang and one["train"][0]]
        rows.append(
            {
                "lang": lang,
                "name": name,
                "corpora": ", ".join(one["name"] for one in sizes),
                "sentences": sum(one["train"][0] for one in sizes),
                "names": sum(one["train"][2] for one in sizes),
                "f": own[lang]["total"]["f"],
                "by_label": {of: own[lang]["by_label"][of]["f"] for of in ("PER", "LOC", "ORG")},
                "ece": own[lang]["ece"],
                "by_chance": own[lang]["ece_by_chance"],
                "others": {
                    n: of[lang]["total"]["f"] if lang in of else None for n, of in others.items()
                },
                "remark": REMARKS[lang],
            }
        )
    return sorted(rows, key=lambda row: -row["f"])


def forget_rare(network: Model) -> None:
    """Let words and affixes that are rare in the training data be unknown, so that the package
    stays small. On the development data this costs 0.2 points of F1.

    network (Model): The network, which is changed.
    """
    for node in network.walk():
        if node.attrs.get("known"):
            counts = np.frombuffer(node.attrs["counts"], dtype="<u4")
            is_word = node.name == "embed_NORM"
            kept = counts >= (LEAST_OF_WORDS if is_word else LEAST_OF_AFFIXES)
            set_known(node, np.frombuffer(node.attrs["known"], dtype="<u8")[kept], counts[kept])


def main(model: Path, scores_path: Path, output: Path, version: str = "0.3.1") -> None:
    """Complete the trained pipeline."""
    # Ids of words are computed from their letters: the strings of the training data are not needed.
    nlp = util.load_model(model, exclude=["strings"])
    forget_rare(nlp.get_pipe("window_ner").model)
    scores = srsly.read_json(scores_path)
    rows = by_language(scores)
    speeds = scores.get("words_per_second", {})
    nlp.meta.setdefault("performance", {}).update(
        languages={row["lang"]: row["f"] for row in rows},
        words_per_second=speeds.get("window_ner"),
    )
    only_tested = [
        {"name": one.name, **scores["systems"]["window_ner"][one.name]}
        for one in CORPORA
        if "train" not in one.parts and one.name in scores["systems"]["window_ner"]
    ]
    complete(
        nlp,
        output,
        "card_many.md",
        sources(),
        {"name": "window_ner_sm", "version": version, "description": DESCRIPTION},
        rows=[row for row in rows if row["f"] >= LOWEST],
        left_out=[row for row in rows if row["f"] < LOWEST],
        systems=[name for name in scores["systems"] if name != "window_ner"],
        only_tested=only_tested,
        speeds=speeds,
    )


if __name__ == "__main__":
    typer.run(main)
