"""What the program is asked to do: command line over environment over settings file over default."""

from __future__ import annotations

import difflib
import os
from contextlib import contextmanager
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Type, Union

from fer_edge.errors import FerEdgeError, SettingsError, UsageError
from fer_edge.inference.model_files import DEFAULT_MODEL
from fer_edge.settings.environment import is_link
from fer_edge.settings.file import SettingsFile
from fer_edge.settings.values import (
    ADDRESS,
    FLAG,
    FOURCC,
    POSITIVE,
    SHARE,
    SIZE,
    TEXT,
    THREADS,
    WHOLE,
    WORD,
    Kind,
    choice,
)
from fer_edge.system.address import Address

ENVIRONMENT_PREFIX = "FER_EDGE_"
"""A setting ``camera`` is read from the variable ``FER_EDGE_CAMERA``."""

DISPLAYS = ("auto", "window", "none")
DETECTORS = ("blazeface", "blazeface-full", "yunet", "mediapipe", "mediapipe-full")
BACKENDS = ("auto", "tensorrt", "onnx")
DEVICES = ("auto", "cpu", "gpu")
PRECISIONS = ("auto", "fp32", "fp16")
RECONNECTS = ("auto", "always", "never")
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


def _setting(default: Any, kind: Kind, metavar: str, group: str, help_text: str) -> Any:
    return field(default=default, metadata={"kind": kind, "metavar": metavar, "group": group, "help": help_text})


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Each field is a command-line option, an environment variable, and a TOML key."""

    camera: str = _setting(
        "auto",
        TEXT,
        "SRC",
        "source",
        "where frames come from: auto (camera 0 if there is one, else the demo), an index (0), a device (/dev/video0), "
        "csi:0, gst:PIPELINE, rtsp://..., http://... (MJPEG), a video, an image, a folder or glob of images, or demo[:N], "
        "a built-in portrait with N = 1 to 8 faces; an address with a password is better given as FER_EDGE_CAMERA or in the "
        "settings file, as everybody can read a command line",
    )
    size: Optional[Tuple[int, int]] = _setting(
        None, SIZE, "WxH", "source", "ask the source for this size, e.g. 640x480 (default: what it gives)"
    )
    camera_fps: Optional[float] = _setting(None, POSITIVE, "FPS", "source", "ask the camera for this frame rate")
    pixel_format: str = _setting("MJPG", FOURCC, "FOURCC", "source", "pixel format to ask a USB camera for")
    reconnect: str = _setting(
        "auto",
        choice(*RECONNECTS),
        "WHEN",
        "source",
        "open a camera or stream anew when it fails, stalls or ends: auto (once it has given a picture), always (also when it, "
        "a file for results, or the address of --listen is not to be had at the start), never; a file is read once",
    )
    detector: str = _setting(
        "blazeface",
        choice(*DETECTORS),
        "NAME",
        "analysis",
        f"face detector: {', '.join(DETECTORS)}; -full finds faces further away",
    )
    min_score: float = _setting(0.5, SHARE, "SCORE", "analysis", "leave out faces that the detector is less sure of")
    model: str = _setting(
        DEFAULT_MODEL, TEXT, "NAME|FILE", "analysis", "expression network: a shipped name or an ONNX file"
    )
    backend: str = _setting(
        "auto",
        choice(*BACKENDS),
        "NAME",
        "analysis",
        "what the classifier runs on: tensorrt (an engine, built once), onnx (ONNX Runtime), or the best that is there",
    )
    device: str = _setting(
        "auto", choice(*DEVICES), "NAME", "analysis", "processor of the classifier: cpu, gpu or auto"
    )
    precision: str = _setting(
        "auto", choice(*PRECISIONS), "NAME", "analysis", "fp32, fp16, or half precision where the GPU is fast at it"
    )
    detect_threads: int = _setting(1, THREADS, "N", "analysis", "inference threads of the detector")
    threads: Optional[int] = _setting(
        None, THREADS, "N", "analysis", "inference threads of the classifier (default: 1; more help with many faces)"
    )
    display: str = _setting(
        "auto",
        choice(*DISPLAYS),
        "MODE",
        "output",
        "auto opens a window where there is a display; window insists on it; none never does",
    )
    record: str = _setting("", TEXT, "FILE", "output", "write the annotated video there (.mp4 or .avi)")
    record_minutes: Optional[float] = _setting(
        None,
        POSITIVE,
        "MIN",
        "output",
        "record in pieces of so many minutes, each named after its beginning in UTC, as FILE-20261126T101500Z.mp4 "
        "(default: one file)",
    )
    record_keep: Optional[float] = _setting(
        None,
        POSITIVE,
        "GB",
        "output",
        "record in pieces, and delete the oldest of them when all together have more gigabytes; a piece ends when it has a "
        "quarter of them",
    )
    output: str = _setting("", TEXT, "FILE", "output", "write one JSON object per frame there; - is standard output")
    append: bool = _setting(
        False,
        FLAG,
        "BOOL",
        "output",
        "keep what is there: go on with the results file, and give the recording a name with a number",
    )
    bars: bool = _setting(True, FLAG, "BOOL", "output", "draw the probabilities of all seven expressions beside a face")
    duration: Optional[float] = _setting(None, POSITIVE, "S", "output", "end after this many seconds of watching")
    frames: Optional[int] = _setting(None, WHOLE, "N", "output", "end after this many analysed frames")
    listen: Optional[Address] = _setting(  # noqa: RUF009 - it gives a dataclass field
        None,
        ADDRESS,
        "HOST:PORT",
        "output",
        "answer GET /healthz and /metrics (for Prometheus) there: 127.0.0.1:8650, or a port alone",
    )
    token: str = _setting(
        "",
        WORD,
        "WORD",
        "output",
        "what others must send to be answered (Authorization: Bearer WORD); better given as FER_EDGE_TOKEN, as everybody "
        "can read a command line",
    )
    tls_cert: str = _setting(
        "",
        TEXT,
        "FILE",
        "output",
        "answer HTTPS, with the certificate (and those that lead to its authority) in this PEM file",
    )
    tls_key: str = _setting(
        "", TEXT, "FILE", "output", "the certificate's private key, where it does not stand in the same file"
    )
    log_format: str = _setting(
        "text",
        choice(*LOG_FORMATS),
        "FORMAT",
        "output",
        "text, or json: one object per line, for a journal or collector",
    )
    log_level: str = _setting("info", choice(*LOG_LEVELS), "LEVEL", "output", f"one of {', '.join(LOG_LEVELS)}")
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """By name, where each setting stands that comes from a file (with its line) or from a variable."""
    caution: str = field(default="", compare=False, repr=False)
    """Who else can change the settings file, in a sentence for people; empty where nobody can."""
    file: Optional[Path] = field(default=None, compare=False, repr=False)
    """The settings file, if there is one."""

    @property
    def in_pieces(self) -> bool:
        """Whether a recording is one in pieces."""
        return self.record_minutes is not None or self.record_keep is not None

    @contextmanager
    def located(self, name: str) -> Iterator[None]:
        """Let an error from within say where the setting `name` stands, which led to it."""
        try:
            yield
        except FerEdgeError as error:
            if name in self.places:
                error.message = f"{self.places[name]}: {error.message}"
            raise


def load_settings(
    arguments: Mapping[str, str],
    environment: Optional[Mapping[str, str]] = None,
    file: Union[Path, SettingsFile, None] = None,
) -> Settings:
    """Put the settings together.

    Parameters
    ----------
    arguments : mapping of str to str
        What the command line gives, by field name; wins over everything else.
    environment : mapping of str to str, optional
        Where ``FER_EDGE_*`` variables are looked up; the process's own by default. An empty one counts as not set.
    file : Path or SettingsFile, optional
        A TOML file, to be read or already read; its keys are the field names, with ``-`` or ``_``.

    Raises
    ------
    SettingsError, UsageError
        An unknown name (with the nearest known one), or a value that makes no sense, with the place that it came from.
    """
    environment = os.environ if environment is None else environment
    values: Dict[str, Any] = {}
    places: Dict[str, str] = {}
    caution = ""
    path: Optional[Path] = None
    if file is not None:
        content = file if isinstance(file, SettingsFile) else SettingsFile.read(file)
        path = content.path
        values.update(_from_file(content))
        caution = content.caution
        places.update((key.replace("-", "_"), content.place(key)) for key in content.values)
    for variable in sorted(environment):
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in _OTHER_VARIABLES:
            name = variable[len(ENVIRONMENT_PREFIX) :].lower()
            if name not in _FIELDS and is_link(variable[len(ENVIRONMENT_PREFIX) :], environment[variable]):
                continue
            known = _find(name, f"The environment variable {variable} is no setting")
            if not environment[variable]:  # as compose and env files leave what is not set
                continue
            values[known.name] = _parse(known, environment[variable], variable)
            places[known.name] = variable
    for name, text in arguments.items():
        known = _find(name, f"There is no setting '{name}'")
        values[known.name] = _parse(known, text, "--" + name.replace("_", "-"))
        places.pop(known.name, None)
    return Settings(**values, places=places, caution=caution, file=path)


def check_value(name: str, value: Any) -> Any:
    """Return a setting's value as a program gives it: text, or what a settings file may hold in its place.

    Raises
    ------
    UsageError
        It makes no sense; the message says what it may be.
    """
    known = _FIELDS[name]
    try:
        return known.metadata["kind"].from_toml(value)
    except ValueError as error:
        raise _refusal(known, value, name, UsageError) from error


def known_log_format(
    arguments: Mapping[str, str],
    environment: Optional[Mapping[str, str]] = None,
    file: Optional[Path] = None,
) -> str:
    """Return the log's format as far as it is known, for the message that other settings are wrong. Raises nothing."""
    environment = os.environ if environment is None else environment
    given = arguments.get("log_format") or environment.get(f"{ENVIRONMENT_PREFIX}LOG_FORMAT")
    if not given and file is not None:
        try:
            values = SettingsFile.read(file).values
        except FerEdgeError:
            values = {}
        given = values.get("log_format") or values.get("log-format")
    return given if isinstance(given, str) and given in LOG_FORMATS else "text"


def setting_fields() -> List[Field[Any]]:
    """Return the fields of `Settings` that can be set, with what is known of each in their metadata."""
    return list(_FIELDS.values())


def settings_file(given: Optional[str]) -> Optional[Path]:
    """Return the settings file that ``--config`` or ``FER_EDGE_CONFIG`` names, or None."""
    name = given or os.environ.get("FER_EDGE_CONFIG")
    return Path(name) if name else None


_OTHER_VARIABLES = ("FER_EDGE_CONFIG", "FER_EDGE_SHARED")
_FIELDS = {known.name: known for known in fields(Settings) if known.metadata}


def _from_file(file: SettingsFile) -> Dict[str, Any]:
    values: Dict[str, Any] = {}
    for key, value in file.values.items():
        name = key.replace("-", "_")
        if name not in _FIELDS:
            _refuse_settings_in_a_table(file, key, value)
            _find(name, f"{file.place(key)}: there is no setting {TEXT.show(key)}")
        if name in values:
            raise SettingsError(f"{file.place(key)}: {name} is set twice.", "Remove one of the two lines.")
        known = _FIELDS[name]
        try:
            values[name] = known.metadata["kind"].from_toml(value)
        except ValueError as error:
            raise _refusal(known, value, f"{file.place(key)}: {key}", SettingsError) from error
    return values


def _refuse_settings_in_a_table(file: SettingsFile, key: str, value: Any) -> None:
    for inner in value if isinstance(value, dict) else ():
        if inner.replace("-", "_") in _FIELDS:
            raise SettingsError(
                f"{file.place(key, inner)}: {inner} stands in the table {TEXT.show(key)}; settings stand in none.",
                "Move it above the first line with a [table].",
            )


def _find(name: str, complaint: str) -> Field[Any]:
    if name in _FIELDS:
        return _FIELDS[name]
    near = difflib.get_close_matches(name, _FIELDS, 1)
    hint = f"Did you mean '{near[0]}'?" if near else "The settings are: " + ", ".join(sorted(_FIELDS)) + "."
    raise SettingsError(complaint + ".", hint)


def _parse(known: Field[Any], text: str, where: str) -> Any:
    try:
        return known.metadata["kind"].read(text)
    except ValueError as error:
        kind = UsageError if where.startswith("--") else SettingsError
        raise _refusal(known, text, where, kind) from error


def _refusal(known: Field[Any], value: Any, where: str, error: Type[FerEdgeError]) -> FerEdgeError:
    kind: Kind = known.metadata["kind"]
    return error(
        f"{where}: {kind.show(value)} will not do: it must be {kind.allowed}.",
        f"What it sets: {known.metadata['help']}.",
    )
