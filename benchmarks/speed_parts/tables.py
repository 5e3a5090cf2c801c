"""The results as tables."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from report import show_origin
from wasabi import msg

from .calls import KINDS
from .latency import SENTENCE
from .targets import is_met

# How many functions the table of calls has, the most expensive first.
_FUNCTIONS = 20


def show(results: Mapping[str, Any]) -> None:
    """Print the results.

    results (Mapping[str, Any]): What `measure` returns.
    """
    _show_corpus(results)
    rows = [_speed_row(name, values) for name, values in results["speed"].items()]
    rows += [_speed_row(f"training, {name}", v) for name, v in results["training"].items()]
    msg.table(rows, header=("words/s", "median", "quartiles"), divider=True, aligns=("l", "r", "r"))
    rows = [
        (name, *(f"{values[p]:.2f}" for p in ("p50", "p95", "p99")))
        for name, values in results["latency"].items()
    ]
    header = (f"ms, {SENTENCE} words", "p50", "p95", "p99")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"))
    parts = results["parts"]
    rows = [
        (name, *(f"{parts[state][name]:.2f}" for state in ("cold", "warm")))
        for name in parts["cold"]
    ]
    rows.insert(-1, ("sum", *(f"{_sum_of_parts(parts[s]):.2f}" for s in ("cold", "warm"))))
    header = ("µs a word", "cold", "warm")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rr"))
    _show_growth(results["growth"])
    rows = [(name, *(f"{value:.2f}" for value in v.values())) for name, v in _loading(results)]
    header = ("loading", "MB on disk", "seconds", "MB of memory")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"))
    if results["time_to_best"]:
        _show_time_to_best(results["time_to_best"])
    rows = [
        (name, f"{value:.2f}", f"{sign} {target:g}", "yes" if is_met(value, sign, target) else "–")
        for name, value, sign, target in results["targets"]
    ]
    header = ("measure", "figure", "target", "met")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"), max_col=70)
    for note in results["notes"]:
        msg.info(note)
    show_origin(results)


def show_calls(results: Mapping[str, Any]) -> None:
    """Print the calls for a short document.

    results (Mapping[str, Any]): What `profile` returns.
    """
    _show_corpus(results)
    calls = results["calls"]
    functions = dict(islice(calls["functions"].items(), _FUNCTIONS))
    for title, rows in (("room", calls["rooms"]), ("function", functions)):
        table = [
            (
                name,
                *(f"{values[kind]:.1f}" for kind in KINDS),
                f"{sum(values.values()):.1f}",
            )
            for name, values in rows.items()
        ]
        if title == "room":
            total = [sum(map(float, column)) for column in list(zip(*table, strict=True))[1:]]
            table.append(("sum", *(f"{value:.1f}" for value in total)))
        header = (title, "Python", "NumPy", "other C", "calls")
        msg.table(table, header=header, divider=True, aligns=("l", *"rrrr"), max_col=70)
    msg.info(
        f"Calls for one document of {SENTENCE} words, warm: the mean of "
        f"{calls['documents']} documents. Operators, indexing and ufuncs are not counted as calls."
    )
    show_origin(results)


def _show_corpus(results: Mapping[str, Any]) -> None:
    msg.divider(f"{results['corpus']}, {results['threads']} thread(s)")


def _speed_row(name: str, values: Mapping[str, float]) -> tuple[str, str, str]:
    return name, f"{values['median']:,.0f}", f"{values['low']:,.0f} – {values['high']:,.0f}"


def _sum_of_parts(parts: Mapping[str, float]) -> float:
    return sum(value for name, value in parts.items() if name != "floor")


def _loading(results: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, float]]]:
    return results["loading"].items()


def _show_growth(growth: Mapping[str, Any]) -> None:
    rows = []
    for kind, way in (("lengths", ""), ("counts", " through nlp.pipe")):
        for row in growth[kind]:
            name = f"{row['documents']:,} × {row['length']:,}{way}"
            rows.append((name, f"{row['seconds']:.2f}", f"{row['peak_megabytes']:.0f}"))
    header = ("documents", "seconds", "peak MB above them")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rr"))


def _show_time_to_best(results: Mapping[str, Any]) -> None:
    rows = []
    for name, system in results.items():
        best, reached = system["best"], system["reached"]
        when = "never" if reached is None else f"{reached['seconds']:,.0f}"
        rows.append((name, f"{100 * best['f']:.2f}", f"{best['seconds']:,.0f}", when))
    header = ("training", "best dev F1", "s until then", "s until the other's best")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"))
