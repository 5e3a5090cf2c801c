"""Bulk annotation on Ray.

pip install 'spacy-window-ner[ray]'
"""

from collections.abc import Sequence
from typing import Any

try:
    import ray
    from ray.util import ActorPool
except ImportError as error:
    raise ImportError(
        "spacy_window_ner.bulk.ray needs Ray. Install it with: pip install 'spacy-window-ner[ray]'"
    ) from error
import pyarrow as pa

from .batches import annotate_batches, annotated_schema
from .loading import load_once
from .plan import Shard
from .shards import BulkTask, Counts, Progress, counts_of, try_shard


class Annotator:
    """Annotates tables. Each instance loads the pipeline itself, since arrays that Ray shares
    between processes are read-only, but pipelines need writable ones.
    """

    def __init__(self, pipeline: str, text: str = "text", strict: bool = False) -> None:
        """Load the pipeline.

        pipeline (str): Its name, or a path that all workers can access.
        text (str): The column that contains the texts.
        strict (bool): Whether to stop at the first text that cannot be annotated.
        """
        self.nlp, self.text, self.strict = load_once(pipeline), text, strict

    def __call__(self, table: pa.Table) -> pa.Table:
        """Annotate a table.

        table (Table): The table.
        RETURNS (Table): The table with the additional columns `entities` and `error`.
        """
        batches = annotate_batches(self.nlp, table.to_batches(), text=self.text, strict=self.strict)
        return pa.Table.from_batches(batches, annotated_schema(table.schema, self.text))


def annotate(
    ds: "ray.data.Dataset",
    pipeline: str,
    text: str = "text",
    *,
    strict: bool = False,
    workers: int = 1,
    batch_size: int = 4096,
    **options: Any,
) -> "ray.data.Dataset":
    """Annotate a data set.

    ds (Dataset): The data set.
    pipeline (str): The name of a pipeline that is installed on all workers, or a path that they can
        access.
    text (str): The column that contains the texts.
    strict (bool): Whether to stop at the first text that cannot be annotated.
    workers (int): The number of actors. Each loads the pipeline once, and uses one CPU. Leave some
        CPUs of the cluster for other steps, such as reading files. If the actors use all of them,
        these steps wait forever.
    batch_size (int): The number of rows in a batch.
    options (Any): Other arguments of `ray.data.Dataset.map_batches`.
    RETURNS (Dataset): The data set with the additional columns `entities` and `error`; see
        `annotate_batches`.
    """
    return ds.map_batches(
        Annotator,
        fn_constructor_kwargs={"pipeline": pipeline, "text": text, "strict": strict},
        batch_format="pyarrow",
        batch_size=batch_size,
        **{"compute": ray.data.ActorPoolStrategy(size=workers), "num_cpus": 1, **options},
    )


class _Worker:
    """An actor that annotates shards."""

    def __init__(self, task: BulkTask) -> None:
        self.task = task

    def annotate(self, shard: Shard) -> Counts | str:
        """Annotate a shard."""
        return try_shard(self.task, shard)


def run(task: BulkTask, shards: Sequence[Shard], workers: int, progress: Progress) -> None:
    """Annotate shards of files that all workers can access. See `local.run` for the arguments."""
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    actor = ray.remote(num_cpus=1)(_Worker)
    pool = ActorPool([actor.remote(task) for _ in range(min(workers, len(shards)))])
    for result in pool.map_unordered(lambda worker, shard: worker.annotate.remote(shard), shards):
        progress(counts_of(result))
