"""Trees of /proc, /sys and /etc as the kernels of three machines make them."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Optional, Sequence

from fer_edge.board.program import Ran, Runner

NVPMODEL_OF_THE_NANO = """
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_0 /sys/devices/system/cpu/cpu0/online
< POWER_MODEL ID=0 NAME=MAXN >
CPU_ONLINE CORE_2 1
CPU_A57 MAX_FREQ -1
< POWER_MODEL ID=1 NAME=5W >
CPU_ONLINE CORE_2 0
CPU_A57 MAX_FREQ 918000
< PM_CONFIG DEFAULT=0 >
"""

MEMINFO = (
    "MemTotal: {total} kB\nMemFree: 1000 kB\nMemAvailable: {available} kB\nSwapTotal: {swap} kB\nSwapFree: {swap} kB\n"
)


def write(root: Path, files: Dict[str, str]) -> None:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def cpu(root: Path, core: int, lowest: int, highest: int, most: int, now: int, governor: str = "schedutil") -> None:
    folder = f"sys/devices/system/cpu/cpu{core}"
    write(
        root,
        {
            f"{folder}/online": "1\n",
            f"{folder}/cpufreq/scaling_min_freq": f"{lowest}\n",
            f"{folder}/cpufreq/scaling_max_freq": f"{highest}\n",
            f"{folder}/cpufreq/scaling_cur_freq": f"{now}\n",
            f"{folder}/cpufreq/cpuinfo_max_freq": f"{most}\n",
            f"{folder}/cpufreq/scaling_governor": f"{governor}\n",
        },
    )


def zone(root: Path, number: int, name: str, millidegrees: str, trips: Sequence[str] = ()) -> None:
    folder = f"sys/class/thermal/thermal_zone{number}"
    files = {f"{folder}/type": f"{name}\n", f"{folder}/temp": f"{millidegrees}\n"}
    for index, trip in enumerate(trips):
        kind, _, at = trip.partition(" ")
        files.update({f"{folder}/trip_point_{index}_type": kind, f"{folder}/trip_point_{index}_temp": at})
    write(root, files)


def cooling(root: Path, number: int, name: str, state: int, most: int) -> None:
    folder = f"sys/class/thermal/cooling_device{number}"
    write(root, {f"{folder}/type": name, f"{folder}/cur_state": str(state), f"{folder}/max_state": str(most)})


def nano(root: Path, mode: int = 0) -> Path:
    """A Jetson Nano with JetPack 4.6.1, in MAXN or 5 W."""
    write(
        root,
        {
            "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
            "proc/meminfo": MEMINFO.format(total=4059712, available=2812345, swap=2029856),
            "etc/nv_tegra_release": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64, "
            "DATE: Sat Feb 19 17:05:08 UTC 2022\n",
            "etc/nvpmodel.conf": NVPMODEL_OF_THE_NANO,
            "var/lib/nvpmodel/status": f"pmode:{mode:04}\n",
            "usr/local/cuda/version.txt": "CUDA Version 10.2.300\n",
            "usr/include/cudnn_version.h": "#define CUDNN_MAJOR 8\n#define CUDNN_MINOR 2\n#define CUDNN_PATCHLEVEL 1\n",
            "usr/lib/aarch64-linux-gnu/libnvinfer.so.8.2.1": "",
        },
    )
    for core in range(4):
        if mode == 1 and core >= 2:
            write(root, {f"sys/devices/system/cpu/cpu{core}/online": "0\n"})
        else:
            cpu(root, core, 102000, 918000 if mode == 1 else 1479000, 1479000, 614400)
    write(root, {"sys/devices/system/cpu/cpufreq/policy0/affected_cpus": "0 1 2 3"})
    for number, (name, degrees) in enumerate(
        [("AO-therm", 46000), ("CPU-therm", 40500), ("GPU-therm", 41000), ("PLL-therm", 39000), ("PMIC-Die", 100000)]
    ):
        zone(root, number, name, str(degrees), ["active 51000", "passive 97000", "critical 102500"])
    cooling(root, 0, "pwm-fan", 2, 10)
    cooling(root, 1, "gpu-throttle-alert", 0, 2)
    return root


def orin(root: Path) -> Path:
    """A Jetson Orin Nano with JetPack 6, its clocks fixed by jetson_clocks, two cores off, its GPU asleep."""
    write(
        root,
        {
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
            "proc/meminfo": MEMINFO.format(total=7802880, available=5242880, swap=3901440),
            "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, "
            "DATE: Wed Jan  8 01:49:37 UTC 2025\n# KERNEL_VARIANT: oot\n",
            "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build  "
            "(buildbrain@mobile-u64)  Tue Jan  7 17:35:12 PST 2025\nGCC version:  collect2: error\n",
            "usr/local/cuda/version.json": '{"cuda": {"name": "CUDA SDK", "version": "12.6.68"}}',
        },
    )
    for core in range(4):
        cpu(root, core, 1510400, 1510400, 1510400, 1510400)
    for core in (4, 5):
        write(root, {f"sys/devices/system/cpu/cpu{core}/online": "0\n"})
    zone(root, 0, "cpu-thermal", "50031", ["passive 99000", "critical 104500"])
    zone(root, 1, "gpu-thermal", "-256000")
    zone(root, 10, "tj-thermal", "50500", ["passive 99000", "critical 104500"])
    cooling(root, 0, "cpu-throttle-alert", 1, 2)
    cooling(root, 1, "pwm-fan", 4, 4)
    return root


def laptop(root: Path) -> Path:
    """A laptop without an NVIDIA GPU."""
    write(
        root,
        {
            "sys/devices/virtual/dmi/id/product_name": "20XW0055GE\n",
            "proc/cpuinfo": "processor\t: 0\nmodel name\t: 11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz\n",
            "proc/meminfo": MEMINFO.format(total=16000000, available=300000, swap=0),
        },
    )
    for core in range(2):
        cpu(root, core, 400000, 4700000, 4700000, 2800123, "powersave")
    write(root, {"sys/devices/system/cpu/cpu0/online": ""})
    zone(root, 0, "INT3400 Thermal", "20000", ["passive -1", "critical 0"])
    zone(root, 1, "x86_pkg_temp", "61000", ["passive 0"])
    cooling(root, 0, "Processor", 0, 10)
    cooling(root, 1, "intel_powerclamp", -1, 100)
    cooling(root, 2, "TCC Offset", 7, 63)
    return root


def nothing_runs(command: Sequence[str], timeout: float) -> Optional[Ran]:
    """A machine on which no program is installed."""
    return None


def prints(**answers: str) -> Runner:
    """A machine on which the named programs print what is given; ``_`` stands for ``-``."""

    def run(command: Sequence[str], timeout: float) -> Optional[Ran]:
        name = command[0].rpartition("/")[2].replace("-", "_")
        return Ran(0, answers[name]) if name in answers else None

    return run
