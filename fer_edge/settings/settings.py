"""What the program is asked to do, in sections."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from fer_edge.errors import FerEdgeError
from fer_edge.settings.analysis import AnalysisSettings
from fer_edge.settings.camera import CameraSettings
from fer_edge.settings.cameras import name_cameras, refuse_what_cannot_be_together
from fer_edge.settings.field import Setting, described
from fer_edge.settings.history import HistorySettings
from fer_edge.settings.layer import Given
from fer_edge.settings.log import LogSettings
from fer_edge.settings.mqtt import MqttSettings
from fer_edge.settings.outputs import OutputSettings
from fer_edge.settings.remote import RemoteSettings
from fer_edge.settings.run import RunSettings
from fer_edge.settings.tracks import TrackSettings
from fer_edge.settings.web import WebSettings


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Each field of a section is a command-line option, an environment variable, and a TOML key.

    Attributes
    ----------
    cameras : tuple of CameraSettings
        What to watch, at least one; nothing said, it is one that is called ``camera``.
    """

    cameras: Tuple[CameraSettings, ...] = (CameraSettings(),)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    remote: RemoteSettings = field(default_factory=RemoteSettings)
    tracks: TrackSettings = field(default_factory=TrackSettings)
    run: RunSettings = field(default_factory=RunSettings)
    outputs: OutputSettings = field(default_factory=OutputSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    web: WebSettings = field(default_factory=WebSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    log: LogSettings = field(default_factory=LogSettings)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each setting stands that comes from a file (with its line) or from a variable: by option (``record``; ``camera``
    for one in the short form), and of a camera's own by ``camera.front.size``. `place` asks by any name."""
    caution: str = field(default="", compare=False, repr=False)
    """Who else can change the settings file, in a sentence for people; empty where nobody can."""
    left_out: Tuple[str, ...] = field(default=(), compare=False, repr=False)
    """Cameras of the settings file that are not watched, as the command line or a variable names others."""
    file: Optional[Path] = field(default=None, compare=False, repr=False)
    """The settings file, if there is one."""

    @classmethod
    def of(cls, **options: Any) -> Settings:
        """Return the settings that options give, by the names of the command line.

        Raises
        ------
        UsageError
            As `changed`.

        Examples
        --------
        >>> Settings.of(camera="demo", display="none").cameras[0].source
        'demo'
        >>> [camera.name for camera in Settings.of(camera=["front=demo", "demo:3"]).cameras]
        ['front', 'demo-3']
        """
        return cls().changed(**options)

    def changed(self, **options: Any) -> Settings:
        """Return these settings with other values for some options.

        ``camera`` is a text, or a list of them, as ``--camera`` takes them: those cameras take the place of the ones here, with
        what else was asked of the one of the same name, or else of the first. Other options of cameras are asked of all.

        Raises
        ------
        UsageError
            The cameras cannot be together in one run: two have one name, or are one device.
        """
        sections: Dict[str, Dict[str, Any]] = {}
        for option, value in options.items():
            known = OPTIONS[option]
            sections.setdefault(known.section, {})[known.field] = value
        of_cameras = sections.pop("cameras", {})
        changes: Dict[str, Any] = {name: replace(getattr(self, name), **values) for name, values in sections.items()}
        texts = of_cameras.pop("source", None)
        cameras = self.cameras if texts is None else self._named([texts] if isinstance(texts, str) else texts)
        if texts is not None or of_cameras:
            changes["cameras"] = tuple(replace(camera, **of_cameras) for camera in cameras)
        return replace(self, **changes)

    def _named(self, texts: Sequence[str]) -> List[CameraSettings]:
        like = {camera.name.lower(): camera for camera in self.cameras}
        asked = name_cameras([Given(text) for text in texts])
        cameras = [
            replace(like.get(name.lower(), self.cameras[0]), name=name, source=source.value) for name, source in asked
        ]
        refuse_what_cannot_be_together(cameras, lambda camera: "")
        return cameras

    def place(self, key: str) -> str:
        """Return where a setting stands that a file (with its line) or a variable gave; empty for others.

        Parameters
        ----------
        key : str
            Its name on the command line (``log_level``), in its section (``log.level``), or of one camera
            (``camera.front.source``).
        """
        section, _, rest = key.partition(".")
        name, dot, field_name = rest.rpartition(".")
        if key in self.origins:
            return self.origins[key]
        if section == CAMERA and dot and name:
            known = TABLES[CAMERA].get(field_name)
            return self.origins.get(known.setting.option or field_name, "") if known else ""
        known = TABLES.get(section, {}).get(rest)
        return self.origins.get(known.setting.option, "") if known else ""

    @contextmanager
    def located(self, key: str) -> Iterator[None]:
        """Let an error from within say where the setting stands that led to it, by a key that `place` takes."""
        try:
            yield
        except FerEdgeError as error:
            place = self.place(key)
            if place:
                error.message = f"{place}: {error.message}"
            raise


CAMERA = "camera"
"""What the table of a camera is called; its field in `Settings` is ``cameras``."""

SECTIONS: Mapping[str, type] = {
    "cameras": CameraSettings,
    "analysis": AnalysisSettings,
    "remote": RemoteSettings,
    "tracks": TrackSettings,
    "run": RunSettings,
    "outputs": OutputSettings,
    "history": HistorySettings,
    "web": WebSettings,
    "mqtt": MqttSettings,
    "log": LogSettings,
}
"""By field of `Settings`, in the order of the help."""


class Option(NamedTuple):
    """Where an option's value stands in `Settings`."""

    section: str
    field: str
    default: Any
    setting: Setting


def _options() -> Iterator[Option]:
    for name, section in SECTIONS.items():
        for known in fields(section):
            yield Option(name, known.name, known.default, described(known))


OPTIONS: Mapping[str, Option] = {option.setting.option: option for option in _options() if option.setting.option}
"""Every setting that the command line has by its name there, in the order of the help."""

TABLES: Mapping[str, Mapping[str, Option]] = {
    CAMERA if section == "cameras" else section: {
        option.field: option for option in _options() if option.section == section
    }
    for section in SECTIONS
}
"""By table of a settings file, its keys."""


def setting_options() -> List[Option]:
    """Return every setting, in the order of the help."""
    return list(OPTIONS.values())
