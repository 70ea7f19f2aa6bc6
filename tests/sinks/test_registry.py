from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest
from observations import observation, opened, tracked

from fer_edge.errors import OutputNotWritable, UsageError
from fer_edge.settings.settings import OPTIONS, Settings
from fer_edge.sinks import SINKS, MemorySink, SinkKind, SinkRequest, StreamInfo
from fer_edge.sinks.registry import Place
from fer_edge.sinks.registry import SinkKind as Kind
from fer_edge.sinks.run_view import KnownRun
from fer_edge.types import Rates

NAMES: Dict[str, str] = {"output": "out.jsonl", "record": "out.mp4", "events": "out.csv", "history": "out.db"}
FILES = [kind for kind in SINKS if kind.where is Place.PIECES]


def test_each_kind_has_a_setting_of_its_own_in_the_section_that_it_names() -> None:
    options = [kind.option for kind in SINKS]
    assert len(set(options)) == len(options)
    for kind in SINKS:
        known = OPTIONS[kind.option]
        assert (known.section, known.field) == (kind.section, kind.field or kind.option)
    assert Kind is SinkKind


def test_the_web_page_is_a_sink_like_the_others_and_shows_what_it_gets() -> None:
    (kind,) = (kind for kind in SINKS if kind.option == "listen")
    shown: List[int] = []
    run = KnownRun(show=lambda seen, rates: shown.append(seen.frame.index))
    with opened(kind.make(SinkRequest("127.0.0.1:8650", kind.options(Settings()), run=run))) as sink:
        sink.write(observation(7), Rates())
    assert shown == [7]
    with pytest.raises(UsageError, match="no page"):
        kind.make(SinkRequest("127.0.0.1:8650", kind.options(Settings())))


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.option)
def test_a_sink_of_each_kind_is_made_of_the_settings_and_says_which_files_it_opens(
    tmp_path: Path, kind: SinkKind
) -> None:
    path = tmp_path / NAMES[kind.option]
    files = []
    request = SinkRequest(str(path), kind.options(Settings()), before_opening=files.append)
    sink = kind.make(request)
    assert (files, list(tmp_path.iterdir())) == ([], [])
    with opened(sink):
        sink.write(tracked(0), Rates())
    assert files == [str(path)]
    assert path.stat().st_size > 0


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.option)
def test_a_place_that_does_not_exist_is_refused_by_each_kind_when_it_is_made(tmp_path: Path, kind: SinkKind) -> None:
    with pytest.raises(OutputNotWritable, match="no directory"):
        kind.make(SinkRequest(str(tmp_path / "missing" / NAMES[kind.option]), kind.options(Settings())))


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.option)
@pytest.mark.parametrize("options", [{"segment": 60.0}, {"keep": 1e9}])
def test_what_is_in_pieces_names_each_of_them(tmp_path: Path, kind: SinkKind, options: Dict[str, float]) -> None:
    files = []
    request = SinkRequest(
        str(tmp_path / NAMES[kind.option]), Settings.of(**options).outputs, before_opening=files.append
    )
    with opened(kind.make(request)) as sink:
        sink.write(tracked(0), Rates())
    assert [Path(file) for file in files] == list(tmp_path.glob("out-*Z.*"))


def test_the_folder_exports_the_seam_its_fake_and_the_registry_and_loads_no_library_for_images() -> None:
    code = "import sys, fer_edge, fer_edge.sinks; print(sorted({'cv2', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_sink_in_memory_keeps_what_it_was_told_and_given() -> None:
    with MemorySink() as sink:
        sink.open(StreamInfo.of(observation(), fps=25.0, live=True))
        sink.write(observation(3), Rates(total=2.0))
    assert sink.info == StreamInfo("", 320, 240, 25.0, True)
    assert [(seen.frame.index, rates.total) for seen, rates in sink.items] == [(3, 2.0)]
    assert sink.closed
