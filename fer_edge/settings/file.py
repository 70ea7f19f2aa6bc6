"""Reads a TOML file, and knows in which line a key stands."""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple, Union

from fer_edge.errors import SettingsError, SettingsUnreadable
from fer_edge.settings.trust import who_may_change
from fer_edge.system.regular_file import open_regular
from fer_edge.system.unix import user_id
from fer_edge.system.users import user_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# A dotted key takes the square of its length.
LARGEST_FILE = 65536
LONGEST_LINE = 4096
_LONGEST_STATEMENT = 50
_TOO_DEEP = "its brackets are nested too deeply"

Keys = Tuple[Union[str, int], ...]
"""Names, and the number of a table among those of its name: ``("camera", 1, "source")``."""


@dataclass(frozen=True)
class SettingsFile:
    """What a settings file holds.

    Attributes
    ----------
    path : Path
        Where it lies.
    values : mapping of str to object
        As TOML has them.
    text : str
        The file.
    caution : str
        Who else can change it, in a sentence for people; empty where nobody can.
    """

    path: Path
    values: Mapping[str, Any]
    text: str
    caution: str = ""

    @classmethod
    def read(cls, path: Path) -> SettingsFile:
        """Read the file.

        Raises
        ------
        SettingsUnreadable
            It is not there, or cannot be read.
        SettingsError
            It is not for this user to read, or is not TOML.
        """
        content, who = _read(path)
        consequence = "and so decide what is read, written and run. Mend it with chmod go-w, or chown."
        caution = f"The settings file {path} is not safe: {who}, {consequence}" if who else ""
        return cls.parse(path, content, caution)

    @classmethod
    def parse(cls, path: Path, content: bytes, caution: str = "") -> SettingsFile:
        """Take what was read of the file. Raises SettingsError where it is not TOML."""
        text = _decode(path, content)
        try:
            return cls(path, tomllib.loads(text), text, caution)
        except (ValueError, RecursionError) as error:
            _refuse_both_forms_of_camera(path, text)
            reason = _TOO_DEEP if isinstance(error, RecursionError) else error
            raise SettingsError(f"The settings file {path} is not TOML: {reason}.", _remedy(text)) from error

    def place(self, *keys: Union[str, int]) -> str:
        """Return where a key stands: the file, and the line as far as it is known.

        Parameters
        ----------
        keys : str or int
            Those of the tables that it stands in come first; behind the name of a ``[[table]]`` its number. Of what stands
            within a value, the line is that of the value.
        """
        lines = _lines(self.text)
        ways = (keys, (*keys, 0), *(keys[:count] for count in range(len(keys) - 1, 0, -1)))
        line = next((lines[way] for way in ways if way in lines), None)
        return f"{self.path}, line {line}" if line else str(self.path)


def _remedy(text: str) -> str:
    if len(re.findall(r"^[ \t]*\[camera\]", text, re.MULTILINE)) > 1:
        return "The table of each camera begins with [[camera]], in double brackets."
    return 'Write lines such as  camera = "/dev/video0"'


def _read(path: Path) -> Tuple[bytes, str]:
    """Return what a file holds, and who else can change it."""
    try:
        _refuse_what_is_no_file(path, path.stat())  # to open a pipe would wait for its writer
        with open_regular(path) as file:
            opened = os.fstat(file.fileno())
            _refuse_what_is_no_file(path, opened)
            return file.read(LARGEST_FILE + 1), who_may_change(path, opened)
    except FileNotFoundError as error:
        raise SettingsUnreadable(f"There is no settings file {path}.", "Check the path given with --config.") from error
    except PermissionError as error:
        raise SettingsError(
            f"The user {user_name(user_id())} may not read the settings file {path}.",
            f"Let everybody read it:  sudo chmod a+r '{path}'  (secrets belong into variables), and enter its folders.",
        ) from error
    except OSError as error:
        raise SettingsUnreadable(
            f"The settings file {path} cannot be read: {error.strerror or error}.", "Check the path and the disk."
        ) from error
    except ValueError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}.", "Check the path.") from error


def _refuse_what_is_no_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no ordinary file"
        raise SettingsError(f"The settings file {path} is {kind}.", "Give the path of a TOML file with --config.")


def _decode(path: Path, content: bytes) -> str:
    try:
        # Windows' editor begins a file with a byte order mark.
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except ValueError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}.", "It must be UTF-8 text.") from error
    if len(content) > LARGEST_FILE:
        raise SettingsError(
            f"The settings file {path} has more than {LARGEST_FILE} bytes.", "Check the path given with --config."
        )
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            raise SettingsError(
                f"{path}, line {number}: it has more than {LONGEST_LINE} characters.",
                "Shorten it; no setting is so long.",
            )
    return text


def _refuse_both_forms_of_camera(path: Path, text: str) -> None:
    """Say what is wrong with a file that has tables of cameras below the line of one; TOML's own words are not plain."""
    single = re.search(r"^[ \t]*camera[ \t]*=", text, re.MULTILINE)
    table = re.search(r"^[ \t]*\[\[[ \t]*camera[ \t]*\]\]", text, re.MULTILINE)
    if single and table and single.start() < table.start():
        lines = [1 + text.count("\n", 0, found.start()) for found in (single, table)]
        raise SettingsError(
            f"{path}, line {lines[0]}: camera = ... and the [[camera]] in line {lines[1]} cannot both stand in one file.",
            "Take the first line out, and give that camera a [[camera]] with  source = ...  below.",
        )


@lru_cache(maxsize=1)  # each key of a file is asked for, and each takes the whole file
def _lines(text: str) -> Mapping[Keys, int]:
    """Return the line in which each key stands.

    TOML's own reader decides where a statement ends: where the lines since the last one are TOML by themselves.
    """
    lines: Dict[Keys, int] = {}
    table: Keys = ()
    tables: Dict[Keys, int] = {}
    begin, statement = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement += line + "\n"
        try:
            found = list(_paths(tomllib.loads(statement)))
        except (ValueError, RecursionError):
            if number - begin >= _LONGEST_STATEMENT:  # each line of it is read again with the next
                break
            continue
        opening = statement.lstrip()
        inside: Keys = () if opening.startswith("[") else table
        if opening.startswith("["):
            table = found[-1]
        if opening.startswith("[["):
            tables[table] = tables.get(table, -1) + 1
            table = found[-1] = (*table, tables[table])
        for path in found:
            lines.setdefault(inside + path, begin)
        begin, statement = number + 1, ""
    return lines


def _paths(values: Mapping[str, Any]) -> Iterator[Keys]:
    """Return the keys that lead to each value, and to each table's keys."""
    waiting: List[Tuple[Keys, Any]] = [((key,), value) for key, value in reversed(list(values.items()))]
    while waiting:
        path, value = waiting.pop()
        yield path
        if isinstance(value, dict) and len(path) < 2:
            waiting += [(path + (key,), inner) for key, inner in reversed(list(value.items()))]
