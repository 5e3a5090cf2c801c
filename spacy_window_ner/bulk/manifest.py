"""The manifest of a run of `annotate`, saved with its results, so that only this run resumes it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from .. import about
from ..files.fingerprint import fingerprint
from ..files.texts import InputError
from .plan import Settings, Shard, plan
from .writers import whole_file

NAME = "_manifest.json"


def describe_run(
    nlp: Language, pipeline: str, files: Sequence[Path], settings: Settings
) -> dict[str, Any]:
    """Describe a run.

    nlp (Language): The pipeline.
    pipeline (str): Its name or path.
    files (Sequence[Path]): The files to read.
    settings (Settings): The settings.
    RETURNS (Dict[str, Any]): Everything that the results depend on, as plain data.
    """
    stats = {str(path): path.stat() for path in files}
    return {
        "pipeline": {"name": pipeline, "fingerprint": fingerprint(nlp)},
        "versions": {"spacy": spacy.__version__, "spacy_window_ner": about.__version__},
        "settings": asdict(settings),
        "inputs": {path: [one.st_size, one.st_mtime_ns] for path, one in stats.items()},
    }


def begin(
    output: Path, run: dict[str, Any], files: Sequence[Path], settings: Settings
) -> list[Shard]:
    """Start or resume a run.

    output (Path): The folder of the results.
    run (Dict[str, Any]): The result of `describe_run`.
    files (Sequence[Path]): The files to read.
    settings (Settings): The settings.
    RETURNS (List[Shard]): All shards, in order.
    RAISES (InputError): If the folder belongs to another run, or contains other files.
    """
    path = output / NAME
    if path.exists():
        try:
            before = json.loads(path.read_text(encoding="utf8"))
            shards = [Shard.from_json(shard) for shard in before["shards"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged. Choose another output folder.") from error
        changed = differences(before, run)
        if changed:
            raise InputError(
                f"{output} contains the results of another run. To resume that run, repeat its "
                f"command. Otherwise, choose another output folder. Differences:\n"
                + "\n".join(changed)
            )
        return shards
    # Temporary files of a run that was interrupted before it wrote a manifest can be ignored.
    if output.exists() and (
        not output.is_dir() or any(not path.name.endswith(".tmp") for path in output.iterdir())
    ):
        raise InputError(f"{output} contains other files. Choose a new or empty folder.")
    shards = plan(files, settings)
    output.mkdir(parents=True, exist_ok=True)
    contents = {**run, "shards": [shard.to_json() for shard in shards]}
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(contents, ensure_ascii=False, indent=1), encoding="utf8")
    return shards


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Compare two runs.

    before (Dict[str, Any]): The result of `describe_run` for the first run.
    now (Dict[str, Any]): The same for the second run.
    RETURNS (List[str]): A line for each difference.
    """
    lines = []
    if before["pipeline"]["fingerprint"] != now["pipeline"]["fingerprint"]:
        names = before["pipeline"]["name"], now["pipeline"]["name"]
        if names[0] == names[1]:
            lines.append(f"- pipeline: the contents of {names[0]} have changed")
        else:
            lines.append(f"- pipeline: {names[0]} → {names[1]}")
    for part in ("versions", "settings"):
        for name in sorted({*before[part], *now[part]}):
            old, new = before[part].get(name), now[part].get(name)
            if old != new:
                lines.append(f"- {name}: {old!r} → {new!r}")
    old, new = before["inputs"], now["inputs"]
    lines += [f"- input removed: {path}" for path in old if path not in new]
    lines += [f"- input added: {path}" for path in new if path not in old]
    lines += [f"- input changed: {path}" for path in new if old.get(path, new[path]) != new[path]]
    if not lines and list(old) != list(new):
        lines.append("- the order of the inputs")
    return lines
