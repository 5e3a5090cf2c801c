"""The questions and answers of the page's server, as they are documented and checked."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..serve.schema import Character

Number = Annotated[int, Field(ge=1, le=2**53, strict=True, description="The number of the text")]
Label = Annotated[str | None, Field(description="The label; null for no entity here")]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Mark(_Question):
    """A span, by characters (Unicode code points), that a person has said something about."""

    start: Character
    end: Annotated[Character, Field(description="Exclusive")]
    label: Label


class Open(_Question):
    """A text to work on."""

    id: Number


class Read(Open):
    """What is fixed in a text."""

    entities: list[Mark]


class Decide(Read):
    """A decision on a text."""

    answer: Literal["accept", "skip"]
    checked: Annotated[
        Literal["all", "given"],
        Field(description="Whether all of the text was checked, or the given entities alone"),
    ] = "all"


class Name(_Question):
    """A name in this and in all other texts."""

    text: str
    label: Label


class NameAlone(_Question):
    """A name."""

    text: str


class NewLabel(_Question):
    """A label."""

    label: str


class DoubtAnswer(_Question):
    """An answer to a doubt."""

    id: Number
    annotated: Mark | None
    instead: Mark | None
    take: Annotated[bool, Field(description="Whether to annotate as in `instead`")]


class ShownSpan(BaseModel):
    """A span that the network has found."""

    start: int
    end: int
    label: str | None
    score: float
    fixed: bool = False


class ShownText(BaseModel):
    """A text, as the network reads it."""

    id: int
    text: str
    direction: Literal["ltr", "rtl"]
    tokens: list[tuple[int, int]]
    entities: list[ShownSpan]
    outside: Annotated[
        list[ShownSpan], Field(description="Where somebody has said that there is no entity")
    ]
    unsure: Annotated[list[ShownSpan], Field(description="What the network is not sure of")]
    how: Annotated[str | None, Field(description="Why the text is shown")] = None


class Decided(BaseModel):
    """A decision is on disk."""

    decided: int
    id: int


class Labels(BaseModel):
    """All labels."""

    labels: list[str]


class NameCount(BaseModel):
    """How many names there are."""

    names: int


class Interval(BaseModel):
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


class LabelInterval(BaseModel):
    """An estimate for a label; null where nothing is known."""

    value: float | None
    low: float | None
    high: float | None
    annotated: int


class CurvePoint(Interval):
    """An estimate at some time."""

    decided: int


class AnnotatorCount(BaseModel):
    """What somebody has done."""

    name: str
    decided: int


class Status(BaseModel):
    """How far the work is."""

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
        Field(description="What the next 50 texts are likely to add to F1, 0 to 1"),
    ]
    enough: bool
    annotators: list[AnnotatorCount]
    agreement: float | None
    annotator: str


class Result(BaseModel):
    """A text that was found."""

    id: int
    start: int
    snippet: str
    decided: bool


class Results(BaseModel):
    """Texts that were found."""

    results: list[Result]


class Doubts(BaseModel):
    """Annotation that is probably wrong."""

    doubts: list[dict[str, Any]]


class Made(BaseModel):
    """Where everything is that was made."""

    pipeline: str
    config: str
    report: str
    package: str
