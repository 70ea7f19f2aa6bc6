from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator, List

import pytest
from programs import eventually

import fer_edge
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.doctor.probe import probe
from fer_edge.errors import SourceError
from fer_edge.soak.program import Program
from fer_edge.system.python_child import python_child, safe_path

ROOT = Path(__file__).parents[2]

# What an interpreter and our modules import early and late; any of them would be taken from the working folder.
NAMES = ("json", "runpy", "linecache", "logging", "typing", "threading", "sitecustomize", "usercustomize")
NAMES += ("numpy", "cv2", "onnxruntime", "fer_edge")

# Whoever runs it leaves a trace, and then goes on with a broken module.
TRAP = "import os\nopen(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'ran-' + __name__), 'w').close()\n"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which somebody left modules."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(TRAP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return tmp_path


def traces(folder: Path) -> List[str]:
    return sorted(file.name for file in folder.glob("ran-*"))


@contextlib.contextmanager
def camera_that_hangs_up() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(socket.timeout):
                    server.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def test_the_traps_work(results: Path) -> None:
    subprocess.run([sys.executable, "-c", "import json, numpy"], check=True, timeout=60)
    assert traces(results) == ["ran-json", "ran-numpy"]


def test_a_child_imports_nothing_from_the_working_folder(results: Path) -> None:
    tried = probe("import cv2, json, numpy, fer_edge, sys; facts = [cv2.__file__, fer_edge.__file__, sys.path]")
    assert tried.facts, tried.reason
    assert tried.facts[1] == fer_edge.__file__
    assert not [place for place in (tried.facts[0], *tried.facts[2]) if place.startswith(str(results)) or not place]
    assert traces(results) == []


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_no_python_that_is_supported_imports_from_the_working_folder_before_the_path_is_set(
    results: Path, version: str
) -> None:
    find = [str(ROOT / "scripts" / "find-python"), version]
    found = subprocess.run(find, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    if not found:
        pytest.skip(f"there is no Python {version} here")
    (results / "bin").mkdir()
    script = results / "bin" / "script"
    script.write_text(
        f"import sys; sys.path.append({str(ROOT)!r})\n"
        "from fer_edge.doctor.probe import probe\n"
        "tried = probe('import json, os, sys, typing; facts = sys.version_info[:2]')\n"
        "print(tried.facts or tried.reason)\n"
    )
    command = [found, "-B", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"[{version.replace('.', ', ')}]\n", done.stderr
    assert traces(results) == []


@pytest.mark.parametrize("places", [":{other}", "{other}::", ".:{other}", "lib:{other}"])
def test_a_search_path_that_names_the_working_folder_without_its_name_is_not_handed_down(
    results: Path, monkeypatch: pytest.MonkeyPatch, places: str
) -> None:
    other = results / "other"
    other.mkdir()
    (results / "lib").mkdir()
    (results / "lib" / "json.py").write_text(TRAP)
    monkeypatch.setenv("PYTHONPATH", places.format(other=other))
    # As the interpreter of the parent has it, which was started there.
    monkeypatch.setattr(sys, "path", ["", str(results), "lib", str(other), *sys.path])
    tried = probe("import json, os, sys; facts = [sys.path, os.environ['PYTHONPATH']]")
    assert tried.facts, tried.reason
    path, handed = tried.facts
    assert handed == str(other)
    assert str(other) in path
    assert not {"", "lib", str(results)} & set(path)
    assert traces(results) + traces(results / "lib") == []


def test_a_working_folder_that_the_user_names_in_full_stays_on_the_path(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(results))
    monkeypatch.setattr(sys, "path", [*sys.path, str(results)])
    assert str(results) in safe_path()


def test_the_package_is_found_where_this_process_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    without = [entry for entry in sys.path if entry and Path(entry).resolve() != ROOT]
    monkeypatch.setattr(sys, "path", ["", *without])
    assert safe_path() == [str(ROOT), *without]
    monkeypatch.setattr(sys, "path", without)
    assert safe_path() == [*without, str(ROOT)]


def test_a_working_folder_that_was_removed_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert "" not in safe_path()


def test_a_child_has_the_arguments_and_the_name_of_a_main_module(results: Path) -> None:
    child = python_child("fer_edge", "--version")
    done = subprocess.run(child.command, env=child.environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"fer-edge {fer_edge.__version__}\n"
    assert traces(results) == []


def test_an_isolated_interpreter_has_isolated_children(results: Path) -> None:
    program = (
        f"import json, sys; sys.path.append({str(ROOT)!r}); sys.path += {[p for p in sys.path if 'packages' in p]!r}\n"
        "from fer_edge.doctor.probe import probe\n"
        "print(json.dumps(probe('import sys; facts = [sys.flags.ignore_environment, sys.flags.no_user_site]').facts))"
    )
    environment = {**os.environ, "PYTHONPATH": str(results)}
    command = [sys.executable, "-I", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [1, 1]
    assert traces(results) == []


def test_the_reader_of_a_stream_runs_nothing_of_the_working_folder(results: Path) -> None:
    with camera_that_hangs_up() as place:
        source = open_source(f"rtsp://{place}/live", CaptureSettings(connect_timeout=10))
        with pytest.raises(SourceError):
            source.open()
    assert traces(results) == []


def test_the_program_of_a_soak_runs_nothing_of_the_working_folder(results: Path) -> None:
    program = Program(["--version"])
    try:
        assert eventually(lambda: [program.exit_code] if program.exit_code is not None else None, "an end") == [0]
    finally:
        program.stop()
    assert traces(results) == []


def test_the_installed_program_runs_nothing_of_the_working_folder(results: Path) -> None:
    # As pip writes it.
    script = results / "bin" / "fer-edge"
    script.parent.mkdir()
    script.write_text("import sys\nfrom fer_edge.__main__ import main\nsys.exit(main())\n")
    command = [sys.executable, str(script), "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert "The main job can run" in done.stdout, done.stderr
    assert traces(results) == []


def test_no_module_starts_an_interpreter_in_another_way() -> None:
    package = Path(fer_edge.__file__).parent
    # The unit is told which program to start, and that is compared with this one; nothing is started there.
    found = {str(file.relative_to(package)) for file in package.rglob("*.py") if "sys.executable" in file.read_text()}
    assert found == {"system/python_child.py", "service/program.py", "service/libraries.py"}
