"""How a board is at one moment: heat, power mode, clocks, memory, and what tegrastats says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from fer_edge.board.kernel_file import Root
from fer_edge.board.memory import Memory, read_memory
from fer_edge.board.power import CpuClock, PowerMode, read_cpu_clocks, read_power_mode
from fer_edge.board.program import Runner, run_program
from fer_edge.board.tegrastats import Tegrastats, read_tegrastats
from fer_edge.board.temperature import Cooling, Zone, hottest, read_cooling, read_zones


@dataclass(frozen=True)
class BoardState:
    """What could be read; None or empty where a machine does not say."""

    zones: Tuple[Zone, ...] = ()
    cooling: Tuple[Cooling, ...] = ()
    power_mode: Optional[PowerMode] = None
    clocks: Tuple[CpuClock, ...] = ()
    memory: Optional[Memory] = None
    tegrastats: Optional[Tegrastats] = None

    @property
    def slowed_by(self) -> Tuple[str, ...]:
        """The means of cooling that cost speed now."""
        return tuple(means.name for means in self.cooling if means.slows_down)

    @property
    def mode_name(self) -> str:
        """The power mode's name or number; empty where there is none."""
        mode = self.power_mode
        return "" if mode is None else mode.name or str(mode.number if mode.number is not None else "")

    def fields(self) -> Dict[str, Any]:
        """Return what is known as fields of a log line."""
        zone, stats = hottest(self.zones), self.tegrastats
        online = [core for core in self.clocks if core.online]
        known = {
            "temperature_c": zone.now if zone else None,
            "hottest": zone.name if zone else None,
            "slowed_by": list(self.slowed_by) if self.cooling else None,
            "power_mode": self.mode_name or None,
            "cores": len(online) or None,
            "clock_mhz": max((core.now for core in online if core.now is not None), default=None),
            "memory_free_mb": round(self.memory.available) if self.memory and self.memory.available else None,
            "gpu_percent": stats.gpu.percent if stats and stats.gpu else None,
            "power_mw": {rail.name: rail.now for rail in stats.power} if stats and stats.power else None,
        }
        return {name: value for name, value in known.items() if value is not None}

    def __str__(self) -> str:
        """Return it as a line for people."""
        zone, stats, online = hottest(self.zones), self.tegrastats, [core for core in self.clocks if core.online]
        fastest = max((core.now for core in online if core.now is not None), default=None)
        parts = [
            f"{zone.now:.0f} °C ({zone.name})" if zone and zone.now is not None else "",
            f"slowed down by heat ({', '.join(self.slowed_by)})" if self.slowed_by else "",
            f"power mode {self.mode_name}" if self.mode_name else "",
            f"{len(online)} cores" if online else "",
            f"{fastest:.0f} MHz" if fastest is not None else "",
            f"GPU {stats.gpu.percent} %" if stats and stats.gpu else "",
            f"{self.memory.available:.0f} of {self.memory.total:.0f} MiB free"
            if self.memory and self.memory.available is not None
            else "",
        ]
        return ", ".join(filter(None, parts)) or "nothing is known"


def read_board_state(root: Root = "/", run: Runner = run_program) -> BoardState:
    """Read everything; takes two seconds where there is a tegrastats."""
    return BoardState(
        read_zones(root),
        read_cooling(root),
        read_power_mode(root, run),
        read_cpu_clocks(root),
        read_memory(root),
        read_tegrastats(run),
    )
