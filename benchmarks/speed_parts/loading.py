"""What loading a pipeline takes, and what its component takes on disk."""

import gc
import importlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import spacy
from data import blank
from spacy import util
from systems import SYSTEM

from . import processes
from .pipelines import PEER
from .processes import MEGABYTE, memory_in_use
from .turns import Plan

# The name of a pipeline without components, among what is measured.
BLANK = "blank"


def cost_of_loading(path: str, factory: str) -> dict[str, float]:
    """Measure `spacy.load` with one component.

    path (str): A package or folder.
    factory (str): What made the component.
    RETURNS (Dict[str, float]): Seconds, and megabytes of memory.
    """
    config = util.load_config(_folder(path) / "config.cfg")
    factories = {name: block.get("factory") for name, block in config["components"].items()}
    other = [name for name in factories if factories[name] != factory]
    # What is loaded once in a process is no cost of the pipeline.
    importlib.import_module("spacy_window_ner.component")
    blank(config["nlp"]["lang"])("A sentence.")
    gc.collect()
    before, start = memory_in_use(), process_time()
    nlp = spacy.load(path, exclude=other)
    seconds = process_time() - start
    return {"seconds": seconds, "megabytes": memory_in_use() - before, "parts": len(nlp.pipeline)}


def _folder(path: str) -> Path:
    if Path(path).is_dir():
        return Path(path)
    module = Path(util.get_package_path(path))
    return next((file.parent for file in sorted(module.glob("*/config.cfg"))), module)


def size_of_component(path: str, factory: str) -> float:
    """Measure what a component takes on disk.

    path (str): A package or folder with a pipeline.
    factory (str): What made the component.
    RETURNS (float): Megabytes; 0 if there is no such component.
    """
    folder = _folder(path)
    components = util.load_config(folder / "config.cfg")["components"]
    names = [name for name in components if components[name].get("factory") == factory][:1]
    files = (file for name in names for file in (folder / name).rglob("*") if file.is_file())
    return sum(file.stat().st_size for file in files) / MEGABYTE


def measure_loading(plan: Plan) -> dict[str, dict[str, float]]:
    """Measure what loading takes, in turns and each in a process of its own.

    plan (Plan): The pipelines.
    RETURNS (Dict[str, Dict[str, float]]): For each component its size on disk, and the medians of
        seconds and memory; megabytes. The same for a pipeline without components, `BLANK`.
    """
    with TemporaryDirectory() as folder:
        lang = util.load_config(_folder(str(plan.model)) / "config.cfg")["nlp"]["lang"]
        blank(lang).to_disk(folder)
        return _measure({SYSTEM: str(plan.model), PEER: plan.peer, BLANK: folder}, plan.repeats)


def _measure(paths: Mapping[str, str], repeats: int) -> dict[str, dict[str, float]]:
    costs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(min(3, repeats)):
        for name, path in paths.items():
            costs[name].append(processes.in_new_process(cost_of_loading, path, name))
    return {
        name: {
            "disk_megabytes": size_of_component(path, name),
            "seconds": float(np.median([cost["seconds"] for cost in costs[name]])),
            "memory_megabytes": float(np.median([cost["megabytes"] for cost in costs[name]])),
        }
        for name, path in paths.items()
    }
