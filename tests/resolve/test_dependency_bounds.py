"""The bounds in pyproject.toml have an answer on every machine that they are for: wheels only, and nothing is installed.

Asks the package index, so it runs only in ``make test-resolve``. uv answers for a machine that is not this one; pip would
take this one's Python for the conditions in the bounds. pycuda (``jetson``) has no wheels anywhere and is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Tuple

import pytest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

pytestmark = pytest.mark.skipif(
    "FER_EDGE_RESOLVE" not in os.environ, reason="asks the package index: make test-resolve"
)

# JetPack 4's Ubuntu 18.04 has glibc 2.27, which takes the wheels for 2.17; JetPack 6's has 2.35.
MACHINES = {
    "JetPack 4.6": ("aarch64-manylinux2014", "3.8"),
    "JetPack 6": ("aarch64-manylinux_2_35", "3.10"),
    "JetPack 7": ("aarch64-manylinux_2_39", "3.12"),
    "an old PC": ("x86_64-manylinux_2_28", "3.8"),
    "a PC": ("x86_64-manylinux_2_35", "3.10"),
    "a new PC": ("x86_64-manylinux_2_39", "3.12"),
}
NEWEST = {
    f"Python {python} on {platform.partition('-')[0]}": (platform, python)
    for python in ("3.13", "3.14")
    for platform in ("x86_64-manylinux_2_39", "aarch64-manylinux_2_39")
}
"""For which mediapipe has no release that is taken here."""

FLAVOURS = ("cpu", "headless", "gpu", "headless-gpu", "mediapipe")


def resolve(platform: str, python: str, *extras: str) -> Dict[str, Tuple[int, ...]]:
    """Give the packages that would be installed there, with their versions."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    assert uv, "uv is missing; make test-resolve installs it"
    asked = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    asked += ["--python-platform", platform, "--python-version", python, str(PYPROJECT)]
    asked += [word for extra in extras for word in ("--extra", extra)]
    done = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    pairs = (line.split(" ;")[0].split("==") for line in done.stdout.splitlines() if "==" in line)
    return {name.strip(): tuple(int(part) for part in version.split(".")[:2]) for name, version in pairs}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("machine", [*MACHINES, *NEWEST])
def test_every_flavour_can_be_installed_from_wheels(machine: str, flavour: str) -> None:
    platform, python = {**MACHINES, **NEWEST}[machine]
    if flavour == "mediapipe" and machine in NEWEST:
        pytest.skip("mediapipe 0.10.21 has no wheel for it")
    packages = resolve(platform, python, flavour)
    # Two of OpenCV's packages overwrite each other's files.
    (opencv,) = (version for name, version in packages.items() if name.startswith("opencv-"))
    assert opencv < (4, 13), "gives foreign memory in place of interlaced images"
    runtime = "onnxruntime-gpu" if flavour.endswith("gpu") else "onnxruntime"
    if flavour.endswith("gpu") and platform.startswith("aarch64"):
        assert not any(name.startswith("onnxruntime") for name in packages), "a Jetson's comes from NVIDIA"
    else:
        assert packages[runtime] >= (1, 8)
    if flavour == "mediapipe":
        assert packages["mediapipe"] == (0, 10)
        assert packages["numpy"] < (2, 0)


@pytest.mark.parametrize("machine", [*MACHINES, *NEWEST])
def test_what_reads_more_kinds_of_files_and_what_others_ask_can_be_installed_beside_it(machine: str) -> None:
    packages = resolve(
        *{**MACHINES, **NEWEST}[machine], "headless", "media", "heif", "mqtt", "web", "report", "cluster"
    )
    assert (12, 0) <= packages["av"] < (19, 0)
    assert (0, 18) <= packages["pillow-heif"] < (2, 0)
    assert (2, 0) <= packages["paho-mqtt"] < (3, 0)
    assert (0, 44) <= packages["starlette"] < (2, 0)
    assert (0, 33) <= packages["uvicorn"] < (1, 0)
    assert (7, 1) <= packages["plotly"] < (8, 0)
    assert (2, 10) <= packages["ray"] < (3, 0)
