from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from fer_edge.system.atomic_file import ALL_READ, Draft, replacing


@pytest.fixture
def wide_umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    with replacing(path) as draft:
        draft.write(b"ne")
        draft.write(b"w")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["report.json"]


def test_what_fails_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as draft:
        draft.write(b"half of the n")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_disk_that_fills_up_raises_and_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), replacing(path) as draft:
        draft.write(b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["report.json"]


@pytest.mark.parametrize("opened", [False, True])
def test_the_content_is_on_the_disk_before_it_has_the_name_and_the_name_before_it_is_said_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: bool
) -> None:
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY) if opened else None
    happened: List[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        happened.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        real_fsync(descriptor)

    def replace(*arguments: Any, **more: Any) -> None:
        happened.append("name")
        real_replace(*arguments, **more)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    with replacing("model.onnx" if opened else tmp_path / "model.onnx", folder=folder) as draft:
        draft.write(b"weights")
    if folder is not None:
        os.close(folder)
    assert happened == ["content", "name", "folder"]


def test_a_file_gets_the_mode_that_was_asked_for_or_what_the_umask_leaves(tmp_path: Path, wide_umask: None) -> None:
    for name, mode in (("all", ALL_READ), ("usual", None)):
        with replacing(tmp_path / name, mode) as draft:
            draft.write(b"")
    assert stat.S_IMODE((tmp_path / "all").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "usual").stat().st_mode) == 0o640


def test_nobody_else_reads_a_draft_whose_file_gets_its_own_mode(tmp_path: Path) -> None:
    with replacing(tmp_path / "engine", ALL_READ) as draft:
        draft.write(b"secret until it is checked")
        assert stat.S_IMODE(os.fstat(draft.file.fileno()).st_mode) == 0o600


def test_a_draft_with_a_name_removes_what_was_left_there_and_follows_no_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"somebody's")
    (tmp_path / ".unit.new").symlink_to(victim)
    with replacing(tmp_path / "unit", name=".unit.new") as draft:
        draft.write(b"[Unit]")
    assert victim.read_bytes() == b"somebody's"
    assert sorted(os.listdir(tmp_path)) == ["unit", "victim"]


def test_a_file_is_put_into_a_folder_that_is_open(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with replacing("unit", folder=folder) as draft:
            draft.write(b"[Unit]")
    finally:
        os.close(folder)
    assert (tmp_path / "unit").read_bytes() == b"[Unit]"


def test_a_finished_draft_may_be_put_under_another_name(tmp_path: Path) -> None:
    draft = Draft(tmp_path / "report.json")
    draft.write(b"new")
    draft.finish()
    draft.put(tmp_path / "report-2.json")
    draft.close()
    assert os.listdir(tmp_path) == ["report-2.json"]
