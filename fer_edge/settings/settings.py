"""What the program is asked to do, in sections."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from fer_edge.errors import FerEdgeError
from fer_edge.settings.analysis import AnalysisSettings
from fer_edge.settings.camera import CameraSettings
from fer_edge.settings.field import Setting, described
from fer_edge.settings.log import LogSettings
from fer_edge.settings.outputs import OutputSettings
from fer_edge.settings.run import RunSettings
from fer_edge.settings.web import WebSettings


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Each field of a section is a command-line option, an environment variable, and a TOML key."""

    cameras: Tuple[CameraSettings, ...] = (CameraSettings(),)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    run: RunSettings = field(default_factory=RunSettings)
    outputs: OutputSettings = field(default_factory=OutputSettings)
    web: WebSettings = field(default_factory=WebSettings)
    log: LogSettings = field(default_factory=LogSettings)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """By option, where each setting stands that comes from a file (with its line) or from a variable."""
    caution: str = field(default="", compare=False, repr=False)
    """Who else can change the settings file, in a sentence for people; empty where nobody can."""
    file: Optional[Path] = field(default=None, compare=False, repr=False)
    """The settings file, if there is one."""

    @classmethod
    def of(cls, **options: Any) -> Settings:
        """Return the settings that options give, by the names of the command line, for one camera.

        Examples
        --------
        >>> Settings.of(camera="demo", display="none").cameras[0].source
        'demo'
        """
        return cls().changed(**options)

    def changed(self, **options: Any) -> Settings:
        """Return these settings with other values for some options; what is asked of a camera is asked of all."""
        sections: Dict[str, Dict[str, Any]] = {}
        for option, value in options.items():
            known = OPTIONS[option]
            sections.setdefault(known.section, {})[known.field] = value
        of_cameras = sections.pop("cameras", {})
        changes: Dict[str, Any] = {name: replace(getattr(self, name), **values) for name, values in sections.items()}
        if of_cameras:
            changes["cameras"] = tuple(replace(camera, **of_cameras) for camera in self.cameras)
        return replace(self, **changes)

    @contextmanager
    def located(self, option: str) -> Iterator[None]:
        """Let an error from within say where the setting stands that led to it."""
        try:
            yield
        except FerEdgeError as error:
            if option in self.origins:
                error.message = f"{self.origins[option]}: {error.message}"
            raise


SECTIONS: Mapping[str, type] = {
    "cameras": CameraSettings,
    "analysis": AnalysisSettings,
    "run": RunSettings,
    "outputs": OutputSettings,
    "web": WebSettings,
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
            if known.metadata:
                yield Option(name, known.name, known.default, described(known))


OPTIONS: Mapping[str, Option] = {option.setting.option: option for option in _options()}
"""Every setting by its name on the command line, in the order of the help."""


def setting_options() -> List[Option]:
    """Return every setting, in the order of the help."""
    return list(OPTIONS.values())
