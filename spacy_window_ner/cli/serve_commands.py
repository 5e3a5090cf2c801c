"""The command `serve`."""

from typing import Annotated

import typer

from .options import Code, Model, Name


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("serve")(serve_cli)


def serve_cli(
    model: Model,
    host: Annotated[str, typer.Option(help="Address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at")] = 8000,
    max_length: Annotated[
        int,
        typer.Option(min=1, help="Most characters of a text; of a request, ten times as many"),
    ] = 100_000,
    max_texts: Annotated[int, typer.Option(min=1, help="Most texts of a request")] = 100,
    queue: Annotated[int, typer.Option(min=1, help="Most requests that are at work or wait")] = 64,
    name: Name = None,
    code_path: Code = None,
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
