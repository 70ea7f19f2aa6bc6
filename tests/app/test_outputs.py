from __future__ import annotations

import json
import os
import threading
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, List

import numpy as np
import pytest

from fer_edge.app.outputs import Outputs
from fer_edge.errors import OutputNotWritable, UsageError
from fer_edge.settings import Settings
from fer_edge.types import Frame, Observation, Rates


def observation(index: int, width: int = 64) -> Observation:
    return Observation(Frame(index, index / 30, datetime.now(timezone.utc), np.zeros((48, width, 3), np.uint8)), ())


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def frames(path: Path) -> List[int]:
    return [json.loads(line)["frame"] for line in path.read_bytes().splitlines()]


def outputs(stack: ExitStack, live: bool, **settings: object) -> Outputs:
    made = Outputs(Settings.of(**settings), [], threading.Event())  # type: ignore[arg-type]
    made.open(stack, live, lambda: 10.0)
    return made


def test_no_result_of_a_file_is_left_out_however_slow_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with ExitStack() as stack:
        made = outputs(stack, False, output=str(path), record=str(tmp_path / "out.mp4"))
        for index in range(200):
            made.write(observation(index, 640), Rates())
    assert frames(path) == list(range(200))


def test_a_results_file_that_is_opened_anew_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with ExitStack() as stack:
        made = outputs(stack, True, output=str(path))
        made.write(observation(0), Rates())
        until(path.read_bytes)
        # One that cannot be opened for a moment: only then the sink is made anew.
        path.rename(tmp_path / "aside")
        path.mkdir()
        made.write(observation(1), Rates())
        until(made.troubles)
        path.rmdir()
        (tmp_path / "aside").rename(path)
        until(lambda: frames(path) == [0, 1])


def test_a_disk_that_is_not_there_at_the_start_is_waited_for_where_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "disk" / "out.jsonl"
    with ExitStack() as stack, pytest.raises(OutputNotWritable, match="no directory"):
        outputs(stack, True, output=str(path))
    with ExitStack() as stack:
        made = outputs(stack, True, output=str(path), reconnect="always")
        made.write(observation(0), Rates())
        until(made.troubles)
        path.parent.mkdir()
        until(lambda: path.exists() and frames(path) == [0])


def test_a_result_that_cannot_be_written_degrades_the_health_and_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    with ExitStack() as stack:
        made = outputs(stack, True, record=str(path))
        bad = observation(0)
        made.write(Observation(Frame(0, 0.0, bad.frame.timestamp, np.zeros((48, 64), np.uint8)), ()), Rates())
        until(made.troubles)
        assert "left out 1 results that cannot be written" in made.troubles()[0]
        made.write(observation(1), Rates())
        until(lambda: path.exists() and path.stat().st_size > 0)


@pytest.mark.parametrize("reconnect", ["auto", "always"])
def test_one_file_for_two_outputs_is_a_mistake_that_is_not_waited_for(tmp_path: Path, reconnect: str) -> None:
    same = str(tmp_path / "out.mp4")
    # Of the opening, not of the end.
    with ExitStack() as stack, pytest.raises(UsageError, match="same file"):
        outputs(stack, True, output=same, record=same, reconnect=reconnect)
    assert os.listdir(tmp_path) == []


def test_a_recording_that_is_opened_anew_gets_another_name(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    with ExitStack() as stack:
        made = outputs(stack, True, record=str(path))
        made.write(observation(0), Rates())
        until(lambda: path.stat().st_size)
        whole = path.read_bytes()
        moved = path.rename(tmp_path / "moved.avi")
        moved.with_name("out.avi").write_bytes(whole)
        for index in range(1, 40):
            made.write(observation(index), Rates())
        until((tmp_path / "out-2.avi").exists)
    assert path.read_bytes() == whole
