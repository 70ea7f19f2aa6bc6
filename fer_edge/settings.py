"""What the program is asked to do: command line over environment over settings file over default."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from fer_edge.errors import SettingsError, UsageError
from fer_edge.model_files import DEFAULT_MODEL
from fer_edge.service.address import Address, parse_address

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT_PREFIX = "FER_EDGE_"
"""A setting ``camera`` is read from the variable ``FER_EDGE_CAMERA``."""

MOST_THREADS = 256
"""Inference threads; thousands would take longer to start than the program runs."""

DISPLAYS = ("auto", "window", "none")
DETECTORS = ("blazeface", "blazeface-full", "yunet", "mediapipe", "mediapipe-full")
BACKENDS = ("auto", "tensorrt", "onnx")
DEVICES = ("auto", "cpu", "gpu")
PRECISIONS = ("auto", "fp32", "fp16")
RECONNECTS = ("auto", "always", "never")
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


def _text(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return text


def _whole(text: str) -> int:
    if not text.strip().isdecimal():
        raise ValueError("it must be a whole number above 0")
    value = int(text)
    if value < 1:
        raise ValueError("it must be a whole number above 0")
    return value


def _threads(text: str) -> int:
    value = _whole(text)
    if value > MOST_THREADS:
        raise ValueError(f"it must be at most {MOST_THREADS}")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError("it must be a number above 0")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise ValueError("it must be a number between 0 and 1")
    return value


def _size(text: str) -> Tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    if not cross:
        raise ValueError("it must be WIDTHxHEIGHT, such as 640x480")
    return _whole(width), _whole(height)


def _fourcc(text: str) -> str:
    if len(text) != 4 or not text.isascii():
        raise ValueError("it must be four letters, such as MJPG or YUYV")
    return text.upper()


def _flag(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError("it must be true or false")
    return words[text.lower()]


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"it must be one of {', '.join(allowed)}")
        return text

    return parse


def _setting(default: Any, parse: Callable[[str], Any], metavar: str, group: str, help_text: str) -> Any:
    return field(default=default, metadata={"parse": parse, "metavar": metavar, "group": group, "help": help_text})


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Each field is a command-line option, an environment variable, and a TOML key."""

    camera: str = _setting(
        "auto",
        _text,
        "SRC",
        "source",
        "where frames come from: auto (camera 0 if there is one, else the demo), an index (0), a device (/dev/video0), "
        "csi:0, gst:PIPELINE, rtsp://..., http://... (MJPEG), a video, an image, a folder or glob of images, or demo[:N], "
        "a built-in portrait with N = 1 to 8 faces",
    )
    size: Optional[Tuple[int, int]] = _setting(
        None, _size, "WxH", "source", "ask the source for this size, e.g. 640x480 (default: what it gives)"
    )
    camera_fps: Optional[float] = _setting(None, _seconds, "FPS", "source", "ask the camera for this frame rate")
    pixel_format: str = _setting("MJPG", _fourcc, "FOURCC", "source", "pixel format to ask a USB camera for")
    reconnect: str = _setting(
        "auto",
        _choice(*RECONNECTS),
        "WHEN",
        "source",
        "open a camera or stream anew when it fails, stalls or ends: auto (once it has given a picture), always (also when it "
        "cannot be opened at the start), never; a file is read once",
    )
    detector: str = _setting(
        "blazeface",
        _choice(*DETECTORS),
        "NAME",
        "analysis",
        f"face detector: {', '.join(DETECTORS)}; -full finds faces further away",
    )
    min_score: float = _setting(0.5, _share, "SCORE", "analysis", "leave out faces that the detector is less sure of")
    model: str = _setting(
        DEFAULT_MODEL, _text, "NAME|FILE", "analysis", "expression network: a shipped name or an ONNX file"
    )
    backend: str = _setting(
        "auto",
        _choice(*BACKENDS),
        "NAME",
        "analysis",
        "what the classifier runs on: tensorrt (an engine, built once), onnx (ONNX Runtime), or the best that is there",
    )
    device: str = _setting(
        "auto", _choice(*DEVICES), "NAME", "analysis", "processor of the classifier: cpu, gpu or auto"
    )
    precision: str = _setting(
        "auto", _choice(*PRECISIONS), "NAME", "analysis", "fp32, fp16, or half precision where the GPU is fast at it"
    )
    detect_threads: int = _setting(1, _threads, "N", "analysis", "inference threads of the detector")
    threads: Optional[int] = _setting(
        None, _threads, "N", "analysis", "inference threads of the classifier (default: 1; more help with many faces)"
    )
    display: str = _setting(
        "auto",
        _choice(*DISPLAYS),
        "MODE",
        "output",
        "auto opens a window where there is a display; window insists on it; none never does",
    )
    record: str = _setting("", _text, "FILE", "output", "write the annotated video there (.mp4 or .avi)")
    output: str = _setting("", _text, "FILE", "output", "write one JSON object per frame there; - is standard output")
    append: bool = _setting(
        False,
        _flag,
        "BOOL",
        "output",
        "keep what is there: go on with the results file, and give the recording a name with a number",
    )
    bars: bool = _setting(
        True, _flag, "BOOL", "output", "draw the probabilities of all seven expressions beside a face"
    )
    duration: Optional[float] = _setting(None, _seconds, "S", "output", "end after this many seconds of watching")
    frames: Optional[int] = _setting(None, _whole, "N", "output", "end after this many analysed frames")
    listen: Optional[Address] = _setting(  # noqa: RUF009 - it gives a dataclass field
        None,
        parse_address,
        "HOST:PORT",
        "output",
        "answer GET /healthz and /metrics (for Prometheus) there: 127.0.0.1:8650, or a port alone",
    )
    token: str = _setting(
        "",
        _text,
        "WORD",
        "output",
        "what others must send to be answered (Authorization: Bearer WORD); better given as FER_EDGE_TOKEN, as everybody "
        "can read a command line",
    )
    log_format: str = _setting(
        "text",
        _choice(*LOG_FORMATS),
        "FORMAT",
        "output",
        "text, or json: one object per line, for a journal or collector",
    )
    log_level: str = _setting("info", _choice(*LOG_LEVELS), "LEVEL", "output", f"one of {', '.join(LOG_LEVELS)}")


def load_settings(
    arguments: Mapping[str, str], environment: Optional[Mapping[str, str]] = None, file: Optional[Path] = None
) -> Settings:
    """Put the settings together.

    Parameters
    ----------
    arguments : mapping of str to str
        What the command line gives, by field name; wins over everything else.
    environment : mapping of str to str, optional
        Where ``FER_EDGE_*`` variables are looked up; the process's own by default.
    file : Path, optional
        A TOML file; its keys are the field names, with ``-`` or ``_``.

    Raises
    ------
    SettingsError, UsageError
        An unknown name (with the nearest known one), or a value that makes no sense, with the place that it came from.
    """
    environment = os.environ if environment is None else environment
    values: Dict[str, Any] = {}
    if file is not None:
        for key, value in _read_file(file).items():
            known = _find(key.replace("-", "_"), f"In {file} there is no setting '{key}'")
            if isinstance(value, dict):
                raise SettingsError(f"{file}: '{key}' is a table, but takes one value.", f"{key} = ...")
            values[known.name] = _parse(known, _as_text(value), f"{file}: {key}")
    for variable in sorted(environment):
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in _OTHER_VARIABLES:
            name = variable[len(ENVIRONMENT_PREFIX) :].lower()
            known = _find(name, f"The environment variable {variable} is no setting")
            values[known.name] = _parse(known, environment[variable], variable)
    for name, text in arguments.items():
        known = _find(name, f"There is no setting '{name}'")
        values[known.name] = _parse(known, text, "--" + name.replace("_", "-"))
    return Settings(**values)


def settings_file(given: Optional[str]) -> Optional[Path]:
    """Give the settings file that ``--config`` or ``FER_EDGE_CONFIG`` names, or None."""
    name = given or os.environ.get("FER_EDGE_CONFIG")
    return Path(name) if name else None


_OTHER_VARIABLES = ("FER_EDGE_CONFIG", "FER_EDGE_SHARED")
_FIELDS = {known.name: known for known in fields(Settings)}


def _find(name: str, complaint: str) -> Field[Any]:
    if name in _FIELDS:
        return _FIELDS[name]
    near = difflib.get_close_matches(name, _FIELDS, 1)
    hint = f"Did you mean '{near[0]}'?" if near else "The settings are: " + ", ".join(sorted(_FIELDS)) + "."
    raise SettingsError(complaint + ".", hint)


def _parse(known: Field[Any], text: str, where: str) -> Any:
    try:
        return known.metadata["parse"](text)
    except ValueError as error:
        reason = str(error) if str(error).startswith("it ") else "it cannot be read"
        kind = UsageError if where.startswith("--") else SettingsError
        raise kind(f"{where}: {text!r} will not do: {reason}.", f"What it sets: {known.metadata['help']}.") from error


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(str(item) for item in value)
    return str(value)


def _read_file(file: Path) -> Dict[str, Any]:
    try:
        return dict(tomllib.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise SettingsError(f"There is no settings file {file}.", "Check the path given with --config.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error}.", "It must be UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"The settings file {file} is not TOML: {error}.", 'Write lines such as  camera = "/dev/video0"'
        ) from error
