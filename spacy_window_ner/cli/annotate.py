"""`python -m spacy window-ner annotate`: annotate many texts and save the results to files."""

from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from .options import Code, Pipeline, new_app

app = new_app()

if TYPE_CHECKING:
    from ..bulk.files import Engine


class ResultFormat(str, Enum):
    """The formats of results."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"
    spacy = "spacy"


class EngineName(str, Enum):
    """Where to run."""

    local = "local"
    spark = "spark"
    ray = "ray"


@app.command("annotate")
def annotate(
    model: Pipeline,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Files, folders or globs: .jsonl, .csv, .tsv, .parquet, .txt (one text per line), "
            ".spacy",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Folder for the results. An interrupted run resumes there"
        ),
    ],
    text_field: Annotated[
        str, typer.Option("--text-field", help="Field or column that contains the text")
    ] = "text",
    id_field: Annotated[
        str | None, typer.Option("--id-field", help="Field or column that contains an identifier")
    ] = None,
    output_format: Annotated[
        ResultFormat, typer.Option("--format", "-f", help="Format of the results")
    ] = ResultFormat.jsonl,
    whole_files: Annotated[
        bool, typer.Option("--whole-files", help="Treat each .txt file as one text, not each line")
    ] = False,
    workers: Annotated[int, typer.Option("--workers", "-n", min=1, help="Number of processes")] = 1,
    batch_size: Annotated[
        int, typer.Option("--batch-size", "-b", min=1, help="Number of texts per batch")
    ] = 1000,
    shard_size: Annotated[
        float,
        typer.Option("--shard-size", help="Megabytes of input per result file"),
    ] = 8.0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first row that cannot be annotated")
    ] = False,
    engine: Annotated[EngineName, typer.Option("--engine", "-e", help="Engine to run on")] = (
        EngineName.local
    ),
    master: Annotated[
        str | None, typer.Option("--master", help="Spark master URL, with --engine spark")
    ] = None,
    code_path: Code = None,
) -> None:
    """Annotate many texts and save their entities. Works with any pipeline, and saves offsets,
    labels and probabilities. To resume an interrupted run, repeat the same command. Rows that
    cannot be annotated are listed in _errors.jsonl with file and line. With Spark or Ray, all
    workers must have access to the input and output folders.
    """
    run = _find_engine(engine, master)
    from ..bulk import InputError, annotate_files
    from ..bulk.local import WorkerError
    from ..bulk.plan import Settings

    settings = Settings(
        text_field=text_field,
        id_field=id_field,
        format=output_format.value,
        batch_size=batch_size,
        whole_files=whole_files,
        shard_size=int(shard_size * 2**20),
    )
    try:
        outcome = annotate_files(
            model,
            inputs,
            output,
            settings,
            workers=workers,
            strict=strict,
            code=code_path,
            engine=run,
            show_progress=True,
        )
    except InputError as error:
        first, *others = str(error).splitlines()
        msg.fail("The texts cannot be annotated", first)
        for line in others:
            msg.text(line)
        raise typer.Exit(1) from None
    except WorkerError as error:
        msg.fail(str(error), "Run the same command again to resume.", exits=1)
    except KeyboardInterrupt:
        msg.fail("Interrupted", "Run the same command again to resume.")
        raise typer.Exit(130) from None
    if outcome.parts_before:
        msg.info(f"{outcome.parts_before:,} of {outcome.parts:,} result files already existed")
    counts, seconds = outcome.counts, outcome.seconds
    msg.good(
        f"Annotated {counts.texts:,} texts, {counts.words:,} words in {seconds:,.1f} s "
        f"({counts.words / seconds:,.0f} words/s): {output}"
    )
    if outcome.errors:
        msg.warn(f"{outcome.errors:,} rows could not be annotated", f"{output / '_errors.jsonl'}")


def _find_engine(name: EngineName, master: str | None) -> "Engine":
    if master is not None and name != EngineName.spark:
        msg.fail("--master can only be used with --engine spark", exits=1)
    try:
        if name == EngineName.spark:
            from ..bulk import spark

            return partial(spark.run, master=master)
        if name == EngineName.ray:
            from ..bulk import ray

            return ray.run
        from ..bulk import local

        return local.run
    except ImportError as error:
        msg.fail("A package is missing", str(error), exits=1)
