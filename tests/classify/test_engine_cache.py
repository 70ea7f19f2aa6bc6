"""Engines that are kept: whole files, one builder at a time, and ``fer-edge build-engine``."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in.tensorrt import Machine

from fer_edge.classify.engine_cache import LONGEST_WAIT, MAGIC, EngineCache, EngineKey
from fer_edge.classify.tensorrt import TensorRTClassifier
from fer_edge.cli import main
from fer_edge.errors import EngineError, OutputNotWritable
from fer_edge.model_files import find_model

FERNET = find_model("fernet")
Install = Callable[[str], Machine]


def test_an_engine_file_is_whole_or_not_there(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch, install: Install
) -> None:
    install("8.2.1.8")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    TensorRTClassifier(FERNET, cache=cache).close()
    assert not [name for name in os.listdir(cache.folder) if not name.endswith(".lock")]


def test_of_two_programs_that_start_together_one_builds_and_the_other_waits(
    install: Install, cache: EngineCache
) -> None:
    machine = install("8.2.1.8")
    TensorRTClassifier(FERNET, cache=cache).close()
    (engine,) = cache.folder.glob("*.engine")
    built = engine.read_bytes()
    engine.unlink()
    waiting = threading.Event()

    def progress(line: str) -> None:
        if "another process" in line:
            waiting.set()

    def start() -> None:
        TensorRTClassifier(FERNET, cache=cache, progress=progress).close()

    with open(f"{engine}.lock", "w") as other_program:
        fcntl.flock(other_program, fcntl.LOCK_EX)
        thread = threading.Thread(target=start)
        thread.start()
        assert waiting.wait(30)
        engine.write_bytes(built)
    thread.join(30)
    assert not thread.is_alive()
    assert len(machine.builds) == 1


STARTER = """
import sys, time
from pathlib import Path
from types import ModuleType
from stand_in.cuda import Gpu, driver_of
from stand_in.tensorrt import Machine, tensorrt_of
from fer_edge.classify import tensorrt
from fer_edge.classify.engine_cache import EngineCache

gpu = Gpu()
package = ModuleType("pycuda")
package.driver = driver_of(gpu)
machine = Machine(gpu, package.driver)
sys.modules.update({"pycuda": package, "pycuda.driver": package.driver, "tensorrt": tensorrt_of(machine, "8.2.1.8")})
build = tensorrt.build_engine

def slowly(*arguments):
    time.sleep(1)
    return build(*arguments)

tensorrt.build_engine = slowly
print("ready", flush=True)
sys.stdin.readline()
tensorrt.TensorRTClassifier(Path(sys.argv[1]), cache=EngineCache(Path(sys.argv[2]))).close()
print(len(machine.builds))
"""


def test_of_real_processes_that_start_at_one_moment_only_one_builds(tmp_path: Path) -> None:
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    command = [sys.executable, "-c", STARTER, str(FERNET), str(tmp_path)]
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120)[0].strip() for process in started]
    assert sorted(answers) == ["0", "0", "1"]
    assert len(list(tmp_path.glob("*.engine"))) == 1


def test_a_builder_that_never_ends_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    key = EngineKey("m", "0", "8.2", "gpu", "5.3", "fp16", 8)
    now = [0.0]
    cache = EngineCache(
        tmp_path, clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + 100 * seconds)
    )
    with open(tmp_path / f"{key.file_name}.lock", "w") as other_program:
        fcntl.flock(other_program, fcntl.LOCK_EX)
        with cache.lock(key.file_name):
            assert now[0] > LONGEST_WAIT


@given(st.binary(max_size=300), st.integers(0, 400))
def test_whatever_lies_in_the_cache_is_the_plan_or_nothing(noise: bytes, cut: int) -> None:
    key = EngineKey("m", "0", "8.2", "gpu", "5.3", "fp16", 8)
    with TemporaryDirectory() as folder:
        cache = EngineCache(Path(folder))
        path = cache.store(key, b"the plan")
        assert path is not None
        whole = path.read_bytes()
        for content in (noise, whole[:cut], whole + noise, MAGIC + noise):
            path.write_bytes(content)
            assert cache.load(key) == (b"the plan" if content == whole else None)
        path.write_bytes(whole)
        assert cache.load(replace(key, gpu="other")) is None


def test_an_engine_can_be_built_beforehand_and_its_file_is_told(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = install("10.3.0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for rebuild, builds in ((), 1), ((), 1), (("--rebuild",), 2):
        assert main(["build-engine", "--model", "fernet", *rebuild]) == 0
        told = Path(capsys.readouterr().out.strip())
        assert told.is_file()
        assert tmp_path in told.parents
        assert len(machine.builds) == builds


def test_a_failed_build_ends_with_its_own_exit_code(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = install("8.2.1.8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    machine.out_of_memory = True
    with pytest.raises(EngineError) as caught:
        main(["build-engine"])
    assert caught.value.exit_code == 25


def test_an_engine_that_cannot_be_kept_is_not_built(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = install("10.3.0")
    (tmp_path / "fer-edge").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(OutputNotWritable, match="engines cannot be written"):
        main(["build-engine"])
    assert not machine.builds


def test_build_engine_builds_what_will_be_watched_with(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("10.3.0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("FER_EDGE_MODEL", "fernet")
    (tmp_path / "settings.toml").write_text('precision = "fp32"')
    assert main(["build-engine", "--config", str(tmp_path / "settings.toml")]) == 0
    name = Path(capsys.readouterr().out.strip()).name
    assert name.startswith("fernet-")
    assert "-fp32-" in name
