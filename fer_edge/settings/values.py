"""What the value of a setting may be: how it is read from text, and what a settings file may hold in place of text."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Tuple

from fer_edge.settings.camera_text import NAME_FORM, is_camera_name
from fer_edge.system.address import parse_address

MOST_THREADS = 256
"""Inference threads; thousands would take longer to start than the program runs."""

LEAST_DEADLINE, LONGEST_DEADLINE = 0.001, 5.0
"""Seconds that a server may take: with more the stage that waits would seem to hang."""

_LARGEST = 10**15
_SHOWN = 80
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)")


class Unfit(ValueError):
    """Says in words for people why a value is not allowed, where that tells more than what is."""


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Attributes
    ----------
    read : callable
        Makes the value of its text, or raises ValueError.
    allowed : str
        What it may be, to follow "it must be".
    toml : tuple of type
        What a settings file may hold beside text. A whole number does where a file means a name that consists of digits.
    secret : bool
        A message must not show the value.
    joined : str
        What stands between the numbers in text, where a settings file may hold a list of them.
    gathered : bool
        Several on one command line are put together, each being a tuple; of any other kind the last one wins.
    """

    read: Callable[[str], Any]
    allowed: str
    toml: Tuple[type, ...] = (int,)
    secret: bool = False
    joined: str = "x"
    gathered: bool = False

    def from_toml(self, value: Any) -> Any:
        """Read what a settings file holds; raises ValueError if it is not allowed."""
        if isinstance(value, str):
            return self.read(value)
        # By its exact type, as a bool is an int.
        if type(value) not in self.toml:
            raise ValueError
        if isinstance(value, list):
            if not all(type(number) is int and 0 <= number < _LARGEST for number in value):
                raise ValueError
            return self.read(self.joined.join(map(str, value)))
        if isinstance(value, int) and abs(value) > _LARGEST:
            raise ValueError
        return self.read(str(value))

    def show(self, value: Any) -> str:
        """Return a value as a message may show it."""
        if self.secret:
            return "what it is set to"
        if isinstance(value, bool):
            return str(value).lower()
        try:
            text = repr(value)
        except ValueError:  # newer Pythons write no number of thousands of digits
            return "a number of that size"
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def choice(*allowed: str) -> Kind:
    """Make the kind that is one of some words."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return Kind(read, f"one of {', '.join(allowed)}", toml=())


def _text(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError
    return text


def _path(text: str) -> str:
    return os.path.expanduser(_text(text))


def _camera_name(text: str) -> str:
    if not is_camera_name(text):
        raise ValueError
    return text


def _word(text: str) -> str:
    if not text or not all("!" <= letter <= "~" for letter in text):
        raise ValueError
    return text


def _names(text: str) -> Tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(re.fullmatch(r"(?i)[a-z0-9]([a-z0-9_.-]{0,252}[a-z0-9])?", name) for name in names):
        raise ValueError
    return names


def _whole(text: str) -> int:
    digits = text.strip()
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 15 or int(digits) < 1:
        raise ValueError
    return int(digits)


def _threads(text: str) -> int:
    value = _whole(text)
    if value > MOST_THREADS:
        raise ValueError
    return value


def _number(text: str) -> float:
    # float would also take other scripts' digits, and underscores.
    if not text.isascii() or "_" in text:
        raise ValueError
    return float(text)


def _positive(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1e9:
        raise ValueError
    return value


def _share(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1:
        raise ValueError
    return value


def _with_unit(text: str, units: Mapping[str, float]) -> float:
    """Read a number with a unit right behind it, in small or large letters."""
    found = _QUANTITY.fullmatch(text)
    factor = units.get(found[2].upper()) if found else None
    if found is None or factor is None:
        raise ValueError
    value = float(found[1]) * factor
    if not 0 < value < _LARGEST * 1000:
        raise ValueError
    return value


def _duration(text: str) -> float:
    return _with_unit(text, {"S": 1.0, "M": 60.0, "H": 3600.0, "D": 86400.0})


def _deadline(text: str) -> float:
    value = _with_unit(text, {"MS": 0.001, "S": 1.0})
    if not LEAST_DEADLINE <= value <= LONGEST_DEADLINE:
        raise ValueError
    return value


def _storage(text: str) -> float:
    return _with_unit(text, {"MB": 1e6, "GB": 1e9, "TB": 1e12})


def _size(text: str) -> Tuple[int, int]:
    width, _, height = text.lower().partition("x")
    return _whole(width), _whole(height)


def _rotation(text: str) -> int:
    if text not in ("0", "90", "180", "270"):
        raise ValueError
    return int(text)


def _region(text: str) -> Tuple[int, int, int, int]:
    numbers = text.split(",")
    if len(numbers) != 4:
        raise ValueError
    left, top = (int(number) if number.strip() == "0" else _whole(number) for number in numbers[:2])
    width, height = map(_whole, numbers[2:])
    return left, top, width, height


def _turns(text: str) -> str:
    if text not in ("auto", "1", "2", "3"):
        raise ValueError
    return text


def _fourcc(text: str) -> str:
    if len(text) != 4 or not text.isascii() or not text.isprintable():
        raise ValueError
    return text.upper()


_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError
    return _FLAGS[text.lower()]


def _rest(text: str) -> str:
    # Who writes on, True or AUTO means no file of that name; one is given as ./on.
    if text.lower() in (*_FLAGS, "auto") and text not in ("off", "auto"):
        raise ValueError
    return _path(text)


TEXT = Kind(_text, "text that is not empty and holds no NUL character")
PATH = Kind(_path, TEXT.allowed)
"""A file's name, of which a ``~`` at the beginning is the home folder; not every shell puts it in its place."""

CAMERA_NAME = Kind(_camera_name, NAME_FORM)
WORD = Kind(_word, "letters, digits and signs of ASCII without a space, as it travels in a header", secret=True)
NAMES = Kind(_names, "names of a machine with commas between them, such as nano,nano.home", toml=())
WHOLE = Kind(_whole, "a whole number above 0")
THREADS = Kind(_threads, f"a whole number from 1 to {MOST_THREADS}")
POSITIVE = Kind(_positive, "a number above 0 and below a thousand million", toml=(int, float))
SHARE = Kind(_share, "a number between 0 and 1", toml=(int, float))
DURATION = Kind(_duration, "a number and s, m, h or d such as 30s, 10m, 1h or 1d", toml=())
DEADLINE = Kind(_deadline, "a number and ms or s, from 1ms to 5s, such as 200ms", toml=())
STORAGE = Kind(_storage, "a number and MB, GB or TB such as 500MB or 20GB", toml=())
SIZE = Kind(_size, "WIDTHxHEIGHT such as 640x480, in a file also [640, 480]", toml=(list,))
ROTATION = Kind(_rotation, "0, 90, 180 or 270, in degrees clockwise")
REGION = Kind(
    _region,
    "LEFT,TOP,WIDTH,HEIGHT in pixels such as 80,0,480,480, in a file also [80, 0, 480, 480]",
    (list,),
    joined=",",
)
REST = Kind(_rest, "off, auto, or the name of a file that `fer-edge rest` saved", toml=())
TURNS = Kind(_turns, "auto, 1, 2 or 3")
FOURCC = Kind(_fourcc, "four letters such as MJPG or YUYV", toml=())
FLAG = Kind(_flag, "true or false", toml=(bool,))
ADDRESS = Kind(parse_address, "HOST:PORT such as 127.0.0.1:8650 or [::1]:8650, or a port from 1 to 65535 alone")
