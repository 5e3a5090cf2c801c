"""What the studies share: which trainings there are, and how each is set up and kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from data import GLOVE, InputError
from results import AS_IT_STANDS, TABLE, Cell, run_missing, version_of
from settings import CONFIGS, Settings
from systems import SYSTEM, SYSTEMS, Run, open_run

# For each preset the config of window_ner, and the word vectors of all systems.
PRESETS: dict[str, tuple[Path, str | None]] = {
    "efficiency": (CONFIGS / "efficiency.cfg", None),
    "accuracy": (CONFIGS / "accuracy.cfg", GLOVE),
}

# Arguments and options of the command lines.
DataFolder = Annotated[Path, typer.Argument(metavar="DATA_FOLDER", help="Folder of all corpora.")]
Seeds = Annotated[int, typer.Option(min=1, help="Number of seeds, from 0 up.")]
CorpusNames = Annotated[
    list[str] | None, typer.Option("--corpus", help="Name of a corpus' folder. May be repeated.")
]
PresetNames = Annotated[
    list[str] | None, typer.Option("--preset", help=f"{', '.join(PRESETS)}; default: both.")
]
TableFolder = Annotated[Path, typer.Option("--output", help=f"Folder of {TABLE}.")]
DEFAULT_TABLE_FOLDER = Path("benchmarks")


def choose(
    study: str,
    data: Path,
    *,
    corpora: Sequence[str] = (),
    presets: Sequence[str] = (),
    systems: Sequence[str] = (SYSTEM,),
    percents: Sequence[int] = (100,),
    variants: Iterable[str] = (AS_IT_STANDS,),
    seeds: Iterable[int],
) -> list[Cell]:
    """List the cells of a study, starting with the smallest corpora.

    study (str): The study.
    data (Path): The folder of all corpora.
    corpora (Sequence[str]): Names of folders; empty for all.
    presets (Sequence[str]): Names in `PRESETS`; empty for all.
    systems (Sequence[str]): Names in `SYSTEMS`; empty for all.
    percents (Sequence[int]): Shares of the training documents.
    variants (Iterable[str]): What the study calls its variants.
    seeds (Iterable[int]): Seeds.
    RETURNS (List[Cell]): The cells.
    RAISES (InputError): If a name is unknown, or there is no corpus.
    """
    sizes = {path.parent.name: path.stat().st_size for path in data.glob("*/train.*")}
    if not sizes:
        raise InputError(f"There is no corpus in {data}: no folder in it has a train file.")
    for given, there in ((corpora, sizes), (presets, PRESETS), (systems, SYSTEMS)):
        require_known(given, there)
    return [
        Cell(study, corpus, preset, system, seed, percent, variant, version_of(system))
        for preset in presets or PRESETS
        for corpus in sorted(corpora or sizes, key=lambda name: sizes[name])
        for percent in percents
        for seed in seeds
        for variant in variants
        for system in systems or SYSTEMS
    ]


def require_known(given: Iterable[str], there: Iterable[str]) -> None:
    """Reject unknown names.

    given (Iterable[str]): Names.
    there (Iterable[str]): The known names.
    RAISES (InputError): If a name is unknown.
    """
    unknown = sorted(set(given) - set(there))
    if unknown:
        raise InputError(f"There is no {', '.join(unknown)}; there is {', '.join(there)}.")


def open_cell(
    cell: Cell,
    data: Path,
    settings: Settings,
    changes: Mapping[str, Any] | None = None,
    **others: Any,
) -> Run:
    """Prepare the training of a cell.

    cell (Cell): The cell.
    data (Path): The folder of all corpora.
    settings (Settings): Overrides, language and working folder; the rest comes from the cell. The
        language of raw text is unknown: it defaults to spaCy's multi-language class.
    changes (Optional[Mapping[str, Any]]): Settings of the config by their dotted names, which take
        precedence over the overrides.
    **others: Other settings to replace.
    RETURNS (Run): The run, in a folder of its own.
    RAISES (InputError): If something the user gave cannot be used.
    """
    config, vectors = PRESETS[cell.preset]
    corpus = data / cell.corpus
    of_cell = {
        "config": config,
        "vectors": vectors,
        "seed": cell.seed,
        "lang": settings.lang or ("xx" if is_raw(corpus) else None),
        "overrides": {**settings.overrides, **(changes or {})},
    }
    settings = replace(settings, **{**of_cell, **others})
    return open_run(corpus, settings, settings.work / str(cell))


def is_raw(corpus: Path) -> bool:
    """Return whether a corpus is raw text rather than tokens.

    corpus (Path): Its folder.
    """
    return (corpus / "train.jsonl").exists()


def run_study(
    cells: Iterable[Cell],
    run_cell: Callable[..., dict[str, Any]],
    report: Callable[[Path], object],
    *,
    folder: Path,
    **settings: Any,
) -> None:
    """Run the cells that have no result, and report on all that there are.

    cells (Iterable[Cell]): The cells.
    run_cell (Callable): Runs a cell, with the settings.
    report (Callable): Reports on a table of results.
    folder (Path): The folder of the table.
    **settings: What `run_cell` is called with besides the cell.
    RAISES (InputError): If something the user gave cannot be used.
    """
    run_missing(cells, folder / TABLE, partial(run_cell, **settings))
    report(folder / TABLE)
