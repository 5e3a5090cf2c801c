"""Bulk annotation on Spark.

pip install 'spacy-window-ner[spark]'
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

try:
    from pyspark import SparkFiles
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType
except ImportError as error:
    raise ImportError(
        "spacy_window_ner.bulk.spark needs Spark: pip install 'spacy-window-ner[spark]'"
    ) from error
import pyarrow as pa

from .batches import annotate_batches
from .loading import load_once
from .plan import Shard
from .shards import BulkTask, Counts, Progress, counts_of, try_shard

# The columns that annotation adds, as Spark writes types.
ADDED = (
    "entities array<struct<start: int, end: int, label: string, text: string, "
    "probability: float>>, error string"
)


def annotate(
    df: DataFrame, pipeline: str, text: str = "text", *, strict: bool = False
) -> DataFrame:
    """Annotate a data frame. Each Python worker loads the pipeline once.

    df (DataFrame): The data frame.
    pipeline (str): The name of a pipeline that is installed on the workers, a path that they see,
        or the name of a folder that was sent to them by `SparkContext.addFile` or `--archives`.
    text (str): The column of the texts.
    strict (bool): Whether the first text that cannot be read ends the job.
    RETURNS (DataFrame): The same with the columns `entities` and `error`; see `annotate_batches`.
    RAISES (ValueError): If there is no such column, or if the new ones are there already.
    """
    added = StructType.fromDDL(ADDED)
    _check(df, text, added)

    def annotate_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return annotate_batches(
            load_once(find_pipeline(pipeline)), batches, text=text, strict=strict
        )

    return df.mapInArrow(annotate_partition, StructType([*df.schema.fields, *added.fields]))


def _check(df: DataFrame, text: str, added: StructType) -> None:
    if df.columns.count(text) != 1:
        columns = ", ".join(df.columns)
        raise ValueError(f"There is no column {text!r} with texts. Columns: {columns}.")
    taken = [name for name in added.names if name in df.columns]
    if taken:
        raise ValueError(f"Rename the columns that the result would replace: {', '.join(taken)}.")


def find_pipeline(pipeline: str) -> str:
    """RETURNS (str): Where a worker has a pipeline, if it was sent there by `addFile`."""
    sent = Path(SparkFiles.get(pipeline))
    return str(sent) if not Path(pipeline).exists() and sent.exists() else pipeline


def run(
    task: BulkTask,
    shards: Sequence[Shard],
    workers: int,
    progress: Progress,
    *,
    master: str | None = None,
) -> None:
    """Annotate shards of files that all workers see. The arguments are those of `local.run`.

    master (Optional[str]): The master, such as "local[2]" or "yarn"; by default, as configured.
    """
    builder = SparkSession.builder.appName("window-ner annotate")
    context = (builder if master is None else builder.master(master)).getOrCreate().sparkContext

    def annotate_one(shard: Shard) -> Counts:
        # A job for each shard, so that one that fails does not undo the others.
        job = context.parallelize([shard], 1).map(lambda one: try_shard(task, one))
        return counts_of(job.first())

    with ThreadPoolExecutor(max(workers, context.defaultParallelism)) as pool:
        futures = [pool.submit(annotate_one, shard) for shard in shards]
        try:
            for future in as_completed(futures):
                progress(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            context.cancelAllJobs()
            raise
