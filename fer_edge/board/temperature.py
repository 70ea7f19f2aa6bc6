"""How hot the machine is, and whether it slows down because of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from fer_edge.board.kernel_file import Root, numbered, read_number, read_text

_THERMAL = "sys/class/thermal"

_CONSTANT = re.compile(r"PMIC", re.IGNORECASE)
"""Jetsons say 50 or 100 degrees for the power chip whatever it has: https://github.com/balena-os/balena-jetson/issues/142."""

_COLDEST = -100.0
"""Below this no board lives; an Orin says -256 for a part that is switched off."""

_SLOWS_DOWN = re.compile(r"throttl|alert|cpufreq|devfreq|balanced|powerclamp|^processor$", re.IGNORECASE)
"""Names of the kernel's means of cooling that cost speed; fans, screens and radios are others."""


@dataclass(frozen=True)
class Zone:
    """A place with a sensor; degrees Celsius.

    Attributes
    ----------
    name : str
        ``CPU-therm``, ``gpu-thermal``, ``x86_pkg_temp``.
    now : float, optional
        None for a sensor that gives nothing, or only a constant.
    slows_at : float, optional
        The lowest temperature at which the kernel slows something down.
    stops_at : float, optional
        The lowest at which it switches the machine off.
    """

    name: str
    now: Optional[float]
    slows_at: Optional[float] = None
    stops_at: Optional[float] = None


@dataclass(frozen=True)
class Cooling:
    """A means of cooling.

    Attributes
    ----------
    name : str
        ``pwm-fan``, ``cpu-throttle-alert``, ``thermal-cpufreq-0``.
    state, most : int, optional
        How much of it is in use: 0 is nothing, `most` everything.
    """

    name: str
    state: Optional[int]
    most: Optional[int]

    @property
    def slows_down(self) -> bool:
        """Whether it is one that costs speed, and at work."""
        return bool(self.state and self.state > 0 and _SLOWS_DOWN.search(self.name))


def read_zones(root: Root = "/") -> Tuple[Zone, ...]:
    """Read every thermal zone of the kernel, by number."""
    return tuple(_read_zone(root, folder) for folder in numbered(root, _THERMAL, "thermal_zone"))


def read_cooling(root: Root = "/") -> Tuple[Cooling, ...]:
    """Read every cooling device of the kernel, by number."""
    return tuple(
        Cooling(
            read_text(root, f"{folder}/type") or folder.rpartition("/")[2],
            read_number(root, f"{folder}/cur_state"),
            read_number(root, f"{folder}/max_state"),
        )
        for folder in numbered(root, _THERMAL, "cooling_device")
    )


def hottest(zones: Sequence[Zone]) -> Optional[Zone]:
    """Return the hottest zone; None where no sensor says anything."""
    known = [zone for zone in zones if zone.now is not None]
    return max(known, key=lambda zone: zone.now or 0.0) if known else None


def celsius(name: str, degrees: float) -> Optional[float]:
    """Return the temperature that a sensor really measured; None for a constant or a part that is switched off."""
    return None if _CONSTANT.search(name) or degrees <= _COLDEST else degrees


def _read_zone(root: Root, folder: str) -> Zone:
    name = read_text(root, f"{folder}/type") or folder.rpartition("/")[2]
    millidegrees = read_number(root, f"{folder}/temp")
    slows, stops = _trips(root, folder)
    return Zone(
        name,
        None if millidegrees is None else celsius(name, millidegrees / 1000),
        min(slows, default=None),
        min(stops, default=None),
    )


def _trips(root: Root, folder: str) -> Tuple[List[float], List[float]]:
    slows: List[float] = []
    stops: List[float] = []
    for trip in range(16):
        kind = read_text(root, f"{folder}/trip_point_{trip}_type")
        if kind is None:
            break
        millidegrees = read_number(root, f"{folder}/trip_point_{trip}_temp")
        # Firmware marks a point that is not used with 0 or less.
        if millidegrees is not None and millidegrees > 0 and kind in ("passive", "hot", "critical"):
            (stops if kind == "critical" else slows).append(millidegrees / 1000)
    return slows, stops
