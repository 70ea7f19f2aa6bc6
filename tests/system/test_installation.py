from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from fer_edge.system.installation import pip_install, requirement
from fer_edge.system.libraries import missing_extra

ROOT = Path(__file__).parents[2]
WHEEL = "fer_edge-0.1.0-py3-none-any.whl"


def test_a_remedy_names_the_checkout_that_the_program_runs_from() -> None:
    assert missing_extra("onnxruntime", "cpu", "This").remedy == f"Install it with:  pip install '{ROOT}[cpu]'"


@pytest.mark.parametrize(
    ("noted", "given"),
    [
        ({"url": "file://{folder}/a%20wheel/" + WHEEL}, "{folder}/a wheel/" + WHEEL + "[cpu]"),
        ({"url": "file://{folder}/gone.whl"}, "CHECKOUT-OR-WHEEL-OF-FER-EDGE[cpu]"),
        ({"url": "https://host/" + WHEEL}, "fer-edge[cpu] @ https://host/" + WHEEL),
        (
            {"url": "https://host/fer-edge.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "fer-edge[cpu] @ git+https://host/fer-edge.git@abc",
        ),
        ({}, "CHECKOUT-OR-WHEEL-OF-FER-EDGE[cpu]"),
    ],
    ids=["wheel", "wheel that is gone", "address", "revision", "nothing noted"],
)
def test_a_remedy_names_what_pip_noted(tmp_path: Path, noted: Dict[str, Any], given: str) -> None:
    (tmp_path / "a wheel").mkdir()
    (tmp_path / "a wheel" / WHEEL).touch()
    direct_url = json.loads(json.dumps(noted).replace("{folder}", str(tmp_path)))
    assert requirement("cpu", tmp_path / "site-packages", direct_url) == given.replace("{folder}", str(tmp_path))


def test_the_command_of_a_remedy_is_one_that_pip_takes() -> None:
    shell = pip_install("train", f"{sys.executable} -m pip --quiet --disable-pip-version-check")
    shell = shell.replace(" install ", " install --dry-run --no-deps --no-build-isolation --no-index ")
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=120, check=False)
    if "hatchling" in done.stderr:
        pytest.skip("the build backend is not installed here")
    assert done.returncode == 0, done.stderr


def test_no_text_tells_to_install_a_name_that_no_index_has() -> None:
    files = [*ROOT.glob("fer_edge/**/*.py"), *ROOT.glob("docs/*.md"), *ROOT.glob("docker/*"), *ROOT.glob("systemd/*")]
    files += [*ROOT.glob("*.md"), *ROOT.glob("models/*.md")]
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            assert "pip install fer-edge" not in line, file
            assert "install 'fer-edge" not in line, file
