"""Spark and Ray beside the local run, on the same rows:

    python benchmarks/bulk_engines.py PIPELINE TEXTS.spacy --engine spark --engine ray

Prints words per second, how many workers there were, how often the pipeline was loaded, and how
many rows differ from those of the local run. The times are of whole jobs, with loading and what it
takes to bring the rows there and back; the engine itself has been started before.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from bulk import Corpora, Model, make_texts, read_sentences
from scoring import same_entities
from wasabi import msg

from spacy_window_ner.bulk import annotate_batches
from spacy_window_ner.bulk.loading import load_once

# The name of a package that loads the pipeline, and keeps a record of that.
COUNTED = "counted_pipeline"

Rows = list[dict[str, Any]]


def local(pipeline: str, path: Path) -> Rows:
    """RETURNS (List[Dict[str, Any]]): The rows that this process gives."""
    nlp = load_once(pipeline)
    batches = pq.ParquetFile(path).iter_batches(10_000)
    return pa.Table.from_batches(annotate_batches(nlp, batches)).to_pylist()


def write_package(folder: Path, pipeline: str) -> Path:
    """Write a package that loads a pipeline, so that engines load it by its name.

    folder (Path): Where to write it to. Workers get it by PYTHONPATH.
    pipeline (str): Name or path of the pipeline.
    RETURNS (Path): A folder with an empty file for each time that it was loaded, whose name begins
        with the number of the process.
    """
    loads = folder / "loads"
    loads.mkdir()
    (folder / COUNTED).mkdir()
    (folder / COUNTED / "__init__.py").write_text(
        "import os, time, spacy\n"
        "def load(**overrides):\n"
        f"    name = f'{{os.getpid()}}-{{time.time_ns()}}'\n"
        f"    open(os.path.join({str(loads)!r}, name), 'w').close()\n"
        f"    return spacy.load({pipeline!r}, **overrides)\n"
    )
    info = folder / f"{COUNTED}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {COUNTED}\nVersion: 1.0\n")
    old = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [old])])
    return loads


def with_spark(path: Path, workers: int) -> Iterator[Callable[[], Rows]]:
    """Start Spark. YIELDS (Callable): Gives the rows."""
    from pyspark.sql import SparkSession

    from spacy_window_ner.bulk.spark import annotate

    builder = SparkSession.builder.master(f"local[{workers}]").config("spark.ui.enabled", "false")
    session = builder.config("spark.log.level", "ERROR").getOrCreate()
    session.range(workers).rdd.map(lambda row: row.id).collect()
    output = path.with_suffix(".spark")

    def run() -> Rows:
        df = session.read.parquet(str(path)).repartition(4 * workers)
        annotate(df, COUNTED).write.mode("overwrite").parquet(str(output))
        return pq.read_table(output).to_pylist()

    yield run
    session.stop()


def with_ray(path: Path, workers: int) -> Iterator[Callable[[], Rows]]:
    """Start Ray. YIELDS (Callable): Gives the rows."""
    import ray

    from spacy_window_ner.bulk.ray import annotate

    names = ("PYTHONPATH", "OMP_NUM_THREADS")
    variables = {name: os.environ[name] for name in names if name in os.environ}
    ray.init(
        num_cpus=workers,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": variables},
    )
    ray.data.DataContext.get_current().enable_progress_bars = False

    def run() -> Rows:
        # The workers take all CPUs, so none is left for reading: the rows are there already.
        with pq.ParquetFile(path) as file:
            groups = [file.read_row_group(i) for i in range(file.num_row_groups)]
        return annotate(ray.data.from_arrow(groups), COUNTED, workers=workers).take_all()

    yield run
    ray.shutdown()


ENGINES = {"spark": with_spark, "ray": with_ray}


def n_different(rows: Rows, others: Rows) -> int:
    """RETURNS (int): How many rows differ, but for the last digits of probabilities."""
    by_number = {row["n"]: row for row in rows}
    return len(rows) - len(by_number) + sum(_differ(by_number.get(o["n"]), o) for o in others)


def _differ(one: dict[str, Any] | None, other: dict[str, Any]) -> bool:
    if one is None or one["text"] != other["text"] or one["error"] != other["error"]:
        return True
    return not same_entities(one["entities"], other["entities"])


def main(
    pipeline: Model,
    corpora: Corpora,
    engine: Annotated[list[str], typer.Option(help="spark or ray; can be repeated")],
    number: Annotated[int, typer.Option(help="Number of rows")] = 100_000,
    workers: Annotated[int, typer.Option(help="Number of workers")] = 2,
) -> None:
    """Print words per second of each engine, and whether its rows are those of the local run."""
    texts = list(make_texts(read_sentences(corpora), number, 1))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "texts.parquet"
        pq.write_table(pa.table({"n": range(number), "text": texts}), path, row_group_size=10_000)
        nlp = load_once(pipeline)
        n_words = sum(len(doc) for doc in map(nlp.make_doc, texts))
        start = perf_counter()
        expected = local(pipeline, path)
        table: list[Any] = [("local", f"{n_words / (perf_counter() - start):,.0f}", 1, 1, "")]
        loads = write_package(Path(name), pipeline)
        for one in engine:
            for run in ENGINES[one](path, workers):
                start = perf_counter()
                rows = run()
                speed = n_words / (perf_counter() - start)
            found = list(loads.iterdir())
            processes = {mark.name.split("-")[0] for mark in found}
            different = f"{n_different(rows, expected):,} of {number:,}"
            table.append((one, f"{speed:,.0f}", len(processes), len(found), different))
            for mark in found:
                mark.unlink()
    header = ("Engine", "Words per second", "Workers", "Loads", "Rows that differ")
    msg.table(table, header=header, divider=True, aligns=("l", *"r" * 4))


if __name__ == "__main__":
    typer.run(main)
