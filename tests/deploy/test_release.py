"""scripts/release.py: the same bytes for everybody, nothing in them that does not belong there, and an audit before it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import List

import pytest

ROOT = Path(__file__).parents[2]
EPOCH = 1_700_000_000
PARTS = ("fer_edge", "models", "systemd", "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile")


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(release: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> List[Path]:
    """Build twice, in two folders, at two times, with two umasks and what Python leaves behind in one of them."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("the build backend is not installed here")
    folders = []
    for name, umask in (("one", 0o022), ("another", 0o077)):
        before = os.umask(umask)
        try:
            source = tmp_path_factory.mktemp(name) / "source"
            source.mkdir()
            for part in PARTS:
                place = ROOT / part
                if place.is_dir():
                    shutil.copytree(place, source / part, ignore=shutil.ignore_patterns("__pycache__", "table1"))
                else:
                    shutil.copyfile(place, source / part)
            if umask == 0o077:
                (source / "fer_edge" / "__pycache__").mkdir()
                (source / "fer_edge" / "__pycache__" / "types.cpython-311.pyc").write_bytes(b"compiled")
                for file in source.rglob("*"):
                    os.utime(file, (1, 1))
            out = source.parent / "dist"
            release.build(source, out, EPOCH)
            folders.append(out)
        finally:
            os.umask(before)
    return folders


def test_two_builds_of_the_same_content_are_the_same_bytes(built: List[Path]) -> None:
    one, another = ({file.name: file.read_bytes() for file in sorted(folder.iterdir())} for folder in built)
    assert sorted(name.rsplit(".", 1)[1] for name in one) == ["gz", "whl"]
    assert {name: hashlib.sha256(data).hexdigest() for name, data in one.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in another.items()
    }


def test_the_wheel_holds_the_package_its_models_and_its_licence_and_nothing_else(built: List[Path]) -> None:
    (wheel,) = built[0].glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert all(info.date_time[0] == 2023 for info in archive.infolist()), "the time of the commit"
    info = next(name.split("/")[0] for name in names if ".dist-info/" in name)
    assert {name.split("/")[0] for name in names} == {"fer_edge", info}
    assert {"fer_edge/py.typed", f"{info}/licenses/LICENSE", "fer_edge/models/manifest.json"} <= set(names)
    assert not [name for name in names if "test" in name or name.endswith((".pyc", ".so", ".tflite"))]
    allowed = (".py", ".toml", ".onnx", ".json", ".md", ".jpg", ".service", ".env", ".m2v", "py.typed")
    pages = ("fer_edge/web/page/", "fer_edge/report/page.", "fer_edge/recordings/pages/")
    assert not [name for name in names if not name.startswith((info, *pages)) and not name.endswith(allowed)]
    assert {"fer_edge/web/page/index.html", "fer_edge/report/page.html", "fer_edge/recordings/pages/pages.css"} <= set(
        names
    )


def test_the_sdist_holds_what_the_wheel_is_built_from(built: List[Path]) -> None:
    (sdist,) = built[0].glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "fer_edge/py.typed", "models/manifest.json", "systemd/fer-edge.toml"} <= names
    assert not [name for name in names if name.endswith(".pyc")]


def test_an_audit_that_gets_no_answer_fails_the_release(
    release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements" / "lock").mkdir(parents=True)
    (tmp_path / "requirements" / "lock" / "pc-headless.txt").write_text("numpy==1\n")
    # A pip-audit whose network is dead.
    (tmp_path / "pip_audit.py").write_text("import sys; sys.exit('could not reach the advisory service')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(release.ReleaseFailed, match="advisory service") as raised:
        release.audit(tmp_path, "pc-headless")
    assert "pip-audit of pc-headless" in str(raised.value)


def test_a_failed_audit_leaves_no_sums(
    release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise release.ReleaseFailed("no answer")

    monkeypatch.setattr(sys, "argv", ["release.py", "--to", str(tmp_path / "dist")])
    monkeypatch.setattr(release, "time_of_commit", lambda: EPOCH)
    for name in ("export", "build", "bill_of_materials"):
        monkeypatch.setattr(release, name, lambda *_: None)
    monkeypatch.setattr(release, "audit", fail)
    assert release.main() == 1
    assert "no answer" in capsys.readouterr().err
    assert not (tmp_path / "dist" / "SHA256SUMS").exists()


def test_the_sums_are_those_that_sha256sum_checks(release: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"wheel")
    release.write_sums(tmp_path)
    release.write_sums(tmp_path)
    done = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "a.whl: OK\n"


def test_every_wheel_that_is_fetched_by_address_is_in_the_bill_of_materials(release: ModuleType) -> None:
    assert [line.split(" @ ")[0] for line in release.fetched(ROOT, "jetpack4")] == ["onnxruntime-gpu", "tensorrt"]
    assert all("--hash=sha256:" in line for line in release.fetched(ROOT, "jetpack6"))
    assert release.fetched(ROOT, "pc-headless") == []
