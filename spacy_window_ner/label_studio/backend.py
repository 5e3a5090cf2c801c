"""The actions of the ML backend, and its own requests to Label Studio.

Label Studio waits up to a second for the response to an event, and may not answer other requests in
the meantime. So annotations that an event does not include are requested afterwards.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import HTTPException

from ..serve.app import ask
from ..serve.worker import QueueFullError, Worker
from ..teach.store import MissingError
from .client import Studio, StudioError
from .projects import Pair, Projects, annotated
from .schema import Event, Predict, Setup, Train

# The number of annotations that are stored before other requests are handled.
CHUNK = 50
# The interval at which new networks are loaded if there are no requests.
SECONDS_BETWEEN = 2.0
CREATED = ("ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED")
DELETED = ("ANNOTATION_DELETED", "ANNOTATIONS_DELETED")
START = "START_TRAINING"
WRONG = 422

logger = logging.getLogger("uvicorn.error")
T = TypeVar("T")


class Backend:
    """An ML backend. Its methods must be called from the thread of the event loop.

    projects (Projects): The projects.
    worker (Worker): The thread that uses them.
    studio (Optional[Studio]): The Label Studio to get annotations from. By default, the address and
        token that each project sends.
    """

    def __init__(self, projects: Projects, worker: Worker, studio: Studio | None = None) -> None:
        self._projects, self._worker, self._studio = projects, worker, studio
        self._studios: dict[str, Studio] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Projects to request again, projects to train after that, and annotations that arrived
        # since the request.
        self._again: set[str] = set()
        self._finishing: set[str] = set()
        self._since: dict[str, set[Any]] = {}

    def start(self) -> None:
        """Start to load new networks, even when there are no requests."""
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(SECONDS_BETWEEN)
            try:
                await self._worker.run(self._projects.take_networks)
            except QueueFullError:
                continue
            except Exception:
                logger.exception("Cannot load the new network")

    async def close(self) -> None:
        """Cancel requests to Label Studio, and close the projects."""
        tasks = [self._watching, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._worker.run(self._projects.close)

    async def setup(self, question: Setup) -> str:
        """Connect a project. RETURNS (str): The version of its network."""
        key = await self._call(self._projects.open, question.project, question.label_config)
        studio = self._studio
        if studio is None and question.hostname and question.access_token:
            studio = Studio(question.hostname, question.access_token)
        if studio is not None:
            if key not in self._studios:
                self._ask_for(key)
            self._studios[key] = studio
        return await self._call(self._projects.version, key)

    async def predict(self, question: Predict) -> list[dict[str, Any]]:
        """Predict tasks. RETURNS (List[Dict[str, Any]]): A prediction for each."""
        return await self._call(
            self._projects.predict,
            question.project,
            question.label_config,
            question.tasks,
            question.drawn,
        )

    async def train(self, question: Train) -> None:
        """Store annotations that were sent in full."""
        key = await self._call(self._projects.open, question.project, question.label_config)
        await self._replace(key, list(annotated(question.annotations)), await self._known(key))

    async def event(self, event: Event) -> str:
        """Store the annotations of an event, or request them. RETURNS (str): What was done."""
        if event.action not in (*CREATED, *DELETED, START):
            return "ignored"
        if event.project is None:
            return self._ask_for_all(list(self._studios))
        key = await self._call(self._projects.open, event.project, event.label_config)
        if event.action == START:
            return await self._start(key)
        if event.action in DELETED and event.numbers:
            await self._call(self._projects.withdraw, key, event.numbers)
        elif event.action in CREATED and event.pairs:
            await self._call(self._projects.annotate, key, event.pairs)
        else:
            return self._ask_for_all([key])
        if key in self._since:
            self._since[key].update(event.numbers)
        return "stored"

    async def _start(self, key: str) -> str:
        """Train the final pipeline, after requesting annotations that were not sent if possible."""
        if self._studio_of(key) is None:
            await self._call(self._projects.finish, key)
        else:
            self._finishing.add(key)
            self._ask_for(key)
        return "training"

    # Asking Label Studio

    def _studio_of(self, key: str) -> Studio | None:
        return self._studios.get(key) or self._studio

    def _ask_for_all(self, keys: list[str]) -> str:
        if not keys or any(self._studio_of(key) is None for key in keys):
            raise HTTPException(
                409,
                "The event does not include the annotation, and the address of Label Studio is "
                "unknown. Turn on the payload in the settings of the webhook, or set "
                "LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY for this service.",
            )
        for key in keys:
            self._ask_for(key)
        return "requesting the annotations"

    def _ask_for(self, key: str) -> None:
        """Request all annotations of a project in the background, again if a request is running."""
        self._again.add(key)
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._asking(key))

    async def _asking(self, key: str) -> None:
        try:
            while key in self._again:
                self._again.discard(key)
                await self._explained(key, self._synchronize(key))
                if key in self._finishing:
                    self._finishing.discard(key)
                    await self._explained(key, self._call(self._projects.finish, key))
        finally:
            del self._tasks[key]

    async def _explained(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        """Log errors, since nothing waits for the result."""
        try:
            await work
        except (StudioError, HTTPException, MissingError) as error:
            reason = getattr(error, "detail", None) or error
            logger.warning("Cannot get the annotations of project %s: %s", key, reason)

    async def _synchronize(self, key: str) -> None:
        """Store all annotations of a project, and remove those that no longer exist."""
        studio = self._studio_of(key)
        assert studio is not None
        since = self._since[key] = set()
        try:
            known = await self._known(key)
            number = int(key.partition(".")[0])
            tasks = await asyncio.to_thread(studio.annotated_tasks, number)
            pairs = [pair for pair in annotated(tasks) if pair[0].get("id") not in since]
            await self._replace(key, pairs, known - since)
        finally:
            del self._since[key]

    async def _known(self, key: str) -> set[int]:
        return await self._call(self._projects.annotations, key)

    async def _replace(self, key: str, pairs: list[Pair], known: set[int]) -> None:
        for start in range(0, len(pairs), CHUNK):
            try:
                await self._call(self._projects.annotate, key, pairs[start : start + CHUNK])
            except HTTPException as error:
                if error.status_code != WRONG:  # which is logged
                    raise
        gone = known - {annotation.get("id") for annotation, _ in pairs}
        await self._call(self._projects.withdraw, key, list(gone))

    async def _call(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in the worker, and log errors, since Label Studio does not show them.

        RETURNS (Any): Its return value.
        RAISES (HTTPException): If it fails.
        """
        try:
            return await ask(self._worker, function, *args)
        except (HTTPException, MissingError) as error:
            logger.warning("Rejected a request: %s", getattr(error, "detail", None) or error)
            raise
