"""Settings files, variables and arguments, of any content."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple, Union

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mutation import examples, mutated

from fer_edge.capture.open import open_source
from fer_edge.errors import FerEdgeError, SettingsError, UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.settings import load_settings
from fer_edge.settings.file import SettingsFile
from fer_edge.settings.settings import setting_options

NAMES = [known.setting.option for known in setting_options()]
PRIVATE = {known.setting.option for known in setting_options() if known.setting.private}

GOOD = (
    Path(__file__).parents[2].joinpath("systemd", "fer-edge.toml").read_bytes(),
    b'camera = "rtsp://camera/live"\nsize = [640, 480]\nmin-score = 0.6\nbars = false\n# a comment\nframes = 100\n',
    b'fps = 3\n[[camera]]\nname = "a"\nsource = 0\nsize = [640, 480]\n[[camera]]\nsource = "demo:3"\n[log]\nlevel = "info"\n',
    b'log.level = "info"\ncamera = [{name = "a", source = "demo"}, {source = "x=y"}]\n[analysis]\nmin-score = 0.6\n',
    b'"record" = """\nout.mp4"""\nlisten = "[::1]:8650"\nlog_format = \'json\'\nduration = 1e3\nappend = true\n',
)

WORDS = st.sampled_from(
    ["", "0", "-1", "1e400", "nan", "inf", "\u0663", "1_0", "0x10", "true", "None", "640x480", "9" * 5000, "a" * 5000]
)
TEXTS = st.one_of(WORDS, st.text(max_size=30), st.text("0123456789xX.:-+e[]/", max_size=20))
VARIABLES = st.lists(
    st.sampled_from(
        ["CAMERA", "FRONT", "SOURCE", "SIZE", "NAME", "LOG", "LEVEL", "PORT", "_", "__", "__", "X-Y", "a b"]
    ),
    max_size=6,
).map(lambda parts: "FER_EDGE_" + "".join(parts))


def load(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        load_settings({}, {}, file)
    except SettingsError as error:
        assert str(file) in error.message


@examples(250)
@given(st.one_of(mutated(*GOOD), st.binary(max_size=200)))
@example(b"frames = 0x" + b"f" * 4000)
@example(b"frames = " + b"9" * 4000)
@example(b"a = " + b"[" * 4000)
@example(b"a" + b".a" * 1500 + b" = 1")
@example(b"camera = '\0'")
@example(b"\xef\xbb\xbf")
def test_a_settings_file_of_any_bytes_is_taken_or_named(tmp_path: Path, content: bytes) -> None:
    load(tmp_path / "fuzzed.toml", content)


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08X}" for letter in value) + '"'
    return str(value)


class Raw:
    """A value that is written as it stands."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.dates().map(lambda date: Raw(date.isoformat())),
    st.sampled_from(["1979-05-27T07:32:00Z", "07:32:00", "0b1", "+inf", "1_000"]).map(Raw),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["camera", "x"]), inner, max_size=2)
    ),
    max_leaves=6,
)


@examples(200)
@given(
    st.dictionaries(st.sampled_from([*NAMES, "camra", "x", "name", "source", "level", "format"]), VALUES, max_size=4),
    st.sampled_from(["", "[table]\n", "[log]\n", "[[camera]]\n"]),
)
def test_a_value_of_any_type_is_taken_or_named_with_the_line_of_its_key(
    tmp_path: Path, values: Dict[str, Any], head: str
) -> None:
    file = tmp_path / "fuzzed.toml"
    lines = [f"{key} = {as_toml(value)}" for key, value in values.items()]
    file.write_text(head + "\n".join(lines) + "\n")
    try:
        load_settings({}, {}, file)
    except SettingsError as error:
        number = int(error.message.partition("line ")[2].partition(":")[0])
        line = file.read_text().split("\n")[number - 1]
        key = line.strip("[]").partition(" = ")[0]
        assert key in error.message
    else:
        assert head != "[table]\n" or not values


@examples(150)
@given(mutated(*GOOD))
def test_the_line_that_is_named_holds_the_key(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "fuzzed.toml"
    file.write_bytes(content)
    try:
        read = SettingsFile.read(file)
    except SettingsError:
        return
    ways: List[Tuple[Union[str, int], ...]] = []
    for key, value in read.values.items():
        ways.append((key,))
        if isinstance(value, dict):
            ways += [(key, inner) for inner in value]
        elif isinstance(value, list):
            ways += [(key, at, inner) for at, item in enumerate(value) if isinstance(item, dict) for inner in item]
    for way in ways:
        where = read.place(*way)
        if ", line " in where:
            line = read.text.split("\n")[int(where.rpartition(" ")[2]) - 1]
            assert str(way[-1]) in line or "\\" in line or str(way[0]) in line


@examples(200)
@given(st.dictionaries(VARIABLES, TEXTS, max_size=4))
@example({"FER_EDGE_CAMERA__": "1"})
@example({"FER_EDGE_CAMERA____SOURCE": "1"})
@example({"FER_EDGE_": "1"})
def test_variables_of_any_name_are_taken_or_named(environment: Dict[str, str]) -> None:
    try:
        load_settings({}, environment)
    except SettingsError as error:
        assert any(variable in error.message for variable in environment)


@examples(150)
@given(st.lists(st.one_of(TEXTS, st.sampled_from(["a=demo", "A=demo", "a=", "0", "x/y=0", "auto"])), max_size=4))
def test_cameras_of_any_text_are_taken_or_refused_as_those_of_the_command_line(texts: List[str]) -> None:
    try:
        found = load_settings({"camera": texts}, {}).cameras
    except UsageError as error:
        assert "--camera" in error.message
    else:
        assert len(found) == max(1, len(texts))


@examples(200)
@given(st.sampled_from(NAMES), st.one_of(TEXTS, st.text(st.characters(), max_size=8)))
@example("camera", "")
@example("server_token", "0")
def test_any_text_in_the_environment_or_on_the_command_line_is_taken_or_named(name: str, text: str) -> None:
    variable = "FER_EDGE_" + name.upper()
    try:
        load_settings({}, {variable: text})
    except SettingsError as error:
        assert variable in error.message
        with pytest.raises(UsageError, match="--" + name.replace("_", "-")):
            load_settings({name: text}, {})
    else:
        if name in PRIVATE:
            with pytest.raises(UsageError, match="--" + name.replace("_", "-")):
                load_settings({name: text}, {})
        elif text:  # an empty variable is none
            load_settings({name: text}, {})


FORMS = [
    b"demo:3",
    b"csi:0",
    b"gst:videotestsrc ! video/x-raw",
    b"rtsp://user:word@host:554/live?a=b",
    b"http://[::1]:8080/video",
    b"shots/*.jpg",
    b"clip.mp4",
    b"/dev/video0",
    b"0",
]


@examples(200)
@given(st.one_of(mutated(*FORMS).map(lambda data: data.decode("utf-8", "surrogateescape")), TEXTS))
@example("demo:" + "9" * 5000)
@example("9" * 5000)
@example("http://a\0b/")
@example("\0.jpg")
@example("[" * 300 + ".jpg")
@example("a" * 300)
@example("~0")
def test_a_source_of_any_name_is_built_or_refused(text: str) -> None:
    try:
        source = open_source(text)
        # Devices and hosts that might exist are left alone.
        if (
            type(source).__name__ in ("VideoFileSource", "MediaSource", "ImageSource")
            and "/" not in text
            and "*" not in text
        ):
            source.open()
    except FerEdgeError as error:
        assert error.message
    else:
        source.close()


@examples(100)
@given(TEXTS)
@example("a" * 300)
@example("a" * 300 + "/b")
def test_a_model_of_any_name_is_found_or_named(text: str) -> None:
    try:
        find_model(text)
    except FerEdgeError as error:
        assert text in error.message
