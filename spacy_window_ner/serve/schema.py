"""The questions and answers of the service, as they are documented and checked."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Character = Annotated[int, Field(ge=0, strict=True)]
Threshold = Annotated[
    Probability | dict[str, Probability] | None,
    Field(
        description="Spans that are likelier are entities, in the place of the pipeline's own "
        "threshold: a number, or one for each label"
    ),
]


class Question(BaseModel):
    """Texts to read."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str | list[str], Field(description="A text, or several")]
    threshold: Threshold = None
    candidates: Annotated[
        Probability | None,
        Field(description="If given, all spans that are likelier too, overlapping ones too"),
    ] = None


class FoundSpan(BaseModel):
    """An entity, or a span that could be one."""

    text: str
    label: str
    start: Annotated[int, Field(description="Its first character (Unicode code point)")]
    end: Annotated[int, Field(description="Its end by characters, exclusive")]
    probability: Annotated[
        float | None,
        Field(description="Its probability; null for entities that other components have set"),
    ]


class ReadResult(BaseModel):
    """What was found in one text."""

    entities: list[FoundSpan]
    candidates: list[FoundSpan] | None = None


class ReadResults(BaseModel):
    """What was found in each text, in the order of the texts."""

    results: list[ReadResult]


class Why(BaseModel):
    """A span to explain."""

    model_config = ConfigDict(extra="forbid")

    text: str
    start: Annotated[Character, Field(description="Its first character (Unicode code point)")]
    end: Annotated[Character, Field(description="Its end by characters, exclusive")]
    label: Annotated[str, Field(description="Why is it, or is it not, an entity of this label?")]
    threshold: Threshold = None


class Failure(BaseModel):
    """What is wrong, and what to do."""

    detail: str


class Health(BaseModel):
    """The state of the service."""

    status: str
    pipeline: str
    labels: list[str]
    waiting: Annotated[int, Field(description="How many requests are at work or wait")]
