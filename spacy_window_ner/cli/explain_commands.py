"""The commands `explain`, `suggest` and `review`."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import import_code

from .options import AnnotatedData, Code, Model, Name, TextField


class Format(str, Enum):
    """The formats of tasks."""

    prodigy = "prodigy"
    label_studio = "label-studio"


TaskFormat = Annotated[
    Format,
    typer.Option(
        "--format", "-f", help="Whose tasks to write: JSON lines for Prodigy, JSON for Label Studio"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to those of `window-ner`."""
    app.command("explain")(explain_cli)
    app.command("suggest")(suggest_cli)
    app.command(
        "review",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(review_cli)


def explain_cli(
    model: Model,
    text: Annotated[str, typer.Argument(help="The text")],
    label: Annotated[
        str | None,
        typer.Option(
            "--label", "-l", help="With a span: the label to explain; default: the likeliest"
        ),
    ] = None,
    span: Annotated[
        str | None,
        typer.Option("--span", "-s", help="Words of the text to explain, entity or not"),
    ] = None,
    start: Annotated[
        int | None, typer.Option("--start", help="First character of the span to explain")
    ] = None,
    end: Annotated[
        int | None, typer.Option("--end", help="End of that span by characters, exclusive")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="HTML file to write the page to")
    ] = None,
    json_path: Annotated[
        Path | None,
        typer.Option("--json", "-j", help="File to save all contributions to, - for stdout"),
    ] = None,
    name: Name = None,
    code_path: Code = None,
) -> None:
    """Explain the entities of a text, or any span and label: how much each word, part of a word,
    place of the same word and transition contributed to the log-odds (integrated gradients), and
    which single word, taken away, changes the decision. In short here, in full as a page with
    --output.
    """
    from .explain import explain_text

    import_code(code_path)
    explain_text(
        model,
        text,
        label=label,
        span=span,
        start=start,
        end=end,
        output=output,
        json_path=json_path,
        name=name,
    )


def suggest_cli(
    model: Model,
    texts: Annotated[
        Path,
        typer.Argument(
            help="The texts: .jsonl, .txt (a text on each line), .spacy, or a folder of these"
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to save the chosen texts to")
    ],
    n: Annotated[int, typer.Option("--number", "-n", min=1, help="How many texts to choose")] = 100,
    form: TaskFormat = Format.prodigy,
    text_field: TextField = "text",
    name: Name = None,
    code_path: Code = None,
) -> None:
    """Choose what to annotate next: texts that the pipeline reads with most uncertainty (entropy of
    the tag sequences, per word), names found or not, and that differ from each other. What is read
    in them now is saved with them, to begin from.
    """
    from .suggest import suggest_texts

    import_code(code_path)
    suggest_texts(model, texts, output, n=n, form=form.value, text_field=text_field, name=name)


def review_cli(
    ctx: typer.Context,
    model: Model,
    data_path: AnnotatedData,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to save the suspects to")],
    folds: Annotated[
        int,
        typer.Option(
            "--folds",
            "-k",
            min=0,
            help="Divide the documents into so many parts, and judge each by a network that was "
            "trained on the others; 0 to judge by the pipeline itself",
        ),
    ] = 0,
    config_path: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-C",
            help="Config of that training; default: that of the pipeline. Its settings can be "
            "overridden as in spacy train, for example --training.max_steps 600",
        ),
    ] = None,
    form: TaskFormat = Format.prodigy,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the division")] = 0,
    name: Name = None,
    code_path: Code = None,
) -> None:
    """Look for annotation that is probably wrong: entities with another label, another boundary,
    missed or spurious ones, ranked by what the network reads in their place. With --folds, no
    network judges what it has learned.
    """
    from . import _overrides
    from .review import review_annotation

    import_code(code_path)
    review_annotation(
        model,
        data_path,
        output,
        folds=folds,
        config_path=config_path,
        overrides=_overrides(ctx),
        form=form.value,
        seed=seed,
        name=name,
    )
