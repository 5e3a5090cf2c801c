"""Meta data, model card and licenses of pipelines; parameters in half precision."""

from pathlib import Path
from typing import Any

import srsly
from jinja2 import Environment, FileSystemLoader
from spacy.language import Language
from wasabi import msg

from spacy_window_ner.files.serialization import round_to_half_precision
from spacy_window_ner.network.lexicon import CLUSTER_TABLE, Lexicon, carry, half_precision

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


def complete(
    nlp: Language,
    output: Path,
    template: str,
    sources: list[dict[str, str]],
    meta: dict[str, Any],
    **values: Any,
) -> None:
    """Save a pipeline with its card and licenses.

    nlp (Language): The pipeline, which is changed.
    output (Path): Where to save it.
    template (str): The name of the template of the card.
    sources (List[Dict[str, str]]): What it was made from: name, author, license, url.
    meta (Dict[str, Any]): Name, version and description, and what else is particular to it.
    values (Any): What the card says.
    """
    shrink(nlp)
    # Nobody else has the files that it was trained on, and the network that it began from.
    nlp.config["paths"].update(dict.fromkeys(nlp.config["paths"]))
    nlp.config["initialize"]["after_init"] = None
    nlp.meta.update(
        author="spacy-window-ner contributors",
        url="https://github.com/spacy-window-ner/spacy-window-ner",
        license="CC BY-SA 4.0",
        sources=sources,
        requirements=["spacy-window-ner>=1.0.0,<2.0.0"],
        **meta,
    )
    nlp.to_disk(output)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    nlp.meta["size"] = f"{size / 1e6:.0f} MB"
    nlp.to_disk(output)
    templates = Environment(loader=FileSystemLoader(HERE / "templates"), keep_trailing_newline=True)
    card = templates.get_template(template)
    words = f"{nlp.vocab.vectors.shape[0]:,}"
    text = card.render(description=meta["description"], sources=sources, words=words, **values)
    (output / "README.md").write_text(text, encoding="utf8")
    license_text = (HERE / "templates" / "LICENSE").read_text(encoding="utf8")
    name = f"{nlp.lang}_{meta['name']}"
    (output / "LICENSE").write_text(license_text.replace("en_window_ner_sm", name), encoding="utf8")
    lines = [f"{one['name']}\n{one['author']}\n{one['license']}\n{one['url']}\n" for one in sources]
    (output / "LICENSES_SOURCES").write_text("\n".join(lines), encoding="utf8")
    msg.good(f"Completed the pipeline: {output}")


def measured(nlp: Language, scores_path: Path) -> dict[str, Any]:
    """Put what was measured into the meta data of a pipeline.

    nlp (Language): The pipeline, which is changed.
    scores_path (Path): What `evaluate.py` has written.
    RETURNS (Dict[str, Any]): What the card says of it.
    """
    scores = srsly.read_json(scores_path)
    speeds = scores["words_per_second"]
    texts = {title: of for title, of in scores["texts"].items() if "window_ner" in of}
    nlp.meta["performance"]["test"] = scores["corpora"]
    nlp.meta["performance"]["held_out"] = scores["held_out"]
    nlp.meta["performance"]["texts"] = texts
    nlp.meta["performance"]["words_per_second"] = speeds["window_ner"]
    return {
        "corpora": scores["corpora"],
        "held_out": scores["held_out"],
        "texts": texts,
        "speeds": speeds,
        "systems": list(speeds),
        "labels": ("PER", "LOC", "ORG", "DATE"),
    }
