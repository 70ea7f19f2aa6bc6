"""Write requirements/lock anew: for every platform that is set up by a script or an image, each package with its hashes.

    make lock

Asks the package index that uv is configured for, and writes down no address of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parent.parent

# JetPack 4's Ubuntu 18.04 has glibc 2.27, which takes the wheels for 2.17. A board's lock holds what any flavour needs there;
# requirements/install leaves out what is not wanted. pycuda has no wheels.
BOARD = [
    "--extra",
    "cpu",
    "--extra",
    "headless",
    "--extra",
    "service",
    "--extra",
    "mqtt",
    "--extra",
    "jetson",
    "--only-binary",
    ":all:",
    "--no-binary",
    "pycuda",
]
LOCKS: Dict[str, List[str]] = {
    "build": ["--universal", "--python-version", "3.8", "requirements/build.txt"],
    "release": ["--universal", "--python-version", "3.10", "requirements/release.txt"],
    "pc-headless": [
        "--universal",
        "--python-version",
        "3.11",
        "pyproject.toml",
        "--extra",
        "headless",
        "--extra",
        "service",
        "--extra",
        "mqtt",
    ],
    "pc-headless-gpu": [
        *("--python-platform", "x86_64-manylinux_2_28", "--python-version", "3.12"),
        *("pyproject.toml", "--extra", "headless-gpu", "--extra", "service", "--extra", "mqtt"),
    ],
    "jetpack4": [
        *("--python-platform", "aarch64-manylinux2014", "--python-version", "3.8"),
        *("pyproject.toml", "requirements/jetpack4.txt", *BOARD),
    ],
    "jetpack6": [
        *("--python-platform", "aarch64-manylinux_2_35", "--python-version", "3.10"),
        *("pyproject.toml", "requirements/jetpack6.txt", *BOARD),
    ],
}


def main() -> int:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        sys.exit("uv is missing; make lock installs it")
    for name, asked in LOCKS.items():
        file = ROOT / "requirements" / "lock" / f"{name}.txt"
        file.parent.mkdir(exist_ok=True)
        print(file.relative_to(ROOT), file=sys.stderr)
        command = [uv, "pip", "compile", "--quiet", "--no-config", "--generate-hashes", "--no-header", "--no-annotate"]
        done = subprocess.run([*command, *asked], cwd=ROOT, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        file.write_text(f"# Made by make lock from {asked_from(asked)}.\n{done.stdout}", encoding="utf-8")
    return 0


def asked_from(arguments: List[str]) -> str:
    return " and ".join(word for word in arguments if word.endswith((".txt", ".toml")))


if __name__ == "__main__":
    sys.exit(main())
