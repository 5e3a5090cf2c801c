"""The requests and responses of the service, for validation and for the OpenAPI schema."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Character = Annotated[int, Field(ge=0, strict=True)]
Threshold = Annotated[
    Probability | dict[str, Probability] | None,
    Field(
        description="Probability above which spans are entities: a number, or a number for each "
        "label. Overrides the threshold of the pipeline"
    ),
]


class Question(BaseModel):
    """Texts to find entities in."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str | list[str], Field(description="A text or a list of texts")]
    threshold: Threshold = None
    candidates: Annotated[
        Probability | None,
        Field(
            description="If given, also return all spans with a probability above this value, "
            "including overlapping ones"
        ),
    ] = None


class FoundSpan(BaseModel):
    """An entity or a candidate span."""

    text: str
    label: str
    start: Annotated[int, Field(description="Start offset in characters (Unicode code points)")]
    end: Annotated[int, Field(description="End offset in characters (exclusive)")]
    probability: Annotated[
        float | None,
        Field(description="Probability; null for entities set by other components"),
    ]


class ReadResult(BaseModel):
    """The entities of one text."""

    entities: list[FoundSpan]
    candidates: list[FoundSpan] | None = None


class ReadResults(BaseModel):
    """The results for each text, in the order of the request."""

    results: list[ReadResult]


class Why(BaseModel):
    """A span to explain."""

    model_config = ConfigDict(extra="forbid")

    text: str
    start: Annotated[
        Character, Field(description="Start offset in characters (Unicode code points)")
    ]
    end: Annotated[Character, Field(description="End offset in characters (exclusive)")]
    label: Annotated[str, Field(description="Label to explain")]
    threshold: Threshold = None


class Failure(BaseModel):
    """An error message."""

    detail: str


class Health(BaseModel):
    """The state of the service."""

    status: str
    pipeline: str
    labels: list[str]
    waiting: Annotated[int, Field(description="Number of requests that are running or waiting")]
