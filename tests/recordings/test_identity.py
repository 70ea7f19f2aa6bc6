from __future__ import annotations

import os
from pathlib import Path

import pytest

from fer_edge.errors import SourceUnreadable
from fer_edge.recordings.identity import identity_of
from fer_edge.recordings.recording import VIDEO, Recording


def test_a_file_that_somebody_keeps_writing_to_is_read_to_where_it_ended_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(3 << 20))
    ticks = 0

    def grow() -> None:
        nonlocal ticks
        ticks += 1
        assert ticks < 20, "it is read for as long as it grows"
        with path.open("ab") as file:
            file.write(bytes(2 << 20))

    with pytest.raises(SourceUnreadable, match="was changed"):
        identity_of(Recording("a.mp4", VIDEO, str(path)), grow)


def test_what_became_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", Path("/dev/zero")):
        with pytest.raises(SourceUnreadable, match="a pipe, a device"):
            identity_of(Recording("a.mp4", VIDEO, str(path)))
