"""Make what is published of a release, in dist/: wheel, sdist, a bill of materials for each lock, and the sums of them all.

    make release

Builds what is committed, with the commit's time in place of today's, so that whoever builds that commit gets the same bytes.
pip-audit then asks for known vulnerabilities of every locked package. Where there is one, or where it gets no answer, the
release ends without SHA256SUMS.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("pc-headless", "pc-headless-gpu", "jetpack4", "jetpack6")
SUMS = "SHA256SUMS"


class ReleaseFailed(Exception):
    """The release cannot be made; the message says why."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=ROOT / "dist", metavar="FOLDER", help="(dist)")
    folder: Path = parser.parse_args().to
    try:
        release(folder)
    except ReleaseFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print((folder / SUMS).read_text(encoding="utf-8"), end="")
    return 0


def release(folder: Path) -> None:
    epoch = time_of_commit()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "fer-edge"
        export(source)
        build(source, folder, epoch)
        for lock in LOCKS:
            bill_of_materials(source, lock, folder)
        for lock in LOCKS:
            audit(source, lock)
    write_sums(folder)


def time_of_commit() -> int:
    """Return the seconds of the commit; refuses a tree with changes, which nobody else could build."""
    if run(["git", "status", "--porcelain"], ROOT, "git status").strip():
        raise ReleaseFailed("the tree has changes that are not committed: commit them, or put them away")
    return int(run(["git", "log", "-1", "--format=%ct"], ROOT, "git log"))


def export(source: Path) -> None:
    """Put what is committed into a folder, and nothing else."""
    done = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(source)


def build(source: Path, folder: Path, epoch: int) -> None:
    """Build wheel and sdist, the same bytes for the same content and time, wherever and by whomever."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(folder.resolve())]
    run(command, source, "the build", {"SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8", "TZ": "UTC"})


def bill_of_materials(source: Path, lock: str, folder: Path) -> None:
    """Write as CycloneDX what an installation by that lock consists of, wheels that are fetched by address included."""
    listed = source / "requirements" / "bill.txt"
    listed.write_text("\n".join([locked(source, lock), *fetched(source, lock)]) + "\n", encoding="utf-8")
    out = folder.resolve() / f"fer-edge-{lock}.cdx.json"
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible", "--of", "JSON"]
    command += ["--pyproject", "pyproject.toml", "--mc-type", "application", "-o", str(out), str(listed)]
    run(command, source, "the bill of materials")


def audit(source: Path, lock: str) -> None:
    """Ask for known vulnerabilities of the packages of a lock."""
    print(f"asking for known vulnerabilities of {lock}", file=sys.stderr)
    listed = source / "requirements" / "audit.txt"
    listed.write_text(locked(source, lock), encoding="utf-8")
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    command += ["--strict", "--requirement", str(listed)]
    run(command, source, f"pip-audit of {lock} found something, or got no answer, so nothing is known of the packages")


def locked(source: Path, lock: str) -> str:
    return (source / "requirements" / "lock" / f"{lock}.txt").read_text(encoding="utf-8")


def fetched(source: Path, lock: str) -> List[str]:
    """Return the wheels that are fetched by address for that lock, as requirements."""
    file = source / "requirements" / f"{lock}.wheels"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = []
    for line in lines:
        if line and not line.startswith("#"):
            digest, name, address, *_ = line.split()
            found.append(f"{name.split('-')[0].replace('_', '-')} @ {address} --hash=sha256:{digest}")
    return found


def write_sums(folder: Path) -> None:
    """Write the sha256 of every file there, as sha256sum --check reads it."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def run(command: List[str], cwd: Path, what: str, variables: Dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(variables or {})}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise ReleaseFailed(f"{what}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
