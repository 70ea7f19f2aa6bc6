"""A resting face as a file: what is written is read, and nothing else is."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fer_edge.errors import RestUnusable
from fer_edge.track.rest import RestingFace
from fer_edge.track.rest_file import LARGEST, Network, read_rest, refuse_to_replace, rest_file
from fer_edge.types import LABELS

NETWORK = Network("fernet_r", "ab" * 32)
FACE = RestingFace(np.array([-6.0, -7, -8, -5.5, 0, -2, -7]), np.array([0.1, 0, 0, 0.2, 0, 0.3, 0]), 5.0, 75)
WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2)))
GOOD = rest_file(FACE, NETWORK, WHEN)


def changed(**values: Any) -> bytes:
    return json.dumps({**json.loads(GOOD), **values}).encode()


def log_odds(**values: Any) -> Dict[str, Any]:
    return {**json.loads(GOOD)["log_odds"], **values}


@given(
    st.lists(st.floats(-13, 13), min_size=7, max_size=7),
    st.lists(st.floats(0, 13), min_size=7, max_size=7),
    st.floats(0, 3600),
    st.integers(1, 10**6),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, odds: Any, spread: Any, seconds: float, frames: int) -> None:
    odds[LABELS.index("neutral")] = 0.0
    face = RestingFace(np.array(odds), np.array(spread), seconds, frames)
    path = tmp_path / "anna.json"
    path.write_bytes(rest_file(face, NETWORK, WHEN))
    read = read_rest(path, NETWORK)
    assert read.log_odds == pytest.approx(face.log_odds, abs=1e-3)
    assert read.spread == pytest.approx(face.spread, abs=1e-3)
    assert read.seconds == pytest.approx(seconds, abs=0.01)
    assert read.frames == frames


def test_the_file_says_what_it_is_in_words() -> None:
    content = json.loads(GOOD)
    assert content["created"] == "2024-05-06T05:08:09Z"
    assert content["network"] == "fernet_r"
    assert content["sha256"] == NETWORK.sha256
    assert content["log_odds"]["sad"] == -2.0


@given(st.one_of(st.binary(max_size=300), st.integers(0, len(GOOD)).map(lambda end: GOOD[:end])))
@example(b"[" * 10000)
@example(b'{"fer_edge_rest": 1}')
@example(b"\xff\xfe")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_give_our_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "anna.json"
    path.write_bytes(content)
    if content in (GOOD, GOOD[:-1]):
        assert read_rest(path, NETWORK).frames == 75
        return
    with pytest.raises(RestUnusable, match="anna.json") as caught:
        read_rest(path, NETWORK)
    assert caught.value.remedy


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_changed_byte_gives_our_error_or_a_resting_face(tmp_path: Path, place: int, byte: int) -> None:
    path = tmp_path / "anna.json"
    path.write_bytes(GOOD[:place] + bytes([byte]) + GOOD[place + 1 :])
    try:
        face = read_rest(path, NETWORK)
    except RestUnusable:
        return
    assert np.isfinite(face.log_odds).all()
    assert face.log_odds[LABELS.index("neutral")] == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed(log_odds=log_odds(sad=float("nan"))), "log_odds of sad is no number"),
        (changed(log_odds=log_odds(sad=float("inf"))), "log_odds of sad is no number"),
        (changed(log_odds=log_odds(sad=-99)), "log_odds of sad is no number"),
        (changed(log_odds=log_odds(sad=True)), "log_odds of sad is no number"),
        (changed(log_odds=log_odds(sad="1")), "log_odds of sad is no number"),
        (changed(log_odds=log_odds(neutral=1)), "log_odds of neutral must be 0"),
        (changed(log_odds=log_odds(bored=1)), "log_odds has not the seven expressions"),
        (changed(spread=[0] * 7), "spread has not the seven expressions"),
        (changed(spread=dict.fromkeys(LABELS, -1)), "spread of angry is no number"),
        (changed(seconds=-5), "seconds is no number"),
        (changed(frames=0), "frames is no number of frames"),
        (changed(frames=1.5), "frames is no number of frames"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "anna.json"
    path.write_bytes(content)
    with pytest.raises(RestUnusable, match=words) as caught:
        read_rest(path, NETWORK)
    assert "is damaged" in caught.value.message
    assert "fer-edge rest" in caught.value.remedy


@pytest.mark.parametrize("version", [2, 0, True, "1", None])
def test_another_version_is_refused(tmp_path: Path, version: Any) -> None:
    path = tmp_path / "anna.json"
    path.write_bytes(changed(fer_edge_rest=version))
    with pytest.raises(RestUnusable, match=f"is of version {version}"):
        read_rest(path, NETWORK)


def test_the_face_of_another_network_is_refused_and_both_are_named(tmp_path: Path) -> None:
    path = tmp_path / "anna.json"
    path.write_bytes(GOOD)
    with pytest.raises(RestUnusable, match="it is of fernet_r, and the one in use is fernet") as caught:
        read_rest(path, Network("fernet", "cd" * 32))
    assert "--model" in caught.value.remedy
    with pytest.raises(RestUnusable, match="from another file"):
        read_rest(path, Network("fernet_r", "cd" * 32))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RestUnusable, match="No such file") as caught:
        read_rest(tmp_path / "nobody.json", NETWORK)
    assert "fer-edge rest" in caught.value.remedy
    with pytest.raises(RestUnusable, match="directory"):
        read_rest(tmp_path, NETWORK)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RestUnusable, match="not a regular file"):
        read_rest(tmp_path / "pipe", NETWORK)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "anna.json"
    with path.open("wb") as file:
        file.write(GOOD)
        file.truncate(10**12)
    with pytest.raises(RestUnusable, match=f"more than {LARGEST} bytes"):
        read_rest(path, NETWORK)


def test_what_a_stranger_wrote_cannot_control_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "anna.json"
    path.write_bytes(changed(network="\x1b[2J" * 100))
    with pytest.raises(RestUnusable) as caught:
        read_rest(path, Network("fernet", "cd" * 32))
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 500


def test_only_a_resting_face_may_be_replaced(tmp_path: Path) -> None:
    ours, other = tmp_path / "anna.json", tmp_path / "diary.txt"
    assert refuse_to_replace(ours) == ""
    ours.write_bytes(changed(fer_edge_rest=2))
    assert refuse_to_replace(ours) == ""
    other.write_text("dear diary")
    assert "no JSON" in refuse_to_replace(other)
    other.write_text("{}")
    assert "fer_edge_rest" in refuse_to_replace(other)
    other.write_text("")
    assert refuse_to_replace(other)
    assert refuse_to_replace(tmp_path)
    (tmp_path / "link").symlink_to(ours)
    assert refuse_to_replace(tmp_path / "link")
