"""What Label Studio answers about its annotation, where it has not sent it."""

import base64
import binascii
import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

SECONDS = 60


class StudioError(Exception):
    """Label Studio does not answer, or says no."""


class _NoRedirect(HTTPRedirectHandler):
    """The token is for the address that was given, and no other."""

    def redirect_request(self, *_: Any) -> None:
        """RETURNS (None): Do not follow."""


@dataclass(frozen=True)
class Studio:
    """A Label Studio.

    url (str): Its address.
    token (str): A token of its API: a legacy one, or a personal access token.
    """

    url: str
    token: str

    def annotated_tasks(self, project: int) -> list[dict[str, Any]]:
        """Ask for the annotated tasks of a project.

        project (int): The number of the project.
        RETURNS (List[Dict[str, Any]]): The tasks, each with its annotations.
        RAISES (StudioError): If there is no answer.
        """
        tasks = self._get(f"/api/projects/{project}/export?exportType=JSON")
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise StudioError(f"{self.url} does not export tasks.")
        return tasks

    def _get(self, path: str) -> Any:
        return self._ask(path, {"Authorization": self._authorization()})

    def _authorization(self) -> str:
        if not _is_refresh_token(self.token):
            return f"Token {self.token}"
        body = json.dumps({"refresh": self.token}).encode()
        answer = self._ask("/api/token/refresh", {"Content-Type": "application/json"}, body)
        return f"Bearer {answer['access'] if isinstance(answer, dict) else ''}"

    def _ask(self, path: str, headers: dict[str, str], body: bytes | None = None) -> Any:
        url = self.url.rstrip("/") + path
        try:
            if urlsplit(url).scheme not in ("http", "https"):
                raise ValueError("its address must begin with http:// or https://")
            request = Request(url, body, headers)
            with build_opener(_NoRedirect).open(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except HTTPError as error:
            reason = " (is the token right?)" if error.code in (401, 403) else ""
            raise StudioError(f"{url} answers {error.code}{reason}.") from error
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            raise StudioError(f"{url} cannot be asked: {error}.") from error


def _is_refresh_token(token: str) -> bool:
    """Whether a token is a personal one (JWT), which others of five minutes are asked for with."""
    parts = token.split(".")
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except (IndexError, ValueError, binascii.Error):
        return False
    return len(parts) == 3 and isinstance(found, dict) and found.get("token_type") == "refresh"
