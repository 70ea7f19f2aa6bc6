"""The real program in a network that ends at the test: it sends nothing, and leaves no identifier of this machine."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Callable, List

import pytest
from mosquitto import MOSQUITTO, needs_mosquitto

ROOT = Path(__file__).parents[2]

# 56 faces of noise, a folder for each expression.
FACES = """
import sys, numpy, pathlib, cv2
from fer_edge.types import LABELS
for label in LABELS:
    folder = pathlib.Path("faces", label)
    folder.mkdir(parents=True)
    for index in range(8):
        cv2.imwrite(str(folder / f"{index}.png"), numpy.random.default_rng(index).integers(0, 255, (48, 48), numpy.uint8))
"""

WATCH = """
import fer_edge
for observation in fer_edge.watch("demo"):
    if observation.frame.index > 10:
        break
"""

ASK = """
import socket
try:
    socket.create_connection(("camera.example", 554))
except OSError:
    pass
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("203.0.113.9", 99))
open("identifier", "w").close()
"""

REPORT = """
import onnxruntime, os, time
end = time.monotonic() + 60
while not os.path.exists(os.environ["NAMES_ASKED_FOR"]) and time.monotonic() < end:
    time.sleep(0.1)
"""

BROWSE = """
import subprocess, sys, time, urllib.request
program = subprocess.Popen([sys.executable, "-m", "fer_edge", *sys.argv[1:]])
for path in ("api/cameras", "", "static/main.js", "metrics", "api/cameras/demo/snapshot.jpg"):
    while True:
        try:
            with urllib.request.urlopen("http://127.0.0.1:8650/" + path, timeout=30) as answer:
                print(path, answer.status, len(answer.read()), flush=True)
            break
        except OSError:
            if program.poll() is not None:
                sys.exit(1)
            time.sleep(0.1)
sys.exit(program.wait())
"""

WITH_BROKER = """
import pathlib, subprocess, sys
pathlib.Path("broker.conf").write_text("listener 1883 127.0.0.1\\nallow_anonymous true\\nuser root\\npersistence false\\n")
broker = subprocess.Popen([sys.argv[1], "-c", "broker.conf"], stderr=subprocess.PIPE, text=True)
for line in broker.stderr:
    if "running" in line:
        break
heard = subprocess.Popen(
    [sys.executable, "-c", "import sys; from paho.mqtt.subscribe import simple; "
     "print('heard', simple('fer-edge/+/demo/persons', hostname='127.0.0.1').topic, flush=True)"]
)
code = subprocess.call([sys.executable, "-m", "fer_edge", *sys.argv[2:]])
heard.wait(30)
broker.terminate()
broker.communicate()
sys.exit(code or heard.returncode)
"""


def telemetry_is_built_in() -> bool:
    """Tell whether the ONNX Runtime of this environment can report to its maker."""
    found = importlib.util.find_spec("onnxruntime")
    assert found is not None
    assert found.origin is not None
    libraries = Path(found.origin).parent.glob("capi/onnxruntime_pybind11_state*.so")
    return any(b"ORT_DISABLE_TELEMETRY" in library.read_bytes() for library in libraries)


def test_a_program_that_reports_is_caught(sealed: Callable) -> None:
    seen = sealed("-c", ASK)
    assert "camera.example" in seen.names
    assert "tcp 127.0.0.1:554" in seen.packets
    assert "udp 203.0.113.9:99" in seen.packets
    assert seen.files == ["work/identifier"]


@pytest.mark.slow
def test_the_library_reports_where_nothing_stops_it(sealed: Callable) -> None:
    if not telemetry_is_built_in():
        pytest.skip("this release of ONNX Runtime has no telemetry")
    seen = sealed("-c", REPORT)
    assert any(name.endswith(".microsoft.com") for name in seen.names)
    assert any(file.endswith("deviceid") for file in seen.files)


@pytest.mark.slow
def test_fifteen_seconds_of_analysis_ask_for_no_name_send_no_packet_and_leave_no_file(sealed: Callable) -> None:
    seen = sealed("-m", "fer_edge", "--camera", "demo", "--display", "none", "--duration", "15")
    assert "frames analysed" in seen.words
    assert (seen.names, seen.packets, seen.files) == ([], [], [])


@pytest.mark.slow
def test_a_program_that_listens_answers_who_asks_and_speaks_to_nobody_else(sealed: Callable) -> None:
    pytest.importorskip("uvicorn")
    analysis = ["--camera", "demo", "--display", "none", "--duration", "11"]
    seen = sealed("-c", BROWSE, *analysis, "--listen", "127.0.0.1:8650")
    assert re.search(r"^api/cameras/demo/snapshot.jpg 200 [0-9]{4}", seen.words, re.MULTILINE), seen.words
    assert "frames analysed" in seen.words
    asked = [packet for packet in seen.packets if packet == "tcp 127.0.0.1:8650"]
    answered = [packet for packet in seen.packets if re.match("tcp 127.0.0.1:[0-9]{5}$", packet)]
    assert asked
    assert len(asked) + len(answered) == len(seen.packets)
    assert (seen.names, seen.files) == ([], [])


@pytest.mark.slow
@needs_mosquitto
def test_a_program_with_a_broker_asks_for_its_name_and_speaks_to_it_alone(sealed: Callable) -> None:
    pytest.importorskip("paho.mqtt.client")
    analysis = ["--camera", "demo", "--display", "none", "--duration", "11"]
    seen = sealed("-c", WITH_BROKER, str(MOSQUITTO), *analysis, "--mqtt", "mqtt://broker.example")
    assert re.search(r"^heard fer-edge/.+/demo/persons$", seen.words, re.MULTILINE), seen.words
    assert set(seen.names) == {"broker.example"}
    places = {packet for packet in seen.packets if not re.match("(tcp|udp) 127.0.0.1:[0-9]{5}$", packet)}
    assert places == {"udp 127.0.0.1:53", "tcp 127.0.0.1:1883"}
    assert seen.files == ["work/broker.conf"]


def test_no_script_loads_the_library_before_the_package_has_turned_its_telemetry_off() -> None:
    scripts = [file for folder in ("benchmarks", "scripts", "examples") for file in (ROOT / folder).glob("**/*.py")]
    assert scripts
    for file in scripts:
        text = file.read_text(encoding="utf-8")
        first = re.search(r"^(import|from) onnxruntime\b", text, re.MULTILINE)
        assert first is None or "import fer_edge" in text[: first.start()], file.name


def test_a_program_that_loads_the_library_first_is_warned(sealed: Callable) -> None:
    program = (
        "import logging, sys, types\n"
        "logging.basicConfig()\n"
        "sys.modules['onnxruntime'] = types.ModuleType('onnxruntime')\n"
        "import fer_edge\n"
    )
    assert "import fer_edge first, or set ORT_DISABLE_TELEMETRY=1" in sealed("-c", program, telemetry="0").words
    assert sealed("-c", program, telemetry="1").words == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "fer_edge", "doctor"],
        ["-m", "fer_edge", "models"],
        ["-m", "fer_edge", "cameras"],
        ["-m", "fer_edge", "--benchmark", "--model", "all", "--duration", "1", "--warm-up", "0"],
        ["-c", WATCH],
    ],
    ids=["doctor", "models", "cameras", "benchmark", "library"],
)
def test_no_other_command_reports_either(sealed: Callable, arguments: List[str]) -> None:
    # The library writes its identifier as soon as it is loaded, long before it asks for a name.
    seen = sealed(*arguments)
    # GStreamer keeps a list of its plugins.
    files = [file for file in seen.files if not file.startswith("cache/gstreamer-1.0/")]
    assert (seen.names, seen.packets, files) == ([], [], [])


@pytest.mark.slow
def test_a_soak_talks_to_its_own_program_alone(sealed: Callable) -> None:
    seen = sealed("-m", "fer_edge", "soak", "--minutes", "0.2", ends_with=(0, 50))
    assert seen.names == []
    assert seen.packets
    assert {packet.rsplit(":", 1)[0] for packet in seen.packets} == {"tcp 127.0.0.1"}
    assert not [packet for packet in seen.packets if packet.endswith((":443", ":80"))]
    assert seen.files == []


@pytest.mark.slow
def test_training_exporting_and_evaluating_report_nothing(sealed: Callable) -> None:
    for library in ("torch", "lightning", "pyarrow"):
        pytest.importorskip(library)
    quick = ["--network", "lenet", "--epochs", "1", "--batch-size", "28", "--threads", "1", "--device", "cpu"]
    assert sealed("-c", FACES).names == []
    for arguments in (
        ["train", "--data", "faces", "--validation", "faces", "--run", "run", *quick],
        ["export", "run/best.pt", "mine.onnx", "--validation", "faces"],
        ["evaluate", "mine.onnx", "--data", "faces", "--report", "mine"],
    ):
        seen = sealed("-m", "fer_edge", *arguments)
        assert (seen.names, seen.packets) == ([], []), arguments
    # Matplotlib keeps a list of this machine's fonts.
    others = [file for file in seen.files if not file.startswith(("work/", "cache/matplotlib/", "config/matplotlib/"))]
    assert others == []
    assert not [file for file in seen.files if "deviceid" in file or file.endswith(".ses")]
