"""What the command line says to mistyped commands and options, and how a run of several cameras ends."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
import pytest
from programs import Program
from waiting import wait_until

from fer_edge.app.live import LiveRun
from fer_edge.app.parts import Parts
from fer_edge.app.session import build_session
from fer_edge.app.summary import Summary
from fer_edge.capture.base import Source
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.cli.main import main
from fer_edge.detect import FakeDetector
from fer_edge.errors import FerEdgeError, SourceTruncated, UsageError
from fer_edge.settings import Settings, load_settings


@pytest.mark.parametrize(
    ("arguments", "message", "remedy"),
    [
        (["doctr"], "no command 'doctr'", "Did you mean 'doctor'?"),
        (["servise", "status"], "no command 'servise'", "Did you mean 'service'?"),
        (["clip.mp4"], "no command 'clip.mp4'", "A source is given with --camera"),
        (["--camra", "0"], "no option '--camra'", "Did you mean '--camera'?"),
        (["--recrod=x.mp4"], "no option '--recrod'", "Did you mean '--record'?"),
        (["--xyzzy"], "no option '--xyzzy'", "fer-edge --help"),
        (["--camera", "a=demo", "b=demo"], "'b=demo' belongs to no option", "--camera A --camera B"),
    ],
)
def test_what_is_mistyped_is_refused_with_what_may_be_meant(arguments: List[str], message: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        main(arguments)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [('source = "demo:33"', "33 faces"), ('source = "ftp://x"', "ftp://"), ('detector = "yunet"', "yunet")],
)
def test_a_mistake_in_the_table_of_a_camera_is_told_with_file_and_line(
    wrong: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    file = tmp_path / "two.toml"
    source = "" if "source" in wrong else 'source = "demo"\n'
    file.write_text(f'[[camera]]\nsource = "demo:2"\n\n[[camera]]\n{source}name = "door"\n{wrong}\n')
    with pytest.raises(FerEdgeError) as caught:
        build_session(load_settings({}, {}, file))
    assert caught.value.message.startswith(f"{file}, line {6 + len(source.splitlines())}: ")
    assert words in str(caught.value)


GONE = SourceTruncated("The clip is cut off.", "Copy it again.")


def shades() -> List[np.ndarray]:
    return [np.full((48, 64, 3), shade, np.uint8) for shade in range(30)]


def live() -> Source:
    return FakeSource(shades(), live=True, fps=200.0, repeat=True)


def clip(error: Optional[Exception] = None) -> Source:
    return FakeSource(shades(), error=error)


def ended(caplog: pytest.LogCaptureFixture) -> List[logging.LogRecord]:
    return [record for record in caplog.records if getattr(record, "event", "") == "camera_ended"]


class Run:
    """A run on stand-ins, with sources by camera."""

    def __init__(self, sources: Dict[str, Source], **options: object) -> None:
        settings = Settings.of(camera=[f"{name}=made-up" for name in sources], display="none", **options)
        parts = Parts(
            source=lambda settings, camera, paced, names: sources[camera.name],
            detector=lambda *_: partial(FakeDetector, []),
            classifier=lambda _: FakeClassifier,
        )
        self.stop = threading.Event()
        self._run = LiveRun(settings, self.stop, parts=parts)

    def run(self) -> Summary:
        return self._run.run()


@pytest.mark.parametrize("end", [{"frames": 300}, {"duration": 0.5}, {}])
def test_a_run_that_is_over_by_itself_knows_what_ended_the_first_camera_that_failed(end: Dict[str, float]) -> None:
    # With the number of frames or the time given the good one goes on after it.
    good = live() if end else clip()
    summary = Run({"good": good, "bad": clip(GONE), "worse": clip(GONE)}, **end).run()
    assert summary.failure is not None
    assert summary.failure.exit_code == SourceTruncated.exit_code  # type: ignore[attr-defined]
    assert str(summary.failure).count("camera bad: ") == 1
    assert summary.cameras["bad"].emitted == 30


def test_a_run_that_somebody_ends_has_not_failed_though_a_camera_has(caplog: pytest.LogCaptureFixture) -> None:
    run = Run({"good": live(), "bad": clip(SourceTruncated("The clip is cut off.", "Copy it again."))})
    found: List[Summary] = []
    thread = threading.Thread(target=lambda: found.append(run.run()))
    thread.start()
    try:
        (told,) = wait_until(lambda: ended(caplog), "the end of the bad one")
    finally:
        run.stop.set()
        thread.join(30)
    assert found[0].failure is None
    assert any("bad" in trouble for trouble in found[0].troubles)
    assert told.levelno == logging.ERROR
    assert (told.camera, told.remedy) == ("bad", "Copy it again.")  # type: ignore[attr-defined]
    assert "Copy it again." in told.getMessage()


def test_a_clip_that_ends_among_live_cameras_is_told_and_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fer_edge")
    summary = Run({"good": live(), "clip": clip()}, frames=300).run()
    assert summary.failure is None
    (told,) = ended(caplog)
    assert (told.levelno, told.camera) == (logging.INFO, "clip")  # type: ignore[attr-defined]


def test_the_exit_code_of_several_cameras_is_that_of_the_first_that_failed_and_the_figures_are_told_before(
    tmp_path: Path,
) -> None:
    arguments = ("--camera", "good=demo", "--camera", "bad=missing.mp4")
    with (tmp_path / "out").open("wb") as out:
        program = Program(tmp_path, *arguments, "--frames", "20", results="", stdout=out)
    with program:
        program.ended(10)
        _, told = program.event("ended", error="SourceNotFound")
        assert "camera bad: " in told["message"]
        assert "20 frames analysed" in (tmp_path / "out").read_text()
    (tmp_path / "second").mkdir()
    with Program(tmp_path / "second", *arguments, results="") as program:
        program.event("camera_ended", camera="bad")
        health = wait_until(program.health_or_none, "an answer")["cameras"]
        assert (health["bad"]["ended"], health["good"]["ended"]) == (True, False)
        program.end(0)


def test_cameras_of_the_file_that_are_not_watched_are_told(tmp_path: Path) -> None:
    file = tmp_path / "two.toml"
    file.write_text('[[camera]]\nname = "front"\nsource = "demo"\n[[camera]]\nname = "door"\nsource = "demo"\n')
    with Program(tmp_path, "--config", str(file), "--camera", "front=demo", "--frames", "2", results="") as program:
        program.ended(0)
        said = [line["message"] for _, line in program.log()]
    assert any("cameras door are not watched" in line for line in said), said


def test_what_a_benchmark_leaves_aside_of_a_file_is_told_and_of_the_command_line_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('record = "x.mp4"\nlisten = "8650"\n\n[outputs]\noutput = "x.jsonl"\n')
    command = [sys.executable, "-m", "fer_edge", "--config", str(file), "--benchmark", "--frames", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    for line, name in ((1, "record"), (2, "listen"), (5, "output")):
        assert f"{file}, line {line}: {name} is ignored: a benchmark writes its report alone" in done.stderr
    for option, value in (("--record", "x.mp4"), ("--listen", "8650")):
        with pytest.raises(UsageError, match="A benchmark writes a report and nothing else"):
            main(["--benchmark", option, value])


def test_a_service_cannot_be_asked_for_where_systemd_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for verb in ("status", "logs"):
        with pytest.raises(FerEdgeError, match="This machine does not run systemd") as caught:
            main(["service", verb])
        assert "fer-edge health --listen" in caught.value.remedy


def test_to_take_away_what_is_not_there_is_said_to_be_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "etc").mkdir()
    assert main(["service", "uninstall", "--dry-run", "--root", str(tmp_path)]) == 0
    assert "Nothing is to be done" in capsys.readouterr().out
