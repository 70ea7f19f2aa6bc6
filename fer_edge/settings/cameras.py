"""Which cameras a run watches, by what the command line, the environment and the settings file say of them."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import fields
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from fer_edge.errors import FerEdgeError
from fer_edge.settings.camera import CameraSettings
from fer_edge.settings.camera_text import NAME_FORM, distinct_names, is_camera_name, split_camera
from fer_edge.settings.field import described
from fer_edge.settings.layer import CameraTable, Given, Layer, complaint
from fer_edge.system.masking import printable
from fer_edge.system.regular_file import is_fifo

MOST_CAMERAS = 64
"""In one process. Each has a thread and a connection, and the picture of one in a grid of more could not be made out."""

SHARED: Mapping[str, str] = {
    known.name: described(known).option
    for known in fields(CameraSettings)
    if known.name not in ("name", "source", "detector")
}
"""Options that hold for all cameras that do not say otherwise themselves, by field."""


class Asked(NamedTuple):
    """A camera that is to be watched."""

    name: str
    source: Given


class Chosen(NamedTuple):
    """The cameras of a run, and where what was said of each alone stands, by keys such as ``camera.front.size``."""

    cameras: Tuple[CameraSettings, ...]
    origins: Mapping[str, str]
    left_out: Tuple[str, ...] = ()


def name_cameras(texts: Sequence[Given]) -> List[Asked]:
    """Return the cameras that texts such as ``front=0`` ask for, each with a name; those without one get one made.

    Raises
    ------
    FerEdgeError
        A text is none of a camera.
    """
    parts = []
    for text in texts:
        try:
            parts.append(split_camera(text.value))
        except FerEdgeError as error:
            raise complaint(text.place, error.message, error.remedy) from error
    named = zip(distinct_names(parts), parts, texts)
    return [Asked(name, Given(source, text.place)) for name, (_, source), text in named]


def choose_cameras(file: Layer, environment: Layer, command_line: Layer) -> Chosen:
    """Put together what is said of cameras.

    The cameras of the command line are the ones that run, or else that of ``FER_EDGE_CAMERA``; or else those of the file and
    of variables such as ``FER_EDGE_CAMERA__FRONT__SOURCE``, which win over the file. What a table or a variable says of a
    camera of that name holds for it in every case.

    Raises
    ------
    FerEdgeError
        Something is said of a camera that nothing gives a source, or the cameras cannot be together in one run.
    """
    given = command_line.options.get("camera")
    if given is None:
        _refuse_two_forms(environment)
        given = environment.options.get("camera")
    texts = [] if given is None else [Given(text, given.place) for text in _texts(given.value)]
    asked = name_cameras(texts)
    tables = _tables_of_file(file)
    _lay_over(tables, environment.tables, [camera.name for camera in asked])
    _demand_sources(tables, asked)
    lent = {table.name.lower(): table.keys for table in tables}
    running = asked or [Asked(table.name, table.keys["source"]) for table in tables]
    shared = {**file.options, **environment.options, **command_line.options}
    cameras = []
    origins: Dict[str, str] = {}
    for name, source in running:
        own = {**lent.get(name.lower(), {}), "source": source}
        of_all = {key: shared[option] for key, option in SHARED.items() if option in shared}
        values = {key: value for key, (value, _) in {**of_all, **own}.items()}
        cameras.append(CameraSettings(name=name, **values))
        origins.update((f"camera.{name}.{key}", place) for key, (_, place) in own.items() if place)
    if not cameras:
        nothing_said = {key: shared[option].value for key, option in SHARED.items() if option in shared}
        cameras.append(CameraSettings(**nothing_said))
    refuse_what_cannot_be_together(cameras, lambda camera: origins.get(f"camera.{camera.name}.source", ""))
    watched = {camera.name.lower() for camera in cameras}
    left_out = tuple(table.name for table in file.tables if table.name.lower() not in watched)
    return Chosen(tuple(cameras), origins, left_out)


def refuse_what_cannot_be_together(cameras: Sequence[CameraSettings], place: Callable[[CameraSettings], str]) -> None:
    """Refuse cameras of one name, one device for two, and too many.

    Parameters
    ----------
    place : callable
        Tells where a camera's source stands; empty for the command line.
    """
    if len(cameras) > MOST_CAMERAS:
        raise complaint(
            place(cameras[MOST_CAMERAS]),
            f"there are {len(cameras)} cameras, and one run watches {MOST_CAMERAS} at most.",
            "Share them out over several runs, or several machines.",
        )
    names: Dict[str, CameraSettings] = {}
    devices: Dict[str, CameraSettings] = {}
    for camera in cameras:
        other = names.setdefault(camera.name.lower(), camera)
        if other is not camera:
            raise _same_name(camera.name, other.name, place(camera), place(other))
        device = _device(camera.source)
        other = devices.setdefault(device, camera) if device else camera
        if other is not camera:
            sources = " and ".join(dict.fromkeys([printable(other.source), printable(camera.source)]))
            raise complaint(
                place(camera),
                f"the cameras '{other.name}' and '{camera.name}' are the same device, {device} (given as {sources}).",
                "Leave one of them out; `fer-edge cameras` lists what there is.",
            )


def _refuse_two_forms(environment: Layer) -> None:
    single = environment.options.get("camera")
    named = next((table.keys["source"] for table in environment.tables if "source" in table.keys), None)
    if single is not None and named is not None:
        raise complaint(
            single.place,
            f"{named.place} says what to watch as well.",
            f"Give each camera as FER_EDGE_CAMERA__NAME__SOURCE, and leave out {single.place}.",
        )


def _texts(value: object) -> List[str]:
    return [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]


def _tables_of_file(file: Layer) -> List[CameraTable]:
    """Return what the file says of cameras, each with a name; its one camera above the tables counts as a table."""
    tables = list(file.tables)
    single = file.options.get("camera")
    if single is not None:
        (camera,) = name_cameras([single])
        tables.append(CameraTable(camera.name, single.place, {"source": camera.source}))
    parts = []
    for table in tables:
        source = table.keys.get("source")
        if source is None and not table.name:
            raise complaint(table.place, "a camera has neither a name nor a source.", 'Write  source = "0"  below it.')
        parts.append((table.name, source.value if source else ""))
    seen: Dict[str, CameraTable] = {}
    for table, name in zip(tables, distinct_names(parts)):
        table.name = name
        other = seen.setdefault(name.lower(), table)
        if other is not table:
            raise _same_name(name, other.name, table.place, other.place)
    return tables


def _lay_over(tables: List[CameraTable], variables: Iterable[CameraTable], running: Sequence[str]) -> None:
    """Let variables win over the tables of the same camera; of others they become tables of their own."""
    known = [*running, *(table.name for table in tables)]
    for variable in variables:
        name = _known_as(variable, known) or variable.name
        if not is_camera_name(name):
            raise complaint(
                variable.place,
                f"'{printable(name)}' will not do as the name of a camera: it has {NAME_FORM}.",
                "Name it as in FER_EDGE_CAMERA__FRONT__SOURCE.",
            )
        table = next((table for table in tables if table.name.lower() == name.lower()), None)
        if table is None:
            tables.append(CameraTable(name, variable.place, dict(variable.keys)))
        else:
            table.keys.update(variable.keys)


def _known_as(variable: CameraTable, known: Iterable[str]) -> Optional[str]:
    """Return the camera that a variable means: it has no small letters, and _ stands for - and . as well."""
    names = {name.lower(): name for name in known}
    if variable.name in names:
        return names[variable.name]
    alike = [name for small, name in names.items() if _as_variable(small) == _as_variable(variable.name)]
    if len(alike) > 1:
        raise complaint(
            variable.place,
            f"it may mean {' or '.join(repr(name) for name in alike)}.",
            "Call one of the cameras otherwise, or set it in the settings file.",
        )
    return alike[0] if alike else None


def _as_variable(name: str) -> str:
    return re.sub("[-.]", "_", name)


def _demand_sources(tables: Iterable[CameraTable], asked: Sequence[Asked]) -> None:
    """Refuse what is said of a camera that nothing gives a source: its name may be mistyped."""
    known = {camera.name.lower(): camera.name for camera in asked}
    known.update((table.name.lower(), table.name) for table in tables if "source" in table.keys)
    for table in tables:
        if table.name.lower() not in known:
            near = difflib.get_close_matches(table.name.lower(), known, 1)
            remedy = f"Did you mean '{known[near[0]]}'? Else give" if near else "Give"
            variable = f"FER_EDGE_CAMERA__{_as_variable(table.name).upper()}__SOURCE"
            others = f" The cameras are: {', '.join(known.values())}." if known and not near else ""
            raise complaint(
                table.place,
                f"nothing gives the camera '{table.name}' a source.",
                f'{remedy} it one, as in --camera {table.name}=0, {variable}, or  source = "0"  below its name.{others}',
            )


def _device(source: str) -> str:
    """Return the device or named pipe that a source means, links followed; empty where it is none of this machine's own."""
    text = "0" if source == "auto" else source
    if re.fullmatch("[0-9]{1,9}", text):
        return os.path.realpath(f"/dev/video{int(text)}")
    if text.startswith("/dev/"):
        return os.path.realpath(text)
    csi = re.fullmatch("csi:([0-9]{1,2})", text)
    if csi:
        return f"csi:{int(csi.group(1))}"
    path = os.path.expanduser(text)
    return os.path.realpath(path) if is_fifo(path) else ""


def _same_name(name: str, other: str, place: str, first: str) -> FerEdgeError:
    alike = f"'{name}'" if name == other else f"'{other}' and '{name}', which some disks take for one name"
    where = f" (first in {first})" if first else ""
    return complaint(place, f"two cameras are called {alike}{where}.", "Give each a name of its own.")
