"""Meta data, model card and licenses; parameters in half precision.

python scripts/card.py training/model-best training/scores.json training/final
"""

import shutil
from pathlib import Path
from typing import Any

import srsly
import typer
from jinja2 import Template
from spacy import util
from spacy.language import Language
from wasabi import msg

from spacy_window_ner.files.serialization import round_to_half_precision
from spacy_window_ner.network.lexicon import CLUSTER_TABLE, Lexicon, carry, half_precision

SOURCES = [
    {
        "name": "wikigold",
        "author": "Balasuriya et al. 2009",
        "license": "CC BY 4.0",
        "url": "https://aclanthology.org/W09-3302/",
    },
    {
        "name": "Broad Twitter Corpus",
        "author": "Derczynski et al. 2016",
        "license": "CC BY 4.0",
        "url": "https://aclanthology.org/C16-1111/",
    },
    {
        "name": "Universal NER, English Web Treebank",
        "author": "Mayhew et al. 2024",
        "license": "CC BY-SA 4.0",
        "url": "https://www.universalner.org/",
    },
    {
        "name": "GUM (genres under CC BY)",
        "author": "Zeldes 2017",
        "license": "CC BY 4.0",
        "url": "https://gucorpling.org/gum/",
    },
    {
        "name": "CrossNER",
        "author": "Liu et al. 2021",
        "license": "MIT",
        "url": "https://github.com/zliucr/CrossNER",
    },
    {
        "name": "GloVe 6B, 50 dimensions",
        "author": "Pennington et al. 2014",
        "license": "PDDL 1.0",
        "url": "https://nlp.stanford.edu/projects/glove/",
    },
    {
        "name": "Brown clusters of spacy-lookups-data",
        "author": "Explosion",
        "license": "MIT",
        "url": "https://github.com/explosion/spacy-lookups-data",
    },
]
DESCRIPTION = "Names of people, places and organizations, and dates, in English text, on a CPU."
HERE = Path(__file__).parent.parent


def shrink(nlp: Language) -> None:
    """Let a pipeline take half the space and time to load: parameters and vectors with 16 bits,
    which are 32 again when it is loaded, and Brown clusters in the network.
    """
    network, vocab = nlp.get_pipe("window_ner").model, nlp.vocab
    round_to_half_precision(network)
    vocab.vectors.data = half_precision(vocab.vectors.data)
    if CLUSTER_TABLE in vocab.lookups:
        carry(network, Lexicon(clusters=vocab.lookups.remove_table(CLUSTER_TABLE)))


def card(scores: dict[str, Any], words: int) -> str:
    """RETURNS (str): The model card."""
    template = Template((HERE / "templates" / "card.md").read_text(encoding="utf8"))
    return template.render(
        description=DESCRIPTION,
        corpora=scores["corpora"],
        speeds=scores["words_per_second"],
        sources=SOURCES,
        labels=("PER", "LOC", "ORG", "DATE"),
        words=f"{words:,}",
    )


def main(
    model: Path,
    scores_path: Path,
    output: Path,
    name: str = "window_ner_sm",
    version: str = "0.3.0",
) -> None:
    """Complete a trained pipeline."""
    nlp = util.load_model(model)
    scores = srsly.read_json(scores_path)
    shrink(nlp)
    # Nobody else has the files that it was trained on.
    nlp.config["paths"].update(dict.fromkeys(nlp.config["paths"]))
    nlp.meta.update(
        name=name,
        version=version,
        description=DESCRIPTION,
        author="spacy-window-ner contributors",
        url="https://github.com/spacy-window-ner/spacy-window-ner",
        license="CC BY-SA 4.0",
        sources=SOURCES,
        requirements=["spacy-window-ner>=0.3.0,<0.4.0"],
    )
    nlp.meta["performance"]["test"] = scores["corpora"]
    nlp.meta["performance"]["words_per_second"] = scores["words_per_second"]["window_ner"]
    nlp.to_disk(output)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    nlp.meta["size"] = f"{size / 1e6:.0f} MB"
    nlp.to_disk(output)
    (output / "README.md").write_text(card(scores, nlp.vocab.vectors.shape[0]), encoding="utf8")
    shutil.copy(HERE / "templates" / "LICENSE", output)
    lines = [f"{one['name']}\n{one['author']}\n{one['license']}\n{one['url']}\n" for one in SOURCES]
    (output / "LICENSES_SOURCES").write_text("\n".join(lines), encoding="utf8")
    msg.good(f"Completed the pipeline: {output}")


if __name__ == "__main__":
    typer.run(main)
