"""The command `serve`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("serve")(serve_cli)


def serve_cli(
    model: Annotated[str, typer.Argument(help="Model name or path")],
    host: Annotated[str, typer.Option(help="Address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at")] = 8000,
    max_length: Annotated[
        int,
        typer.Option(min=1, help="Most characters of a text; of a request, ten times as many"),
    ] = 100_000,
    max_texts: Annotated[int, typer.Option(min=1, help="Most texts of a request")] = 100,
    queue: Annotated[int, typer.Option(min=1, help="Most requests that are at work or wait")] = 64,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the component, if there are several window_ner"),
    ] = None,
    code_path: Annotated[
        Path | None,
        typer.Option(
            "--code",
            "-c",
            help="Path to Python file with additional code (registered functions) to be imported",
        ),
    ] = None,
) -> None:
    """Serve a pipeline: entities by POST /entities, and a page to try it on. It is for this
    computer alone, unless --host is another address, and has neither passwords nor encryption.
    """
    from spacy.cli._util import import_code

    from .serve import serve

    import_code(code_path)
    serve(
        model,
        host=host,
        port=port,
        max_length=max_length,
        max_texts=max_texts,
        queue=queue,
        name=name,
    )
