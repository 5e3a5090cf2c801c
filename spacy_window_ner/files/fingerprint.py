"""A fingerprint of a pipeline, by which results that are kept belong to it."""

import hashlib
from pathlib import Path

from spacy.language import Language


def fingerprint(nlp: Language) -> str:
    """Compute a fingerprint of everything a pipeline consists of, its parameters too.

    nlp (Language): The pipeline.
    RETURNS (str): A hash of its config and of its files, or of its bytes if it was not loaded from
        any.
    """
    digest = hashlib.sha256(nlp.config.to_str(interpolate=False).encode("utf8"))
    folder = nlp.path
    if folder is None or not Path(folder).is_dir():
        digest.update(nlp.to_bytes())
        return digest.hexdigest()
    for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
        if "__pycache__" in path.parts:
            continue
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()
