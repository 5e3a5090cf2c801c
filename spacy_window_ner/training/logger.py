"""A logger for `spacy train` that also draws the training curve."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from spacy.language import Language
from spacy.training.loggers import console_logger_v3

from ..files.saving import replacing

LogStep = Callable[[dict[str, Any] | None], None]
SetUp = Callable[[Language, IO, IO], tuple[LogStep, Callable[[], None]]]


def plot_logger(
    path: str | Path,
    progress_bar: str | None = None,
    console_output: bool = True,
    output_file: str | Path | None = None,
) -> SetUp:
    """Print the same as `spacy.ConsoleLogger.v3`, and plot F1, loss and calibration by step to an
    SVG file, which is replaced after every evaluation.

    path (Union[str, Path]): The SVG file.
    progress_bar (Optional[str]): As in `spacy.ConsoleLogger.v3`.
    console_output (bool): As in `spacy.ConsoleLogger.v3`.
    output_file (Optional[Union[str, Path]]): As in `spacy.ConsoleLogger.v3`.
    RETURNS (Callable): The logger.
    RAISES (ImportError): If matplotlib is not installed.
    """
    _figure_class()
    path = Path(path)
    set_up_console = console_logger_v3(progress_bar, console_output, output_file)

    def set_up(
        nlp: Language, stdout: IO = sys.stdout, stderr: IO = sys.stderr
    ) -> tuple[LogStep, Callable[[], None]]:
        path.parent.mkdir(parents=True, exist_ok=True)
        log_to_console, finalize = set_up_console(nlp, stdout, stderr)
        logged: list[dict[str, Any]] = []

        def log_step(info: dict[str, Any] | None) -> None:
            log_to_console(info)
            if info is not None:
                steps = info["step"] - logged[-1]["step"] if logged else info["step"] + 1
                logged.append(point(info, steps))
                draw(logged, path)

        return log_step, finalize

    return set_up


def point(info: dict[str, Any], steps: int) -> dict[str, Any]:
    """The values of one evaluation to plot.

    info (Dict[str, Any]): The argument that `spacy train` passes to a logger.
    steps (int): The number of steps since the last evaluation, over which losses are summed.
    RETURNS (Dict[str, Any]): `step`; `scores`, F1 of the entities in percent, or the main score of
        the training if there is none; `losses` per step, by component; and `calibration`, if
        `spacy_window_ner.ner_scorer.v1` has computed the calibration error.
    """
    f, ece = (info["other_scores"].get(name) for name in ("ents_f", "ents_ece"))
    score = {"score": info["score"]} if f is None else {"F1": f}
    losses = {name: float(loss) / max(steps, 1) for name, loss in info["losses"].items()}
    return {
        "step": info["step"],
        "scores": {name: 100 * float(x) for name, x in score.items()},
        "losses": losses,
        "calibration": {} if ece is None else {"ECE": float(ece)},
    }


TITLES = {
    "scores": "score on the development data, %",
    "losses": "mean loss of a step",
    "calibration": "calibration error",
}


def draw(logged: list[dict[str, Any]], path: Path) -> None:
    """Plot scores, losses and, if known, calibration by step, one below the other.

    logged (List[Dict[str, Any]]): The result of `point` for each evaluation.
    path (Path): The SVG file, which is replaced atomically.
    """
    keys = [key for key in TITLES if key != "calibration" or any(one[key] for one in logged)]
    figure = _figure_class()(figsize=(7, 3 * len(keys)), layout="constrained")
    for axes, key in zip(figure.subplots(len(keys), 1, sharex=True), keys, strict=True):
        for name in sorted({name for one in logged for name in one[key]}):
            pairs = [(one["step"], one[key][name]) for one in logged if name in one[key]]
            axes.plot(*zip(*pairs, strict=True), marker=".", label=name)
        if axes.has_data():
            axes.legend()
        axes.grid(alpha=0.3)
        axes.set_ylabel(TITLES[key])
    axes.set_xlabel("step")
    with replacing(path) as unfinished:
        figure.savefig(unfinished, format="svg", metadata={"Date": None})


def _figure_class() -> Any:
    """Matplotlib's `Figure`, without pyplot, which would keep the figure in memory."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "spacy_window_ner.PlotLogger.v1 needs matplotlib. Install it with: "
            "pip install 'spacy-window-ner[plot]'. "
            'Alternatively, use the logger {"@loggers":"spacy.ConsoleLogger.v1"}.'
        ) from error
    return Figure
