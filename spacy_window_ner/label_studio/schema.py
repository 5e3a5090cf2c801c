"""The requests of Label Studio. Since its versions differ, unused fields are not checked."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, model_validator

JsonObject = dict[str, Any]


def project_key(value: Any) -> str:
    """Find the key of a project.

    value (Any): The ID of the project, possibly followed by the second of its creation as in
        `7.1700000000`, or an object that contains them.
    RETURNS (str): The ID, followed by the second of creation if known.
    RAISES (ValueError): If it is something else.
    """
    if isinstance(value, dict):
        number, created = value.get("id"), value.get("created_at")
        value = f"{number}.{_second(created)}" if isinstance(created, str) else number
    key = str(value)
    if not all(part.isascii() and part.isdecimal() for part in key.split(".", 1)) or len(key) > 40:
        raise ValueError("a project must be a number, or an object with the number as its id")
    return key


def _second(created: str) -> int:
    return int(datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp())


Project = Annotated[str, BeforeValidator(project_key), Field(description="ID of the project")]
Config = Annotated[str, Field(description="Labeling config in XML")]


class Setup(BaseModel):
    """A project to connect."""

    project: Project
    label_config: Annotated[Config, Field(validation_alias=AliasChoices("schema", "label_config"))]
    hostname: Annotated[str | None, Field(description="Address of Label Studio")] = None
    access_token: str | None = None


class Validate(BaseModel):
    """A labeling config to check."""

    config: Config


class Params(BaseModel):
    """The parameters of a prediction request."""

    context: JsonObject | None = None


class Predict(BaseModel):
    """Tasks to predict."""

    tasks: list[JsonObject]
    project: Project
    label_config: Config | None = None
    params: Params | None = None

    @property
    def drawn(self) -> list[Any] | None:
        """RETURNS (Optional[List[Any]]): The regions that an annotator has just drawn; None if the
        request does not come from the page of a task.
        """
        context = self.params.context if self.params is not None else None
        return None if context is None else _as_list(context.get("result"))


class Train(BaseModel):
    """All annotated tasks, as sent by older versions."""

    annotations: list[JsonObject]
    project: Project
    label_config: Config | None = None


class Event(BaseModel):
    """An event. Without the payload, it only has the action."""

    action: str
    project: Project | None = None
    label_config: Annotated[str | None, Field(description="Labeling config of the project")] = None
    annotation: JsonObject | list[JsonObject] | None = None
    annotations: list[JsonObject] | None = None
    task: JsonObject | list[JsonObject] | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_config(cls, data: Any) -> Any:
        project = data.get("project") if isinstance(data, dict) else None
        if isinstance(project, dict):
            return {"label_config": project.get("label_config"), **data}
        return data

    @property
    def numbers(self) -> list[Any]:
        """RETURNS (List[Any]): The IDs of the annotations."""
        return [one.get("id") for one in self._annotations]

    @property
    def pairs(self) -> list[tuple[JsonObject, JsonObject]]:
        """RETURNS (List[Tuple[Dict[str, Any], Dict[str, Any]]]): The annotations with their tasks;
        empty if parts of these are missing.
        """
        annotations, tasks = self._annotations, _as_list(self.task)
        is_complete = all("result" in one for one in annotations)
        is_complete = is_complete and all("data" in task for task in tasks)
        if not is_complete or len(tasks) != len(annotations):
            return []
        return list(zip(annotations, tasks, strict=True))

    @property
    def _annotations(self) -> list[JsonObject]:
        return _as_list(self.annotation) or _as_list(self.annotations)


class Prediction(BaseModel):
    """The prediction for a task."""

    result: list[JsonObject]
    score: float
    model_version: str


class Predictions(BaseModel):
    """The prediction for each task, in the order of the tasks."""

    results: list[Prediction]


class Version(BaseModel):
    """The version of the current network."""

    model_version: str


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]
