"""What can be asked, as OpenAPI 3.1 describes it; kept by hand, and held to the real answers by a test."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from fer_edge.types import LABELS
from fer_edge.version import __version__

Schema = Dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_LABEL: Schema = {"type": "string", "enum": list(LABELS)}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Schema, length: Optional[int] = None) -> Schema:
    bounds = {} if length is None else {"minItems": length, "maxItems": length}
    return {"type": "array", "items": schema, **bounds}


def _object(fields: Mapping[str, Schema], more: bool = False) -> Schema:
    return {
        "type": "object",
        "required": list(fields),
        "properties": dict(fields),
        "additionalProperties": more,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_SCHEMAS: Dict[str, Schema] = {
    "Error": _object({"error": _TEXT, "remedy": _TEXT}),
    "Fps": _object({"total": _NUMBER, "classification": _NUMBER, "detection": _NUMBER}),
    "Camera": _object(
        {
            "name": _TEXT,
            "state": {"type": "string", "enum": ["live", "waiting", "lost", "ended"]},
            "trouble": _TEXT,
            "size": _or_null(_list(_WHOLE, 2)),
            "fps": _ref("Fps"),
            "persons": _WHOLE,
        }
    ),
    "Cameras": _object(
        {
            "version": _TEXT,
            "host": _TEXT,
            "pictures": {"type": "boolean"},
            "login": {"type": "boolean", "description": "Whether who reads this had to show the token."},
            "time": _MOMENT,
            "session": _object(
                {
                    "fps": _ref("Fps"),
                    "share": _or_null({"type": "number", "minimum": 0, "maximum": 1}),
                    "temperature_c": _or_null(_NUMBER),
                    "health": _object(
                        {"status": {"type": "string", "enum": ["healthy", "degraded", "down"]}, "reasons": _list(_TEXT)}
                    ),
                }
            ),
            "cameras": _list(_ref("Camera")),
        }
    ),
    "Person": _object(
        {
            "id": _or_null(_WHOLE),
            "label": _LABEL,
            "confidence": _or_null(_NUMBER),
            "uncertain": {"type": "boolean"},
            "doubt": _TEXT,
            "valence": _or_null(_NUMBER),
            "since": _or_null(_MOMENT),
            "probabilities": _object({label: _or_null(_NUMBER) for label in LABELS}),
            "box": _list(_or_null(_NUMBER), 4),
        }
    ),
    "State": _object(
        {
            "id": _WHOLE,
            "label": _LABEL,
            "start": _MOMENT,
            "end": _or_null(_MOMENT),
            "valence": _or_null(_NUMBER),
        }
    ),
    "CameraState": _object(
        {
            "camera": _TEXT,
            "time": _MOMENT,
            "persons": _list(_ref("Person")),
            "timeline": _object(
                {
                    "from": _MOMENT,
                    "to": _MOMENT,
                    "states": _list(_ref("State")),
                    "valence": _list(
                        {"type": "array", "prefixItems": [_WHOLE, _or_null(_NUMBER)], "minItems": 2, "maxItems": 2}
                    ),
                }
            ),
        }
    ),
    "Health": _object(
        {
            "status": {"type": "string", "enum": ["healthy", "degraded", "down"]},
            "reasons": _list(_TEXT),
            "uptime_s": _NUMBER,
            "frames": _WHOLE,
            "last_frame_age_s": _or_null(_NUMBER),
            "fps": {"type": "object", "additionalProperties": _NUMBER},
            "cameras": {"type": "object", "additionalProperties": {"type": "object"}},
        }
    ),
    "History": _object(
        {
            "what": {"type": "string", "enum": ["states", "minutes"]},
            "from": _MOMENT,
            "to": _MOMENT,
            "rows": _list({"type": "object"}),
            "truncated": {"type": "boolean"},
        }
    ),
}

_CAMERA = {"name": "camera", "in": "path", "required": True, "schema": _TEXT}


def _query(name: str, schema: Schema, says: str) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": says}


def _content(content_type: str, schema: Schema) -> Schema:
    return {content_type: {"schema": schema}}


def _get(
    says: str, content: Schema, parameters: Optional[List[Schema]] = None, refusals: Optional[Dict[str, str]] = None
) -> Schema:
    answers: Dict[str, Any] = {"200": {"description": says, "content": content}}
    for status, why in {"401": "No token, or a wrong one.", **(refusals or {})}.items():
        answers[status] = {"description": why, "content": _content("application/json", _ref("Error"))}
    return {"get": {"summary": says, "parameters": parameters or [], "responses": answers}}


def _json(name: str) -> Schema:
    return _content("application/json", _ref(name))


_BAD = {"400": "A parameter makes no sense."}
_UNKNOWN = {"404": "There is no such camera."}
_NO_PICTURE = {**_UNKNOWN, "403": "This run shows no pictures.", "503": "Too many look, or there is no picture yet."}
_PAGE = {"responses": {"200": {"description": "HTML."}}}
_EVENTS = (
    "Server-sent events. hello and status have what /api/cameras has; persons: camera, time and persons; change: a state that "
    "begins (end null) or ended, as --events writes it; camera: camera, state, trouble, time; lost: count, where the reader "
    "missed some. Last-Event-ID has what is still kept told again."
)

DESCRIPTION: Dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "fer-edge",
        "version": __version__,
        "description": "What a running fer-edge sees. Moments are ISO 8601 in UTC. Every refusal has error and remedy.",
    },
    "security": [{"token": []}, {"cookie": []}],
    "paths": {
        "/": {"get": {"summary": "The page.", **_PAGE}},
        "/static/{name}": {
            "get": {
                "summary": "A file of the page.",
                "security": [],
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": _TEXT}],
                "responses": {"200": {"description": "The file."}, "304": {"description": "The browser has it."}},
            }
        },
        "/login": {
            "get": {"summary": "The form to log in.", "security": [], **_PAGE},
            "post": {
                "summary": "Gives a cookie to who sends the token.",
                "security": [],
                "requestBody": {
                    "content": _content("application/x-www-form-urlencoded", _object({"token": _TEXT}, more=True))
                },
                "responses": {
                    "303": {"description": "To /, with the cookie."},
                    "400": {"description": "No token.", "content": _json("Error")},
                    "401": {"description": "A wrong one.", "content": _json("Error")},
                    "429": {"description": "Too many wrong ones.", "content": _json("Error")},
                },
            },
        },
        "/logout": {"post": {"summary": "Ends it.", "responses": {"303": {"description": "To /login."}}}},
        "/healthz": _get("How the run is; with status 503 where it is down.", _json("Health")),
        "/metrics": _get("Figures for Prometheus.", _content("text/plain", _TEXT)),
        "/api/openapi.json": _get("This.", _content("application/json", {"type": "object"})),
        "/api/cameras": _get("The run and its cameras.", _json("Cameras"), refusals=_BAD),
        "/api/cameras/{camera}/state": _get(
            "Who is in view, and what the last minutes showed.",
            _json("CameraState"),
            [
                _CAMERA,
                _query("minutes", {"type": "number", "exclusiveMinimum": 0, "maximum": 60}, "10 where not given."),
            ],
            {**_BAD, **_UNKNOWN},
        ),
        "/api/cameras/{camera}/snapshot.jpg": _get(
            "The newest picture, annotated.", _content("image/jpeg", {}), [_CAMERA], _NO_PICTURE
        ),
        "/api/cameras/{camera}/live.mjpg": _get(
            "Pictures as they come.", _content("multipart/x-mixed-replace", {}), [_CAMERA], _NO_PICTURE
        ),
        "/api/events": _get(
            _EVENTS,
            _content("text/event-stream", _TEXT),
            [_query("camera", _TEXT, "The only one of which is told.")],
            {**_BAD, **_UNKNOWN, "503": "Too many read."},
        ),
        "/api/history": _get(
            "What the --history file has, at most 10,000 rows.",
            _json("History"),
            [
                _query("camera", _TEXT, "The only one."),
                _query("from", _MOMENT, "A day before to where not given."),
                _query("to", _MOMENT, "Now where not given."),
                _query("what", {"type": "string", "enum": ["states", "minutes"]}, "states where not given."),
            ],
            {**_BAD, "404": "This run keeps no history, or it knows no such camera.", "503": "It cannot be read now."},
        ),
    },
    "components": {
        "schemas": _SCHEMAS,
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "cookie": {
                "type": "apiKey",
                "in": "cookie",
                "name": "fer-edge-PORT",
                "description": "PORT is the port's number.",
            },
        },
    },
}
"""Of the whole API."""
