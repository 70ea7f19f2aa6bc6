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

from fer_edge.classify.tensorrt.classifier import TensorRTClassifier
from fer_edge.classify.tensorrt.engine_cache import LONGEST_WAIT, MAGIC, EngineCache, EngineKey
from fer_edge.cli.main import main
from fer_edge.errors import EngineError, OutputNotWritable
from fer_edge.inference.model_files import find_model

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
from fer_edge.classify.tensorrt import classifier as tensorrt
from fer_edge.classify.tensorrt.engine_cache import EngineCache

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


KEY = EngineKey("m", "0", "8.2", "gpu", "5.3", "fp16", 8)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
SOMEBODY = 65534


def stored(cache: EngineCache) -> Path:
    path = cache.store(KEY, b"the plan")
    assert path is not None
    assert cache.load(KEY) == b"the plan"
    return path


def given_away(path: Path) -> None:
    os.chown(path, SOMEBODY, SOMEBODY)


def writable(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o002)


def writable_for_another_group(path: Path) -> None:
    os.chown(path, -1, SOMEBODY)
    path.chmod(path.stat().st_mode | 0o020)


OTHERS = [
    pytest.param(given_away, marks=root_only),
    writable,
    pytest.param(writable_for_another_group, marks=root_only),
]


@pytest.mark.parametrize("change", OTHERS)
def test_an_engine_that_others_can_change_is_code_of_theirs_and_is_not_loaded(
    cache: EngineCache, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = stored(cache)
    change(path)
    assert cache.load(KEY) is None
    assert f"the engine {path} is not used: others may change it" in caplog.text
    assert stored(cache) == path


@pytest.mark.parametrize("change", OTHERS)
def test_a_folder_that_others_can_change_gives_and_gets_no_engine(
    cache: EngineCache, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    stored(cache)
    change(cache.folder)
    assert cache.load(KEY) is None
    assert cache.store(replace(KEY, gpu="other"), b"x") is None
    assert len(list(cache.folder.iterdir())) == 1
    assert "others may change what is in it" in caplog.text
    with pytest.raises(OutputNotWritable, match="others may change"):
        EngineCache(cache.folder, must_keep=True).prepare()
    with cache.lock("name"):
        pass
    with pytest.raises(OSError, match="others may change"):
        cache.subfolder("name")
    cache.folder.chmod(0o755)


def test_who_has_a_group_of_his_own_may_let_it_write(cache: EngineCache) -> None:
    path = stored(cache)
    for place in (path, cache.folder):
        os.chown(place, -1, os.getegid())
        place.chmod(place.stat().st_mode | 0o020)
    assert cache.load(KEY) == b"the plan"


def test_an_engine_is_readable_for_the_services_user_and_writable_for_nobody_else(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = stored(EngineCache(tmp_path / "engines"))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("thing", ["pipe", "device", "link", "folder"])
def test_what_is_no_file_in_the_place_of_an_engine_is_neither_followed_nor_waited_for(
    cache: EngineCache, thing: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = stored(cache)
    whole = path.read_bytes()
    path.unlink()
    if thing == "pipe":
        os.mkfifo(path)
    elif thing == "folder":
        path.mkdir()
    else:
        (tmp_path / "elsewhere").write_bytes(whole)
        path.symlink_to("/dev/zero" if thing == "device" else tmp_path / "elsewhere")
    assert cache.load(KEY) is None
    assert f"the engine {path} is not used" in caplog.text
    assert (cache.store(KEY, b"new") is None) == (thing == "folder")
    if thing == "link":
        assert (tmp_path / "elsewhere").read_bytes() == whole


def test_an_engine_of_forty_gigabytes_is_not_read(cache: EngineCache, caplog: pytest.LogCaptureFixture) -> None:
    path = stored(cache)
    os.truncate(path, 40 << 30)
    assert cache.load(KEY) is None
    assert "more than" in caplog.text


def test_a_head_without_an_end_or_without_a_floor_is_no_engine(cache: EngineCache) -> None:
    path = stored(cache)
    for head in (b"[" * (4 << 20), b"[" * 60_000 + b"\n", b'{"a": 1}' + b" " * (1 << 20) + b"\n"):
        path.write_bytes(MAGIC + head)
        assert cache.load(KEY) is None


@pytest.mark.parametrize("thing", ["link", "dangling link", "pipe", "file"])
def test_a_lock_empties_and_makes_nothing_elsewhere_and_waits_for_no_pipe(
    cache: EngineCache, thing: str, tmp_path: Path
) -> None:
    stored(cache)
    lock, target = cache.folder / "m.lock", tmp_path / "precious"
    if thing == "pipe":
        os.mkfifo(lock)
    elif thing == "file":
        target = lock
    else:
        lock.symlink_to(target)
    if thing != "dangling link" and thing != "pipe":
        target.write_text("precious")
    with cache.lock("m"):
        pass
    assert target.exists() == (thing in ("link", "file"))
    assert not target.exists() or target.read_text() == "precious"


def test_who_asks_for_a_lock_that_is_held_waits_and_who_asks_for_another_does_not(cache: EngineCache) -> None:
    now = [0.0]
    other = EngineCache(
        cache.folder, clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + 100 * seconds)
    )
    with cache.lock("m"):
        with other.lock("n"):
            assert now[0] == 0
        with other.lock("m"):
            assert now[0] > LONGEST_WAIT
    now[0] = 0.0
    with other.lock("m"):
        assert now[0] == 0


def test_nobody_else_can_hold_the_lock(cache: EngineCache) -> None:
    with cache.lock("m"):
        assert (cache.folder / "m.lock").stat().st_mode & 0o777 == 0o600


def test_the_folder_for_a_library_that_does_not_look_is_refused_when_anything_in_it_or_above_is_others(
    tmp_path: Path,
) -> None:
    cache = EngineCache(tmp_path / "above" / "engines")
    folder = cache.subfolder("mine")
    assert folder == tmp_path / "above" / "engines" / "mine"
    (folder / "an.engine").write_bytes(b"plan")
    assert cache.subfolder("mine") == folder

    (folder / "an.engine").chmod(0o666)
    with pytest.raises(OSError, match="others may change an.engine"):
        cache.subfolder("mine")
    (folder / "an.engine").unlink()
    os.mkfifo(folder / "a pipe")
    with pytest.raises(OSError, match="a pipe"):
        cache.subfolder("mine")
    (folder / "a pipe").unlink()
    folder.chmod(0o777)
    with pytest.raises(OSError, match="others may change what is in it"):
        cache.subfolder("mine")
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="Not a directory|symbolic"):
        cache.subfolder("mine")
    folder.unlink()
    (tmp_path / "above").chmod(0o777)
    with pytest.raises(OSError, match=f"others may change {tmp_path / 'above'}"):
        cache.subfolder("mine")
    # As in /tmp, only who owns an entry can rename it.
    (tmp_path / "above").chmod(0o1777)
    assert cache.subfolder("mine") == folder


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
