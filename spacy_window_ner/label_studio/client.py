"""A client that requests annotations from Label Studio."""

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
    """Label Studio does not respond, or rejects a request."""


class _NoRedirect(HTTPRedirectHandler):
    """Does not follow redirects, so that the token is only sent to the given address."""

    def redirect_request(self, *_: Any) -> None:
        """RETURNS (None): No request to follow."""


@dataclass(frozen=True)
class Studio:
    """A Label Studio.

    url (str): Its address.
    token (str): An API token: a legacy token or a personal access token.
    """

    url: str
    token: str

    def annotated_tasks(self, project: int) -> list[dict[str, Any]]:
        """Request the annotated tasks of a project.

        project (int): The ID of the project.
        RETURNS (List[Dict[str, Any]]): The tasks, each with its annotations.
        RAISES (StudioError): If the request fails.
        """
        tasks = self._get(f"/api/projects/{project}/export?exportType=JSON")
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise StudioError(
                f"{self.url} did not return a list of tasks. Check that this is the address of "
                f"Label Studio."
            )
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
            reason = " Check the API token." if error.code in (401, 403) else ""
            raise StudioError(f"{url} responded with status {error.code}.{reason}") from error
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            raise StudioError(f"Cannot connect to {url}: {error}.") from error


def _is_refresh_token(token: str) -> bool:
    """Whether a token is a personal access token (JWT), used to get tokens for five minutes."""
    parts = token.split(".")
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except (IndexError, ValueError, binascii.Error):
        return False
    return len(parts) == 3 and isinstance(found, dict) and found.get("token_type") == "refresh"
