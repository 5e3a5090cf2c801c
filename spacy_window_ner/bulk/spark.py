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
        "spacy_window_ner.bulk.spark needs Spark. Install it with: "
        "pip install 'spacy-window-ner[spark]'"
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
    pipeline (str): The name of a pipeline that is installed on all workers, a path that they can
        access, or the name of a folder distributed with `SparkContext.addFile` or `--archives`.
    text (str): The column that contains the texts.
    strict (bool): Whether to stop at the first text that cannot be annotated.
    RETURNS (DataFrame): The data frame with the additional columns `entities` and `error`; see
        `annotate_batches`.
    RAISES (ValueError): If the column does not exist, or if the new columns exist already.
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
        raise ValueError(f"The column {text!r} does not exist. Columns: {columns}.")
    taken = [name for name in added.names if name in df.columns]
    if taken:
        raise ValueError(
            f"The result would replace the columns {', '.join(taken)}. Rename them in the input."
        )


def find_pipeline(pipeline: str) -> str:
    """RETURNS (str): The local path of a pipeline, if it was distributed with `addFile`."""
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
    """Annotate shards of files that all workers can access. See `local.run` for other arguments.

    master (Optional[str]): The master URL, such as "local[2]" or "yarn"; by default, as configured.
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
