"""What the tests of privacy share: a command that is run with a network, a home and a cache of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Sequence

import pytest
from sealed_network import CANNOT

ROOT = Path(__file__).parents[2]
SEAL = Path(__file__).parent / "sealed_network.py"

BUILD_SERVERS = (
    ("CI", "APPVEYOR", "BUILDKITE", "CIRCLECI", "CODEBUILD_BUILD_ID", "GITHUB_ACTIONS", "GITLAB_CI")
    + ("JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD", "TRAVIS")
)  # fmt: skip
"""Where one of these is set ONNX Runtime reports nothing, and a test would pass whatever the program does."""


@dataclass(frozen=True)
class Seen:
    """What a command did.

    Attributes
    ----------
    code : int
        Its exit code.
    names, packets : list of str
        What it asked the name server for, and where its packets went.
    files : list of str
        What lies in its home, cache, temporary and working folder afterwards, but for what INT8 took, which docs/privacy.md
        names: a processor with instructions for it leaves that, and another one does not.
    words : str
        What it printed.
    """

    code: int
    names: List[str]
    packets: List[str]
    files: List[str]
    words: str


Sealed = Callable[..., Seen]


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    """Run Python with arguments in a network that ends there; skips where none can be had."""
    report = tmp_path / "report.json"
    places = {name: tmp_path / "places" / name for name in ("home", "cache", "config", "tmp", "work")}
    for place in places.values():
        place.mkdir(parents=True)
    variables = {
        "HOME": places["home"],
        "XDG_CACHE_HOME": places["cache"],
        "XDG_CONFIG_HOME": places["config"],
        "TMPDIR": places["tmp"],
        "PYTHONPATH": ROOT,
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(*arguments: str, telemetry: str = "0", ends_with: Sequence[int] = (0,)) -> Seen:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("FER_EDGE_") and name not in BUILD_SERVERS
        }
        # As somebody has it who wants the library's telemetry in other programs.
        kept.update({name: str(value) for name, value in variables.items()}, ORT_DISABLE_TELEMETRY=telemetry)
        done = subprocess.run(
            [sys.executable, str(SEAL), str(report), sys.executable, *arguments],
            cwd=places["work"],
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode == CANNOT:
            pytest.skip(done.stdout.strip())
        assert done.returncode == 0, done.stdout
        saw = json.loads(report.read_text())
        assert saw["code"] in ends_with, done.stdout
        left = [file for place in places.values() for file in sorted(place.rglob("*")) if not file.is_dir()]
        named = [str(file.relative_to(tmp_path / "places")) for file in left]
        files = [file for file in named if not file.startswith("cache/fer-edge/precision/")]
        return Seen(saw["code"], saw["names"], saw["packets"], files, done.stdout)

    return run
