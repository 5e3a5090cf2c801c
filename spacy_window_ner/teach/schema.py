"""The requests and responses of the server, for validation and for the OpenAPI schema."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..serve.schema import Character

Number = Annotated[int, Field(ge=1, le=2**53, strict=True, description="Number of the text")]
Label = Annotated[str | None, Field(description="Label; null for no entity here")]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Mark(_Question):
    """A span that a person has labeled, as offsets in characters (Unicode code points)."""

    start: Character
    end: Annotated[Character, Field(description="Exclusive")]
    label: Label


class Open(_Question):
    """A text to work on."""

    id: Number


class Read(Open):
    """The fixed spans of a text."""

    entities: list[Mark]


class Decide(Read):
    """A decision on a text."""

    answer: Literal["accept", "skip"]
    checked: Annotated[
        Literal["all", "given"],
        Field(description="Whether the whole text was checked, or only the given entities"),
    ] = "all"


class Name(_Question):
    """A name to label in all texts."""

    text: str
    label: Label


class NameAlone(_Question):
    """A name to remove."""

    text: str


class NewLabel(_Question):
    """A label to add."""

    label: str


class DoubtAnswer(_Question):
    """A decision on annotation that is probably wrong."""

    id: Number
    annotated: Mark | None
    instead: Mark | None
    take: Annotated[bool, Field(description="Whether to replace the annotation by `instead`")]


class ShownSpan(BaseModel):
    """A span that the network has found."""

    start: int
    end: int
    label: str | None
    score: float
    fixed: bool = False


class ShownText(BaseModel):
    """A text with the predictions of the network."""

    id: int
    text: str
    direction: Literal["ltr", "rtl"]
    tokens: list[tuple[int, int]]
    entities: list[ShownSpan]
    outside: Annotated[
        list[ShownSpan], Field(description="Spans that were fixed as not being entities")
    ]
    unsure: Annotated[list[ShownSpan], Field(description="Spans that the network is unsure about")]
    how: Annotated[str | None, Field(description="Why the text was chosen")] = None


class Decided(BaseModel):
    """Confirms that a decision is saved."""

    decided: int
    id: int


class Labels(BaseModel):
    """All labels of the project."""

    labels: list[str]


class NameCount(BaseModel):
    """The number of names."""

    names: int


class Interval(BaseModel):
    """An estimate with its 95% confidence interval."""

    value: float
    low: float
    high: float


class LabelInterval(BaseModel):
    """The estimate for a label; null if it is unknown."""

    value: float | None
    low: float | None
    high: float | None
    annotated: int


class CurvePoint(Interval):
    """The estimate after a number of decisions."""

    decided: int


class AnnotatorCount(BaseModel):
    """The number of decisions of an annotator."""

    name: str
    decided: int


class Status(BaseModel):
    """The progress of the project."""

    decided: int
    skipped: int
    left: int
    random: int
    network: int
    learning: bool
    error: str | None
    f1: Interval | None
    labels: dict[str, LabelInterval | None]
    curve: list[CurvePoint]
    gain: Annotated[
        float | None,
        Field(description="Estimated gain in F1 from the next 50 texts, from 0 to 1"),
    ]
    enough: bool
    annotators: list[AnnotatorCount]
    agreement: float | None
    annotator: str


class Result(BaseModel):
    """A search result."""

    id: int
    start: int
    snippet: str
    decided: bool


class Results(BaseModel):
    """Search results."""

    results: list[Result]


class Doubts(BaseModel):
    """Annotation that is probably wrong."""

    doubts: list[dict[str, Any]]


class Made(BaseModel):
    """The paths of the results."""

    pipeline: str
    config: str
    report: str
    package: str
