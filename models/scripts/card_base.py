"""Meta data, card and licenses of the base network; parameters in half precision.

python scripts/card_base.py training/base/model-best training/base/final
"""

from pathlib import Path

import typer
from card import complete
from prepare_base import chosen
from sources import SOURCES
from spacy import util

DESCRIPTION = (
    "A network that has learned the labels of many English corpora, for others to begin from."
)
# Who made the corpora that `SOURCES` does not have.
AUTHORS = {
    "wnut17": "Derczynski et al. 2017",
    "ncbi": "Doğan et al. 2014",
    "bc2gm": "Smith et al. 2008",
    "linnaeus": "Gerner et al. 2010",
    "craft": "Bada et al. 2012",
    "jnlpba": "Kim et al. 2004",
    "bionlp09": "Kim et al. 2009",
    "bionlp11epi": "Ohta et al. 2011",
    "bionlp11id": "Pyysalo et al. 2011",
    "bionlp13ge": "Kim et al. 2013",
    "bionlp13pc": "Ohta et al. 2013",
    "exptm": "Pyysalo et al. 2011",
    "cyner": "Alam et al. 2022",
    "wnut2020": "Tabassum et al. 2020",
    "tasteset": "Wróblewska et al. 2022",
    "sec": "Salinas Alvarado et al. 2015",
    "re3d": "Defence Science and Technology Laboratory 2017",
    "re3d-wikipedia": "Defence Science and Technology Laboratory 2017",
}
# Where those are whose files are not in a repository.
URLS = {
    "wnut17": "https://noisy-text.github.io/2017/",
    "ncbi": "https://www.ncbi.nlm.nih.gov/CBBresearch/Dogan/DISEASE/",
}


def sources() -> list[dict[str, str]]:
    """RETURNS (List[Dict[str, str]]): What the network was made from."""
    return SOURCES + [
        {
            "name": corpus.name,
            "author": AUTHORS[corpus.name],
            "license": corpus.license,
            "url": URLS.get(corpus.name)
            or f"https://github.com/{corpus.repository.replace('+', '/')}",
        }
        for corpus in chosen([], False)
        if corpus.name in AUTHORS
    ]


def main(model: Path, output: Path, name: str = "window_ner_base", version: str = "0.3.0") -> None:
    """Complete the base network."""
    nlp = util.load_model(model)
    meta = {"name": name, "version": version, "description": DESCRIPTION}
    labels = sorted(nlp.get_pipe("window_ner").labels)
    complete(nlp, output, "card_base.md", sources(), meta, labels=labels)


if __name__ == "__main__":
    typer.run(main)
