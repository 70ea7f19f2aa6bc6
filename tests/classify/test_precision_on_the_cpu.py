"""INT8 is taken on the CPU where the processor has instructions for it and it is faster; the log says which and why."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any, Callable, ClassVar, List, Optional, Tuple

import numpy as np
import pytest
from stand_in.tensorrt import Machine

from fer_edge.classify.backend_choice import Wanted, open_classifier
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.fake import FakeClassifier
from fer_edge.classify.int8_file import int8_path
from fer_edge.classify.onnx_cpu import MOST_ROUNDS, MOST_SECONDS, open_on_cpu, time_both
from fer_edge.classify.remembered_timing import Timing
from fer_edge.classify.request import Request
from fer_edge.classify.tensorrt.classifier import TensorRTClassifier
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.errors import BackendUnavailable, ModelError, ModelMetadataError, ModelNotFound, UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.types import Expression

FERNET_R, FERNET = find_model("fernet_r"), find_model("fernet")
INT8 = find_model("fernet_r.int8")
VNNI = "model name\t: Made up\nflags\t\t: avx2 avx512_vnni\n"
NANO = "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32\n"
FASTER = Timing(2.65, 0.86)
Install = Callable[[str], Machine]


class Opening:
    """Opens a network on a made-up processor, and closes it; counts how often both precisions were timed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.timing: Optional[Timing] = FASTER
        self.timed = 0
        (folder / "root/proc").mkdir(parents=True)

    def __call__(self, cpuinfo: str, precision: str = "auto", model: Path = FERNET_R, threads: int = 1) -> str:
        (self.folder / "root/proc/cpuinfo").write_text(cpuinfo)
        cache = EngineCache(self.folder / "cache/engines")
        request = Request(model, precision, threads, cache, lambda line: None)
        classifier = open_on_cpu(request, self.folder / "root", self._measure)
        assert len(classifier.classify(np.full((2, 64, 64, 3), 99, np.uint8))) == 2
        classifier.close()
        return classifier.precision

    def _measure(self, fp32: ExpressionClassifier, int8: ExpressionClassifier) -> Optional[Timing]:
        assert (fp32.precision, int8.precision) == ("fp32", "int8")
        self.timed += 1
        return self.timing

    @property
    def kept(self) -> List[Path]:
        return list((self.folder / "cache/precision").glob("*"))


@pytest.fixture
def opening(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Opening:
    caplog.set_level(logging.INFO)
    return Opening(tmp_path)


@pytest.mark.parametrize("cpuinfo", [NANO, "flags : avx2\n", ""])
def test_without_the_instructions_fp32_is_taken_and_nothing_is_timed_or_written(
    opening: Opening, cpuinfo: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert opening(cpuinfo) == "fp32"
    assert (opening.timed, opening.kept) == (0, [])
    said = "does not say" if not cpuinfo else "this processor has no instructions for INT8"
    assert said in caplog.text


def test_int8_that_is_faster_is_taken_and_the_second_start_remembers_it(
    opening: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    assert opening(VNNI) == "int8"
    assert "precision: int8, since it takes 2.65 ms and 0.86 ms for one face in FP32 and INT8" in caplog.text
    assert opening(VNNI) == "int8"
    assert opening.timed == 1
    assert caplog.messages[-1].endswith("as measured before")


def test_int8_that_is_hardly_faster_is_left(opening: Opening) -> None:
    opening.timing = Timing(2.0, 1.9)
    assert [opening(VNNI), opening(VNNI)] == ["fp32", "fp32"]
    assert opening.timed == 1


def test_another_processor_and_other_threads_are_timed_for_themselves(opening: Opening) -> None:
    opening(VNNI)
    opening(VNNI, threads=2)
    opening(VNNI.replace("Made up", "Another"))
    assert (opening.timed, len(opening.kept)) == (3, 3)


def _changed(part: str, **values: Any) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        told = json.loads(content)
        told[part].update(values)
        return json.dumps(told).encode()

    return change


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"[" * 9000,
        lambda content: b"x" * 99_999,
        lambda content: b"[]",
        _changed("timing", int8_ms=0),
        _changed("timing", int8_ms=float("nan")),
        _changed("timing", fp32_ms="soon"),
        _changed("key", threads=7),
    ],
    ids=["empty", "cut off", "deep", "long", "a list", "zero", "no number", "a word", "of another key"],
)
def test_a_damaged_answer_is_measured_anew(
    opening: Opening, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    opening(VNNI)
    (file,) = opening.kept
    file.write_bytes(damage(file.read_bytes()))
    assert opening(VNNI) == "int8"
    assert opening.timed == 2
    assert "is made anew" in caplog.text or "is damaged" in caplog.text
    assert opening(VNNI) == "int8"
    assert opening.timed == 2


def test_an_answer_that_cannot_be_kept_is_found_each_time_and_that_is_said_once(
    opening: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    (opening.folder / "cache").write_text("no folder")
    assert [opening(VNNI), opening(VNNI)] == ["int8", "int8"]
    assert opening.timed == 2
    assert sum("is not kept" in line for line in caplog.messages) == 1


def test_a_machine_too_busy_to_time_takes_fp32_and_tries_again_next_time(opening: Opening) -> None:
    opening.timing = None
    assert opening(VNNI) == "fp32"
    opening.timing = FASTER
    assert opening(VNNI) == "int8"


class Timed(FakeClassifier):
    """A classifier that takes so long, on a clock of its own."""

    now = 0.0
    order: ClassVar[List[str]] = []

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__()
        self.name, self.seconds = name, seconds

    def classify(self, crops: Any) -> Tuple[Expression, ...]:
        # The third call is interrupted, which must not decide.
        Timed.now += self.seconds + (0.1 if len(Timed.order) == 2 else 0)
        Timed.order.append(self.name)
        return super().classify(crops)


def timed(seconds: float) -> Optional[Timing]:
    Timed.now, Timed.order = 0.0, []
    return time_both(Timed("fp32", seconds), Timed("int8", seconds / 2), lambda: Timed.now)


def test_both_are_timed_in_turn_and_an_interruption_does_not_decide() -> None:
    timing = timed(0.004)
    assert timing is not None
    assert timing.gain == pytest.approx(2)
    assert Timed.order == ["fp32", "int8"] * MOST_ROUNDS


def test_timing_ends_by_the_clock_and_few_rounds_tell_nothing() -> None:
    assert timed(0.08) is not None
    assert len(Timed.order) < 2 * MOST_ROUNDS
    assert timed(0.2) is None
    assert Timed.now <= MOST_SECONDS + 0.3


def test_int8_of_a_network_without_such_a_file_says_how_to_make_one(opening: Opening) -> None:
    alone = opening.folder / "alone.onnx"
    shutil.copy(FERNET, alone)
    assert opening(VNNI, model=alone) == "fp32"
    with pytest.raises(ModelNotFound, match="has no file in INT8") as caught:
        opening(VNNI, "int8", alone)
    assert "fer-edge export" in caught.value.remedy
    assert "--int8 --calibration" in caught.value.remedy


def test_int8_by_name_is_taken_whatever_the_processor(opening: Opening) -> None:
    assert opening(NANO, "int8") == "int8"
    assert opening(NANO, "int8", INT8) == opening(NANO, "auto", INT8) == "int8"
    assert opening.timed == 0
    with pytest.raises(UsageError, match="computes in INT8"):
        opening(NANO, "fp32", INT8)


@pytest.mark.parametrize("fault", ["another network's", "in FP32", "damaged"])
def test_a_file_that_is_not_this_networks_int8_is_not_taken_for_it(
    opening: Opening, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    mine = opening.folder / "mine.onnx"
    shutil.copy(FERNET if fault == "another network's" else FERNET_R, mine)
    content = {"another network's": INT8.read_bytes(), "in FP32": FERNET_R.read_bytes(), "damaged": b"no network"}[
        fault
    ]
    int8_path(mine).write_bytes(content)
    assert opening(VNNI, model=mine) == "fp32"
    assert "INT8 cannot be had" in caplog.text
    with pytest.raises(ModelError if fault == "damaged" else ModelMetadataError):
        opening(VNNI, "int8", mine)


def test_on_a_gpu_int8_is_refused_and_auto_leaves_such_a_file_to_the_cpu(install: Install, cache: EngineCache) -> None:
    for wanted in (Wanted("tensorrt", precision="int8"), Wanted(device="gpu", precision="int8")):
        with pytest.raises(UsageError, match="INT8 is for the CPU"):
            open_classifier(FERNET_R, wanted, cache=cache)
    install("8.2.1.8")
    with pytest.raises(BackendUnavailable, match="which is for the CPU"):
        TensorRTClassifier(INT8, cache=cache)
    classifier = open_classifier(INT8, cache=cache)
    assert (classifier.provider, classifier.precision) == ("CPUExecutionProvider", "int8")
    classifier.close()


def test_the_shipped_int8_file_answers_nearly_as_the_one_in_fp32(cache: EngineCache) -> None:
    random = np.random.default_rng(0)
    crops = np.clip(random.normal(128, 40, (8, 8, 8, 3)), 0, 255).astype(np.uint8).repeat(8, 1).repeat(8, 2)
    answers = []
    for precision in ("fp32", "int8"):
        classifier = open_classifier(FERNET_R, Wanted(precision=precision), cache=cache)
        answers.append(np.stack([one.probabilities for one in classifier.classify(crops)]))
        classifier.close()
    assert np.abs(answers[0] - answers[1]).max() < 0.2
    assert np.abs(answers[0] - answers[1]).mean() < 0.03
