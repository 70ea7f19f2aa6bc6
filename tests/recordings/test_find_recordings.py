from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from fer_edge.errors import SourceNotFound, SourceUnreadable, UsageError
from fer_edge.recordings.find import find_recordings


def made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0\1")
    return folder


def names(*places: object, out: str = "") -> List[str]:
    return [one.name for one in find_recordings([str(place) for place in places], out).recordings]


def test_a_folder_gives_its_videos_and_the_pictures_of_each_folder_sorted_as_people_count(tmp_path: Path) -> None:
    made(tmp_path, "take10.mp4", "take2.MP4", "b/x.mkv", "b/deep/y.avi", "notes.txt", "b/sound.wav")
    made(tmp_path, "shots/p10.jpg", "shots/p9.png", "shots/more/q.webp")
    found = find_recordings([str(tmp_path)])
    assert [one.name for one in found.recordings] == [
        "b/deep/y.avi",
        "b/x.mkv",
        "shots",
        "shots/more",
        "take2.MP4",
        "take10.mp4",
    ]
    assert found.others == 2
    shots = next(one for one in found.recordings if one.name == "shots")
    assert (shots.kind, shots.files, shots.size) == ("pictures", ("p9.png", "p10.jpg"), 4)


def test_names_are_sorted_whatever_their_case_and_an_umlaut_as_its_letter(tmp_path: Path) -> None:
    composed, apart = "\N{LATIN CAPITAL LETTER A WITH DIAERESIS}", "A\N{COMBINING DIAERESIS}"
    expected = ["anna.mp4", f"{composed}rger.mp4", f"{apart}tna.mp4", "Ben.mp4", "day 1/x.mp4", "Zoe.mp4"]
    made(tmp_path, *reversed(expected))
    assert names(tmp_path) == expected


def test_pictures_of_the_named_folder_itself_are_called_as_it_is(tmp_path: Path) -> None:
    made(tmp_path / "day", "p.jpg", "a.mp4")
    assert names(tmp_path / "day") == ["a.mp4", "day"]


def test_a_pattern_names_what_fits_below_its_fixed_part(tmp_path: Path) -> None:
    made(tmp_path, "day1/anna/a.mp4", "day2/a.mp4", "day2/p.jpg", "night/a.mp4")
    assert names(f"{tmp_path}/day*/**/*.mp4") == ["day1/anna/a.mp4", "day2/a.mp4"]
    assert names(f"{tmp_path}/day2/*") == ["a.mp4", "day2"]
    with pytest.raises(SourceNotFound, match="No file fits"):
        names(f"{tmp_path}/no*/*.mp4")


def test_a_file_that_is_named_itself_may_have_any_ending(tmp_path: Path) -> None:
    made(tmp_path, "film.dat", "one.png")
    assert names(tmp_path / "film.dat", tmp_path / "one.png") == ["film.dat", "one.png"]


def test_an_animation_is_a_recording_of_its_own(tmp_path: Path) -> None:
    made(tmp_path, "a.gif", "b.GIF", "p.jpg")
    kinds = {one.name: one.kind for one in find_recordings([str(tmp_path), str(tmp_path / "a.gif")]).recordings}
    assert kinds == {"a.gif": "video", "b.GIF": "video", tmp_path.name: "pictures"}


def test_what_is_named_twice_is_one_and_two_with_one_name_are_refused_by_both_paths(tmp_path: Path) -> None:
    made(tmp_path, "a/1.mp4", "b/1.mp4")
    assert names(tmp_path / "a", tmp_path / "a", tmp_path / "a/1.mp4") == ["1.mp4"]
    with pytest.raises(UsageError, match=r"a/1\.mp4 and .*b/1\.mp4") as told:
        names(tmp_path / "a/1.mp4", tmp_path / "b/1.mp4")
    assert "folder that holds both" in told.value.remedy
    assert names(tmp_path) == ["a/1.mp4", "b/1.mp4"]


def test_the_folder_of_the_results_and_hidden_files_are_not_searched(tmp_path: Path) -> None:
    made(tmp_path, "a.mp4", "results/old.mp4", ".cache/b.mp4", "._a.mp4")
    assert names(tmp_path, out=str(tmp_path / "results")) == ["a.mp4"]


@pytest.mark.parametrize("out", ["in", "."])
def test_results_are_not_to_lie_where_the_recordings_do_or_above_them(tmp_path: Path, out: str) -> None:
    made(tmp_path, "in/a.mp4")
    with pytest.raises(UsageError, match="is the folder of the results"):
        names(tmp_path / "in", out=str(tmp_path / out))


def test_a_link_that_leads_back_is_followed_once(tmp_path: Path) -> None:
    made(tmp_path, "in/a.mp4")
    (tmp_path / "in/again").symlink_to(tmp_path / "in")
    made(tmp_path, "elsewhere/b.mp4")
    (tmp_path / "in/other").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "in") == ["a.mp4", "other/b.mp4"]


def test_program_text_with_the_ending_of_a_video_is_none(tmp_path: Path) -> None:
    made(tmp_path, "a.mp4")
    (tmp_path / "code.ts").write_text("const a = 1;\n")
    assert names(tmp_path) == ["a.mp4"]


def test_what_is_not_there_or_holds_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    made(tmp_path, "texts/a.txt", "summary.csv")
    for place, error, words in (
        (tmp_path / "none.mp4", SourceNotFound, "no file or folder"),
        (tmp_path / "empty", SourceUnreadable, "holds no videos and no pictures"),
        (tmp_path / "texts", SourceUnreadable, "holds no videos"),
        ("rtsp://host/live", UsageError, "is an address"),
        (tmp_path / "summary.csv", UsageError, "may not be called"),
        (Path("/dev/null"), SourceUnreadable, "is not a file"),
    ):
        with pytest.raises(error, match=words):
            names(place)


def test_pipes_and_devices_are_left_out_also_behind_links(tmp_path: Path) -> None:
    made(tmp_path, "a.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "pipe.mp4")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "gone.mp4").symlink_to("nothing.mp4")
    assert names(tmp_path) == ["a.mp4", "gone.mp4"]


@pytest.mark.parametrize(
    "name", ["summary.csv/a.mp4", "index.html/p.jpg", "day/frames.csv/p.jpg", "day/summary.json/b/p.jpg"]
)
def test_a_recording_whose_results_would_lie_where_others_do_is_refused_at_once(tmp_path: Path, name: str) -> None:
    made(tmp_path / "in", "day/p.jpg", "other/frames.csv/p.jpg", "summary.json/a.mp4")
    assert names(tmp_path / "in") == ["day", "other/frames.csv", "summary.json/a.mp4"]
    made(tmp_path / "in", name)
    with pytest.raises(UsageError, match="may not be called"):
        names(tmp_path / "in")


def found(*places: object) -> Dict[str, Tuple[str, ...]]:
    return {one.name: one.files or (one.path,) for one in find_recordings([str(place) for place in places]).recordings}


def test_a_file_that_several_arguments_name_is_analysed_once_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made(tmp_path, "a.mp4", "day/a.mp4", "day/deep/b.mp4", "day/p1.jpg", "day/p2.jpg")
    monkeypatch.chdir(tmp_path)
    everything = {"a.mp4", "day", "day/a.mp4", "day/deep/b.mp4"}
    for overlapping in (
        ["."],
        [".", "day"],
        ["day", "."],
        ["day/deep", "day", ".", "day/a.mp4", "day/*.jpg", "day/p2.jpg"],
    ):
        caplog.clear()
        assert found(*overlapping).keys() == everything, overlapping
        assert found(*overlapping)["day"] == ("p1.jpg", "p2.jpg")
        assert ("analysed once" in caplog.text) == (len(overlapping) > 1)
    caplog.clear()
    found("day", ".")
    assert "day/a.mp4 (also found as a.mp4)" in caplog.text
    assert found("day", "day/a.mp4").keys() == {"a.mp4", "deep/b.mp4", "day"}
    assert found("day/p1.jpg", "day/p2.jpg") == {"p1.jpg": ("p1.jpg",), "p2.jpg": ("p2.jpg",)}


def test_pictures_that_two_patterns_fit_are_in_one_recording(tmp_path: Path) -> None:
    made(tmp_path, "in/day/a1.jpg", "in/day/a2.jpg", "in/day/b2.jpg")
    assert found(f"{tmp_path}/in/*/a*.jpg", f"{tmp_path}/*/*/*2.jpg") == {
        "in/day": ("a2.jpg", "b2.jpg"),
        "day": ("a1.jpg",),
    }


def test_a_link_to_a_file_is_a_name_on_purpose_and_a_link_to_a_folder_is_none(tmp_path: Path) -> None:
    made(tmp_path, "in/a.mp4", "in/day/b.mp4")
    (tmp_path / "in/again.mp4").symlink_to("a.mp4")
    (tmp_path / "in/today").symlink_to("day")
    assert found(tmp_path / "in").keys() == {"a.mp4", "again.mp4", "day/b.mp4"}
    assert found(tmp_path / "in/today", tmp_path / "in/day").keys() == {"b.mp4"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.mp4").symlink_to(tmp_path / "in/a.mp4")
    assert found(tmp_path / "in/a.mp4", tmp_path / "other/a.mp4").keys() == {"a.mp4"}


def test_a_pattern_that_leads_up_again_is_refused_as_its_results_would_lie_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work" / "q").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.mp4").write_bytes(b"\0")
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(UsageError, match=r"'\.\./other/x\.mp4' would lie outside"):
        find_recordings(["*/../../oth*/x.mp4"], "res")


def test_an_address_is_told_without_its_password() -> None:
    with pytest.raises(UsageError) as refused:
        find_recordings(["s3://bob:s3cr3t@host/a.mp4"])
    assert "is an address" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
