"""What somebody is told who does not get what was asked for: always in JSON, with what to do."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional

from starlette.responses import Response


def told(content: Any) -> bytes:
    """Return a value as JSON on one line; a number that is not finite raises ValueError."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def json_answer(content: Any, status: int = 200) -> Response:
    """Return an answer in JSON."""
    return Response(told(content), status, media_type="application/json")


class Refusal(Exception):
    """The request is not answered as it stands.

    Parameters
    ----------
    status : int
        Of HTTP.
    error, remedy : str
        Why, and what to do. Nothing that a stranger sent stands in them.
    headers : mapping of str to str, optional
        Beside those that every answer has.
    """

    def __init__(self, status: int, error: str, remedy: str, headers: Optional[Mapping[str, str]] = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.remedy = remedy
        self.headers: Dict[str, str] = dict(headers or {})

    def answer(self) -> Response:
        """Return what is said."""
        response = json_answer({"error": self.error, "remedy": self.remedy}, self.status)
        response.headers.update(self.headers)
        return response
