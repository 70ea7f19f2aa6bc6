"""The page of a recording: true to its files, whole or not there, and nothing in it but what it says."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from made_recordings import Part, write_recording
from page_parts import Parts

from fer_edge.errors import OutputError
from fer_edge.recordings.pages import write_recording_page
from fer_edge.recordings.pages.film_strip import Thumbnail
from fer_edge.types import LABELS

TWO: List[Part] = [(1, "neutral", 0, 10), (1, "happy", 10, 17), (2, "sad", 5, 20)]
HOSTILE = {
    "</script><script>alert(1)</script>.mp4": "</script><script>alert(1)</script>.mp4",
    "<img src=x onerror=alert(2)>\"'&.mp4": "<img src=x onerror=alert(2)>\"'&.mp4",
    "@@VERSION@@ \n\r\u2028\u202e\x1b[2J.mp4": r"@@VERSION@@ \n\r\u2028\u202e\x1b[2J.mp4",
    os.fsdecode(b"caf\xe9.mp4"): r"caf\xe9.mp4",
    "\ud800.mp4": r"\ud800.mp4",
    "x" * 5000: "x" * 5000,
}
"""And how each is shown."""


def figures(parts: Parts) -> Dict[str, Any]:
    told: Dict[str, Any] = json.loads(parts.scripts[0])
    return told


def test_the_page_tells_what_the_files_tell(tmp_path: Path) -> None:
    made = write_recording(tmp_path, "day/one.mp4", TWO, 20.0)
    page = write_recording_page(made.folder, tmp_path)
    assert page == made.folder / "report.html"
    parts = Parts(page)
    for words in (
        "day/one.mp4",
        "20 s, 1280 \N{MULTIPLICATION SIGN} 720, 10 frames/s",
        "200 of 200",
        "An expression is not a feeling",
    ):
        assert words in parts.text, words
    assert {"href": "../../index.html"} in parts.all("a")
    told = figures(parts)
    (one, first), (two, second) = told["people"]
    assert (one, two) == ("#1", "#2")
    at = int(12 / told["width"])
    assert LABELS[int(first[at])] == "happy"
    assert LABELS[int(second[at])] == "sad"
    assert first[int(18 / told["width"])] == "-"
    assert told["count"][at] == 2.0
    assert told["valence"][at] == pytest.approx((0.9 - 0.8) / 2)
    assert not parts.all("img"), "no picture unless somebody asks for it"


def test_the_page_loads_nothing_and_lets_only_what_stands_in_it_run(tmp_path: Path) -> None:
    made = write_recording(tmp_path, "one.mp4", TWO, 20.0)
    parts = Parts(write_recording_page(made.folder, tmp_path))
    for tag, attributes in parts.tags:
        assert not {"src", "srcset", "data", "action", "background", "style"} & set(attributes), tag
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img", "image", "use")
        assert not any(name.startswith("on") for name in attributes)
    rules = parts.policy()
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for rule, piece in (("script-src", parts.scripts[-1]), ("style-src", parts.styles[0])):
        assert rules[rule] == "'sha256-" + base64.b64encode(hashlib.sha256(piece.encode()).digest()).decode() + "'"
    assert rules["img-src"] == "data:"
    assert len(parts.scripts) == 2
    assert len(parts.styles) == 1


@pytest.mark.parametrize(("name", "told"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_a_name_is_text_whatever_it_is(tmp_path: Path, name: str, told: str) -> None:
    made = write_recording(tmp_path, "folder", TWO, 20.0)
    record = {**made.record, "name": name, "path": f"/videos/{name}", "problems": [name], "settings": {name: name}}
    (made.folder / "summary.json").write_text(json.dumps(record), encoding="utf-8")
    parts = Parts(write_recording_page(made.folder, tmp_path))
    assert len(parts.scripts) == 2
    assert not parts.all("img")
    assert not re.search("[<>&]", parts.scripts[0])
    assert not re.search("[\x1b\u2028\u202e\ud800-\udfff]", parts.source)
    assert parts.text.count(told) >= 4, "heading, title, problems, settings"


def test_csv_and_parquet_make_the_same_page(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet")
    pages = []
    for form in ("csv", "parquet"):
        made = write_recording(tmp_path / form, "one.mp4", TWO, 20.0, form=form)
        pages.append(write_recording_page(made.folder, tmp_path / form).read_bytes())
    assert pages[0] == pages[1]


def test_whoever_sees_no_colours_or_no_charts_has_patterns_names_and_tables(tmp_path: Path) -> None:
    made = write_recording(tmp_path, "one.mp4", TWO, 20.0)
    parts = Parts(write_recording_page(made.folder, tmp_path))
    patterns = {one["id"] for one in parts.all("pattern")}
    assert {f"bar-{label}" for label in LABELS} | {f"area-{label}" for label in LABELS} == patterns
    shapes = re.findall(r'<pattern id="bar-\w+".*?<g class="stroke">(.*?)</g>', parts.source)
    assert len(set(shapes)) == len(LABELS)
    assert all(one.get("aria-hidden") == "true" or one.get("aria-label") for one in parts.all("svg"))
    assert all(one.get("scope") in ("col", "row") for one in parts.all("th"))
    (slider,) = [one for _, one in parts.tags if one.get("role") == "slider"]
    assert slider["tabindex"] == "0"


def test_a_recording_whose_faces_are_not_followed_has_charts_and_no_rows_for_people(tmp_path: Path) -> None:
    made = write_recording(tmp_path, "one.mp4", TWO, 20.0, followed=False)
    parts = Parts(write_recording_page(made.folder))
    assert figures(parts)["people"] == []
    assert max(figures(parts)["count"]) == 2.0
    assert "Faces were not followed" in parts.text
    assert "Nobody was followed from one to the next" in parts.text
    assert "each counts for as long as its frame lasts" in parts.text
    assert "people followed" not in parts.text
    assert "All recordings" not in parts.text, "there is no page of all to go back to"


def test_nobody_in_it_no_duration_or_a_single_frame_make_a_page(tmp_path: Path) -> None:
    nobody = write_recording(tmp_path, "nobody.mp4", [], 20.0)
    assert set(figures(Parts(write_recording_page(nobody.folder)))["count"]) == {0.0}
    unknown = write_recording(tmp_path, "unknown.mp4", TWO, None, lasts=20.0)
    assert figures(Parts(write_recording_page(unknown.folder)))["length"] == pytest.approx(20.0)
    single = write_recording(tmp_path, "single.mp4", [(1, "happy", 0, 1)], 0.1)
    parts = Parts(write_recording_page(single.folder))
    assert figures(parts)["count"] == [1.0]
    assert "The only one" in parts.text


def test_pictures_stand_one_by_one_under_their_names(tmp_path: Path) -> None:
    files = [f"<b>{number}.jpg" for number in range(5)]
    made = write_recording(tmp_path, "photos", [(1, "happy", 0, 3), (2, "sad", 2, 4)], None, files=files)
    parts = Parts(write_recording_page(made.folder))
    told = figures(parts)
    assert told["count"] == [1.0, 1.0, 2.0, 1.0, 0.0]
    assert [step.split()[-1] for step in told["steps"]] == [f"({file})" for file in files]
    assert "5 pictures" in parts.text
    assert not parts.all("b")
    assert "who is in two pictures counts in both" in parts.text
    for word in ("half of the time", "table of states", "two who smile for a minute"):
        assert word not in parts.text, word


@pytest.mark.parametrize(
    ("count", "numbers"),
    [(1, [1]), (4, [1, 2, 3, 4]), (12, [2, 4, 6, 8, 10, 12]), (360, [50, 100, 150, 200, 250, 300, 350])],
)
def test_the_axis_of_pictures_has_their_numbers_below_their_middles(
    tmp_path: Path, count: int, numbers: List[int]
) -> None:
    files = [f"{number}.jpg" for number in range(count)]
    made = write_recording(tmp_path, "photos", [(1, "happy", 0, count)], None, files=files)
    source = write_recording_page(made.folder).read_text(encoding="utf-8")
    axis = source[source.index('class="ticks"') :].split("</svg>")[0]
    told = re.findall(r'<text x="(-?[0-9.]+)%".*?>(\d+)</text>', axis)
    assert [int(number) for _, number in told] == numbers
    assert [float(share) for share, _ in told] == pytest.approx([100 * (n - 0.5) / count for n in numbers], abs=0.001)


def test_images_stand_over_the_time_they_are_of(tmp_path: Path) -> None:
    made = write_recording(tmp_path, "one.mp4", TWO, 24.0)
    strip = [Thumbnail(1.0, b"first", 2, 1), Thumbnail(23.5, b"last", 2, 1)]
    parts = Parts(write_recording_page(made.folder, strip=strip))
    first, last = parts.all("img")
    assert first["src"] == "data:image/jpeg;base64," + base64.b64encode(b"first").decode()
    assert (first["alt"], last["alt"]) == ("The recording at 0:01", "The recording at 0:23")
    strips = parts.source[parts.source.index('class="strip"') :]
    figures_of = re.findall("<figure>(.*?)</figure>", strips)
    assert [bool(one) for one in figures_of] == [True] + [False] * 10 + [True]
    assert "It holds images of people" in parts.text


def test_a_recording_that_is_gone_has_a_page_that_says_why_there_are_no_images(tmp_path: Path) -> None:
    made = write_recording(tmp_path, "one.mp4", TWO, 20.0, path=str(tmp_path / "<gone>.mp4"))
    parts = Parts(write_recording_page(made.folder, pictures=True))
    assert not parts.all("img")
    assert "There are no images" in parts.text
    assert "<gone>.mp4" in parts.text


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("summary.json", None),
        ("summary.json", b"[1, 2]"),
        ("summary.json", b'{"name": "a", "duration_s": "long"}'),
        ("summary.json", b"[" * 100_000),
        ("frames.csv", None),
        ("frames.csv", b""),
        ("frames.csv", b"time,frame\n0,0\n"),
        ("frames.csv", b"time,frame,file,track,label,steady_label,valence\n0,one,,,,,\n"),
        ("frames.csv", b"time,frame,file,track,label,steady_label,valence\n0,1\n"),
        ("states.csv", b"track,label,start,end,confidence\n1,happy,inf,nan,\n1,happy,,2,\n"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_damaged_results_are_told_and_the_old_page_stays(tmp_path: Path, file: str, content: Optional[bytes]) -> None:
    made = write_recording(tmp_path, "one.mp4", TWO, 20.0)
    before = write_recording_page(made.folder).read_bytes()
    (made.folder / file).unlink()
    if content is not None:
        (made.folder / file).write_bytes(content)
    with pytest.raises(OutputError, match=re.escape(file)):
        write_recording_page(made.folder)
    assert (made.folder / "report.html").read_bytes() == before
    assert not [one.name for one in made.folder.iterdir() if one.name.startswith(".")]


def test_a_page_is_for_its_user_and_group_and_takes_the_place_of_no_other_file(tmp_path: Path) -> None:
    made = write_recording(tmp_path, "one.mp4", TWO, 20.0)
    page = write_recording_page(made.folder)
    assert page.stat().st_mode & 0o007 == 0
    page.write_text("notes of somebody", encoding="utf-8")
    with pytest.raises(OutputError, match="no HTML page"):
        write_recording_page(made.folder)


def test_an_hour_of_eight_people_is_a_small_page(tmp_path: Path) -> None:
    parts = [
        (person, LABELS[(second // 7 + person) % 7], float(second), float(second + 7))
        for person in range(1, 9)
        for second in range(60 * person, 3600 - 60 * person, 7)
    ]
    made = write_recording(tmp_path, "hour.mp4", parts, 3600.0, fps=1.0)
    assert write_recording_page(made.folder, tmp_path).stat().st_size < 400_000
