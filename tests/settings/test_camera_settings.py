"""Which cameras a run watches, and what is asked of each, by command line, variables and file together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_edge.errors import SettingsError, UsageError
from fer_edge.settings import CameraSettings, Settings, load_settings, settings_file
from fer_edge.settings.cameras import MOST_CAMERAS
from fer_edge.settings.file import SettingsFile

THREE = """\
size = [640, 480]

[[camera]]
name = "front"
source = 0
fps = 15
format = "yuyv"

[[camera]]
name = "front-door"
source = "rtsp://door/live"
size = "320x240"
detector = "yunet"

[[camera]]
source = "demo:3"

[analysis]
min-score = 0.6

[log]
level = "warning"
"""


def toml(text: str) -> SettingsFile:
    return SettingsFile.parse(Path("here.toml"), text.encode())


def loaded(
    *cameras: str, file: str = "", environment: Optional[Mapping[str, str]] = None, **arguments: str
) -> Settings:
    given: Dict[str, Any] = {**arguments, **({"camera": list(cameras)} if cameras else {})}
    return load_settings(given, environment or {}, toml(file))


def sources(settings: Settings) -> Dict[str, str]:
    return {camera.name: camera.source for camera in settings.cameras}


def test_tables_say_what_to_watch_in_their_order_and_keys_above_them_hold_for_all() -> None:
    settings = loaded(file=THREE)
    assert settings.cameras == (
        CameraSettings("front", "0", (640, 480), 15.0, "YUYV"),
        CameraSettings("front-door", "rtsp://door/live", (320, 240), detector="yunet"),
        CameraSettings("demo-3", "demo:3", (640, 480)),
    )
    assert (settings.analysis.min_score, settings.log.level) == (0.6, "warning")


def test_nothing_said_it_is_one_camera_with_a_name() -> None:
    assert loaded().cameras == Settings().cameras == (CameraSettings("camera", "auto"),)
    assert loaded(size="320x240").cameras == (CameraSettings("camera", "auto", (320, 240)),)


def test_the_cameras_of_the_command_line_run_and_borrow_from_tables_and_variables_of_their_name() -> None:
    environment = {"FER_EDGE_CAMERA__DEMO__FPS": "5", "FER_EDGE_CAMERA__FRONT_DOOR__FORMAT": "GREY"}
    settings = loaded("Front-Door=demo", "demo", file=THREE, environment=environment, camera_fps="9")
    assert settings.cameras == (
        CameraSettings("Front-Door", "demo", (320, 240), 9.0, "GREY", "yunet"),
        CameraSettings("demo", "demo", (640, 480), 5.0),
    )


def test_a_variable_wins_over_the_table_of_its_camera_and_may_add_one() -> None:
    environment = {
        "FER_EDGE_CAMERA__FRONT__SOURCE": "1",
        "FER_EDGE_CAMERA__FRONT_DOOR__SOURCE": "rtsp://user:word@door/live",
        "FER_EDGE_CAMERA__SIDE__YARD__SOURCE": "http://yard/",
    }
    settings = loaded(file=THREE, environment=environment)
    assert sources(settings) == {
        "front": "1",
        "front-door": "rtsp://user:word@door/live",
        "demo-3": "demo:3",
        "side__yard": "http://yard/",
    }
    assert settings.place("camera.front.source") == "FER_EDGE_CAMERA__FRONT__SOURCE"


def test_the_single_variable_takes_the_place_of_all_cameras_of_the_file() -> None:
    assert sources(loaded(file=THREE, environment={"FER_EDGE_CAMERA": "hall=demo"})) == {"hall": "demo"}


def test_the_single_camera_of_a_file_stands_beside_those_that_variables_add() -> None:
    environment = {"FER_EDGE_CAMERA__DOOR__SOURCE": "demo", "FER_EDGE_CAMERA__CAMERA0__FPS": "5"}
    settings = loaded(file="camera = 0\n", environment=environment)
    assert settings.cameras == (CameraSettings("camera0", "0", fps=5.0), CameraSettings("door", "demo"))


def test_sections_are_set_by_tables_dotted_keys_and_variables_alike() -> None:
    by_table = loaded(
        file='[outputs]\nsegment = "5m"\n[web]\nlisten = 8650\n[run]\nframes = 3\n[analysis]\nblur = true\n'
    )
    dotted = loaded(file="outputs.segment = '5m'\nweb.listen = 8650\nrun.frames = 3\nanalysis.blur = true\n")
    flat = loaded(file="segment = '5m'\nlisten = 8650\nframes = 3\nblur = true\n")
    names = {"OUTPUTS__SEGMENT": "5m", "WEB__LISTEN": "8650", "RUN__FRAMES": "3", "ANALYSIS__BLUR": "yes"}
    by_variable = loaded(environment={f"FER_EDGE_{name}": text for name, text in names.items()})
    assert by_table == dotted == flat == by_variable
    assert by_table.analysis.blur


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("camera.front.source", "here.toml, line 5"),
        ("camera.front.fps", "here.toml, line 6"),
        ("camera.front.size", "here.toml, line 1"),
        ("camera.front-door.size", "here.toml, line 12"),
        ("camera.front-door.detector", "here.toml, line 13"),
        ("camera.front-door.format", "FER_EDGE_PIXEL_FORMAT"),
        ("camera.demo-3.source", "here.toml, line 16"),
        ("camera.demo-3.detector", "FER_EDGE_ANALYSIS__DETECTOR"),
        ("size", "here.toml, line 1"),
        ("log_level", "here.toml, line 22"),
        ("log.level", "here.toml, line 22"),
        ("analysis.detector", "FER_EDGE_ANALYSIS__DETECTOR"),
        ("record", ""),
        ("camera.front.nonsense", ""),
    ],
)
def test_an_error_can_be_told_with_the_line_or_variable_that_led_to_it(key: str, place: str) -> None:
    environment = {"FER_EDGE_ANALYSIS__DETECTOR": "yunet", "FER_EDGE_PIXEL_FORMAT": "GREY"}
    settings = loaded(file=THREE, environment=environment)
    with pytest.raises(SettingsError) as caught, settings.located(key):
        raise SettingsError("no")
    assert caught.value.message == (f"{place}: no" if place else "no")


def test_what_the_command_line_says_of_cameras_has_no_place() -> None:
    settings = loaded("front=demo", file=THREE)
    assert settings.place("camera") == settings.place("camera.front.source") == ""
    assert not {"camera", "camera.front.source"} & set(settings.origins)
    assert settings.place("camera.front.fps") == "here.toml, line 6"


TABLE = '[[camera]]\nname = "{}"\nsource = "{}"\n'


@pytest.mark.parametrize(
    ("cameras", "words"),
    [
        (["front=0", "front=1"], "two cameras are called 'front'"),
        (["front=0", "Front=1"], "'front' and 'Front', which some disks take for one name"),
        (["front=0", "a/b=1"], "'a/b=1' is neither a file that is there nor NAME=SOURCE"),
        (["front=0", "back=/dev/video0"], "'front' and 'back' are the same device, /dev/video0"),
        (["0", "00"], "'camera0' and 'camera0-2' are the same device"),
        (["auto", "0"], "are the same device"),
        (["csi:0", "csi:00"], "are the same device, csi:0"),
        ([f"c{number}=demo" for number in range(MOST_CAMERAS + 1)], "one run watches 64 at most"),
        (["front="], "'front' has no source"),
        (["0,1"], "'0,1' names several cameras in one text"),
        (["front=demo,back=demo:2"], "names several cameras in one text"),
    ],
)
def test_cameras_that_cannot_be_together_are_refused_wherever_they_are_named(cameras: List[str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(*cameras)
    assert words in caught.value.message
    assert caught.value.message.startswith("--camera: ")
    with pytest.raises(UsageError):
        Settings.of(camera=cameras)


def test_as_many_cameras_as_are_allowed_are_taken_and_the_demo_may_be_watched_twice() -> None:
    assert len(loaded(*["demo"] * MOST_CAMERAS).cameras) == MOST_CAMERAS


TWICE = {"FER_EDGE_LOG_LEVEL": "info", "FER_EDGE_LOG__LEVEL": "info"}


@pytest.mark.parametrize(
    ("file", "environment", "words"),
    [
        (TABLE.format("a", 0) + TABLE.format("a", 1), {}, "line 4: two cameras are called 'a' (first in here.toml, line 1)"),
        (TABLE.format("a", 0) + TABLE.format("A", 1), {}, "line 4: two cameras are called 'a' and 'A'"),
        (TABLE.format("a", 0) + TABLE.format("b", "/dev/video0"), {}, "line 6: the cameras 'a' and 'b' are the same device"),
        (TABLE.format("a", 0), {"FER_EDGE_CAMERA__B__SOURCE": "0"}, "FER_EDGE_CAMERA__B__SOURCE: the cameras 'a' and 'b'"),
        (TABLE.format("a", 0), {"FER_EDGE_CAMERA__A B__SOURCE": "1"}, "FER_EDGE_CAMERA__A B__SOURCE: 'a b' will not do"),
        ("", {"FER_EDGE_CAMERA": "0", "FER_EDGE_CAMERA__B__SOURCE": "1"}, "FER_EDGE_CAMERA: FER_EDGE_CAMERA__B__SOURCE says"),
        ("", {"FER_EDGE_CAMERA": "a/b=0"}, "FER_EDGE_CAMERA: 'a/b=0' is neither"),
        ('camera = "a/b=0"\n', {}, "here.toml, line 1: 'a/b=0' is neither"),
        ("", TWICE, "FER_EDGE_LOG__LEVEL: log_level is set twice, first by FER"),
        (TABLE.format("a-b", 0) + TABLE.format("a.b", 1), {"FER_EDGE_CAMERA__A_B__FPS": "3"}, "it may mean 'a-b' or 'a.b'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_cameras_of_a_file_or_variable_is_told_with_its_place(
    file: str, environment: Dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(file=file, environment=environment)
    assert words in caught.value.message


def test_one_device_under_two_names_is_found_through_links(tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to("/dev/video3")
    link = f"/dev/..{tmp_path}/by-id"
    with pytest.raises(UsageError, match="'by-id' and 'camera3' are the same device, /dev/video3") as caught:
        loaded(link, "3")
    assert f"(given as {link} and 3)" in caught.value.message


def test_what_is_said_of_a_camera_without_a_source_names_the_one_that_may_be_meant() -> None:
    file = TABLE.format("front", 0) + '[[camera]]\nname = "frnt"\nfps = 5\n'
    with pytest.raises(SettingsError, match="here.toml, line 4: nothing gives the camera 'frnt' a source") as caught:
        loaded(file=file)
    assert "Did you mean 'front'?" in caught.value.remedy
    with pytest.raises(SettingsError, match="FER_EDGE_CAMERA__FROND__FPS: nothing gives") as caught:
        loaded(file=TABLE.format("front", 0), environment={"FER_EDGE_CAMERA__FROND__FPS": "5"})
    assert "Did you mean 'front'?" in caught.value.remedy
    with pytest.raises(SettingsError, match="here.toml, line 1: nothing gives the camera 'side' a source") as caught:
        loaded("front=0", file='[[camera]]\nname = "side"\nfps = 5\n')
    assert "The cameras are: front." in caught.value.remedy


def test_a_table_of_a_camera_that_has_a_source_may_be_left_out_of_a_run() -> None:
    assert sources(loaded("hall=demo", file=THREE)) == {"hall": "demo"}


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("FER_EDGE_CAMERA__FRONT__SIZ", "FER_EDGE_CAMERA__FRONT__SIZE"),
        ("FER_EDGE_CAMERA__FRONT", "FER_EDGE_CAMERA__NAME__SOURCE"),
        ("FER_EDGE_CAMERA_FRONT_SOURCE", "FER_EDGE_CAMERA__FRONT__SOURCE"),
        ("FER_EDGE_CAMERA__FRONT__NAME", "The variable says the name itself"),
        ("FER_EDGE_LOG__LEVL", "FER_EDGE_LOG__LEVEL"),
        ("FER_EDGE_LOG__LOG_LEVEL", "FER_EDGE_LOG__LEVEL"),
        ("FER_EDGE_LOGLEVEL", "FER_EDGE_LOG_LEVEL"),
    ],
)
def test_a_mistyped_variable_is_refused_with_the_one_that_may_be_meant(variable: str, hint: str) -> None:
    for text in ("1", ""):
        with pytest.raises(SettingsError, match=f"{variable} is no setting") as caught:
            loaded(environment={variable: text})
        assert hint in caught.value.remedy


def test_empty_variables_of_cameras_say_nothing() -> None:
    environment = {"FER_EDGE_CAMERA__FRONT__SOURCE": "", "FER_EDGE_LOG__LEVEL": "", "FER_EDGE_CAMERA": ""}
    assert loaded(environment=environment) == Settings()


def test_what_kubernetes_sets_for_services_named_after_cameras_is_no_setting() -> None:
    environment = {"FER_EDGE_CAMERA_PORT": "tcp://10.0.0.1:80", "FER_EDGE_CAMERA__X__SERVICE_HOST": "10.0.0.1"}
    assert loaded(environment=environment) == Settings()
    assert sources(loaded(environment={"FER_EDGE_CAMERA__WEB__SOURCE": "tcp://10.0.0.1:80"})) == {
        "web": "tcp://10.0.0.1:80"
    }


def test_one_recording_of_several_cameras_is_refused_with_a_name_that_would_do() -> None:
    with pytest.raises(UsageError, match=r"^A recording takes one camera, and there are 2") as caught:
        loaded("demo", "demo:2", record="x.mp4")
    assert "--record 'x-{camera}.mp4'" in caught.value.remedy
    with pytest.raises(UsageError, match="here.toml, line 1: A recording takes one camera"):
        loaded("demo", "demo:2", file='record = "x.mp4"\n')
    assert loaded("demo", "demo:2", record="x-{camera}.mp4", output="x.jsonl").outputs.record == "x-{camera}.mp4"
    assert loaded("demo", record="x.mp4").outputs.record == "x.mp4"


def test_two_ways_of_variables_are_no_matter_where_the_command_line_decides() -> None:
    environment = {"FER_EDGE_CAMERA": "0", "FER_EDGE_CAMERA__B__SOURCE": "1", "FER_EDGE_CAMERA__B__FPS": "5"}
    assert sources(loaded("hall=demo", environment=environment)) == {"hall": "demo"}
    assert loaded("b=demo", environment=environment).cameras == (CameraSettings("b", "demo", fps=5.0),)
    assert load_settings({}, environment, watching=False).cameras == Settings().cameras


def test_cameras_of_the_file_that_are_not_watched_are_known() -> None:
    assert loaded("front=demo", file=THREE).left_out == ("front-door", "demo-3")
    assert loaded(file=THREE, environment={"FER_EDGE_CAMERA": "hall=0"}).left_out == ("front", "front-door", "demo-3")
    assert loaded(file=THREE, environment={"FER_EDGE_CAMERA__HALL__SOURCE": "1"}).left_out == ()
    assert loaded("Front=0", "front-door=demo", "demo-3=demo", file=THREE).left_out == ()


def test_single_brackets_for_several_cameras_are_told_with_the_double_ones() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(file='[camera]\nname = "a"\nsource = "0"\n\n[camera]\nname = "b"\nsource = "1"\n')
    assert "[[camera]], in double brackets" in caught.value.remedy


def test_a_home_folder_stands_for_its_sign_in_every_name_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    names = {
        "record": "~/x.mp4",
        "output": "~/x.jsonl",
        "model": "~/x.onnx",
        "tls_cert": "~/c.pem",
        "tls_key": "~/k.pem",
    }
    for found in (
        loaded(**names),
        loaded(file="".join(f"{name} = '{place}'\n" for name, place in names.items())),
        loaded(environment={f"FER_EDGE_{name.upper()}": place for name, place in names.items()}),
    ):
        assert found.outputs.record == "/home/anna/x.mp4"
        assert found.outputs.output == "/home/anna/x.jsonl"
        assert found.analysis.model == "/home/anna/x.onnx"
        assert (found.web.tls_cert, found.web.tls_key) == ("/home/anna/c.pem", "/home/anna/k.pem")
    assert settings_file("~/s.toml") == Path("/home/anna/s.toml")


def test_who_only_asks_a_running_program_needs_no_camera() -> None:
    file = 'listen = 8650\nrecord = "x.mp4"\n[[camera]]\nname = "front"\nfps = 5\n'
    assert load_settings({}, {}, toml(file), watching=False).cameras == Settings().cameras
    with pytest.raises(SettingsError, match="line 5: there is no setting 'fsp'"):
        load_settings({}, {}, toml(file.replace("fps", "fsp")), watching=False)


def test_settings_are_changed_for_all_cameras_and_other_cameras_keep_what_was_asked() -> None:
    settings = loaded(file=THREE)
    assert {camera.fps for camera in settings.changed(camera_fps=7.0).cameras} == {7.0}
    (other,) = settings.changed(camera="front-door=demo", size=None).cameras
    assert other == CameraSettings("front-door", "demo", None, detector="yunet")
    assert sources(Settings.of(camera=["demo", "front=demo"])) == {"demo": "demo", "front": "demo"}


Said = Dict[Tuple[str, str], Any]

KEYS: Dict[str, Tuple[str, List[str]]] = {
    "source": ("camera", ["demo", "demo:3", "clip.mp4"]),
    "size": ("size", ["640x480", "320x240", "1x1"]),
    "fps": ("camera_fps", ["5", "7.5", "30"]),
    "format": ("pixel_format", ["MJPG", "YUYV", "GREY"]),
}
PLACES = ("file", "environment", "command line")
OF_ONE = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b-c"]), st.sampled_from(PLACES[:2]), st.sampled_from(["size", "fps", "format"])),
    st.integers(0, 2),
)
OF_ALL = st.dictionaries(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(["size", "fps", "format"])), st.integers(0, 2)
)
SOURCES = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b-c"]), st.sampled_from(PLACES)), st.integers(0, 2), min_size=1
)


@settings(deadline=None, max_examples=200)
@given(SOURCES, OF_ONE, OF_ALL)
def test_the_nearest_word_counts_first_of_the_camera_itself_and_then_of_all(
    named: Dict[Tuple[str, str], int], of_one: Dict[Tuple[str, str, str], int], of_all: Dict[Tuple[str, str], int]
) -> None:
    def text(key: str, number: int) -> str:
        return KEYS[key][1][number]

    def variable(name: str, key: str) -> str:
        return f"FER_EDGE_CAMERA__{name}__{key}".upper().replace("-", "_")

    arguments: Dict[str, Any] = {}
    environment: Dict[str, str] = {}
    lines: List[str] = []
    for (place, key), number in of_all.items():
        option = KEYS[key][0]
        if place == "file":
            lines.append(f"{option} = '{text(key, number)}'")
        elif place == "environment":
            environment[f"FER_EDGE_{option}".upper()] = text(key, number)
        else:
            arguments[option] = text(key, number)
    for name in ("a", "b-c"):
        inside = [
            f"{key} = '{text(key, number)}'"
            for (who, place, key), number in of_one.items()
            if (who, place) == (name, "file")
        ]
        if (name, "file") in named:
            inside.append(f"source = '{text('source', named[name, 'file'])}'")
        if inside:
            lines += ["[[camera]]", f"name = '{name}'", *inside]
        for (who, place, key), number in of_one.items():
            if (who, place) == (name, "environment"):
                environment[variable(name, key)] = text(key, number)
        if (name, "environment") in named:
            environment[variable(name, "source")] = text("source", named[name, "environment"])
        if (name, "command line") in named:
            arguments.setdefault("camera", []).append(f"{name}={text('source', named[name, 'command line'])}")

    if {who for who, _, _ in of_one} - {who for who, _ in named}:
        with pytest.raises(SettingsError, match="nothing gives the camera"):
            load_settings(arguments, environment, toml("\n".join(lines)))
        return

    found = load_settings(arguments, environment, toml("\n".join(lines)))
    on_the_command_line = {who for who, place in named if place == "command line"}
    written = {name.replace("-", "_"): name for name in ("a", "b-c")}
    running = {written.get(camera.name, camera.name): camera for camera in found.cameras}
    assert set(running) == (on_the_command_line or {who for who, _ in named})
    for name, camera in running.items():
        for key in KEYS:
            own = [named.get((name, place)) if key == "source" else of_one.get((name, place, key)) for place in PLACES]
            general = [None if key == "source" else of_all.get((place, key)) for place in PLACES]
            numbers = [number for number in [*general, *own] if number is not None]
            wanted = Settings().cameras[0]
            if numbers:
                wanted = load_settings({KEYS[key][0]: text(key, numbers[-1])}, {}).cameras[0]
            assert getattr(camera, key) == getattr(wanted, key)
