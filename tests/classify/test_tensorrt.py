"""The TensorRT backend, against strict stand-ins for both generations of the API that compute on real networks."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import Callable, List

import numpy as np
import pytest
from stand_in.cuda import Gpu
from stand_in.tensorrt import Machine

from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.tensorrt.classifier import TensorRTClassifier
from fer_edge.classify.tensorrt.engine_build import SMALLER_WORKSPACE
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.errors import BackendUnavailable, EngineError, MissingExtra, ModelCorrupt, StageFailed
from fer_edge.inference.model_files import find_model

GENERATIONS = ("8.2.1.8", "8.6.1", "10.3.0", "11.3.0")
FERNET = find_model("fernet")


@pytest.fixture
def crops() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (11, 64, 64, 3), np.uint8)


Install = Callable[[str], Machine]


def answers(classifier: OnnxClassifier, crops: np.ndarray) -> np.ndarray:
    result = np.stack([expression.probabilities for expression in classifier.classify(crops)])
    classifier.close()
    return result


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("count", [0, 1, 8, 11])
def test_every_generation_answers_as_onnx_runtime_does(
    install: Install, cache: EngineCache, crops: np.ndarray, version: str, count: int
) -> None:
    install(version)
    classifier = TensorRTClassifier(FERNET, "fp32", cache)
    told = classifier.classify(crops[:count])
    assert len(told) == count
    if count:
        expected = answers(OnnxClassifier(FERNET), crops[:count])
        assert np.allclose([expression.probabilities for expression in told], expected, atol=1e-6)
    assert version in classifier.provider
    classifier.close()
    classifier.close()
    with pytest.raises(ValueError, match="closed"):
        classifier.classify(crops)


def test_an_engine_is_built_once_and_then_kept(install: Install, cache: EngineCache, crops: np.ndarray) -> None:
    machine = install("8.2.1.8")
    for _ in range(2):
        classifier = TensorRTClassifier(FERNET, cache=cache)
        classifier.classify(crops[:1])
        classifier.close()
    assert len(machine.builds) == 1
    assert machine.builds[0]["most"] == 8
    assert machine.builds[0]["workspace"] <= 256 << 20
    TensorRTClassifier(FERNET, cache=cache, rebuild=True).close()
    assert len(machine.builds) == 2


def test_half_precision_is_taken_where_the_gpu_is_fast_at_it(install: Install, cache: EngineCache) -> None:
    machine = install("8.2.1.8")
    fast = TensorRTClassifier(FERNET, "auto", cache)
    assert fast.precision == "fp16"
    fast.close()
    machine.fast_fp16 = False
    slow = TensorRTClassifier(FERNET, "auto", cache)
    assert slow.precision == "fp32"
    slow.close()
    assert [build["fp16"] for build in machine.builds] == [True, False]
    with pytest.raises(BackendUnavailable, match="no fast FP16"):
        TensorRTClassifier(FERNET, "fp16", cache)


def test_a_version_without_the_fp16_flag_says_so(
    install: Install, cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    install("11.3.0")
    caplog.set_level(logging.INFO)
    classifier = TensorRTClassifier(FERNET, "auto", cache)
    assert classifier.precision == "fp32"
    classifier.close()
    assert "TensorRT 11.3.0 makes FP16 only of networks that are FP16 already" in caplog.text
    with pytest.raises(BackendUnavailable, match=r"11\.3\.0"):
        TensorRTClassifier(FERNET, "fp16", cache)


def test_no_engine_is_built_of_a_model_that_takes_its_weights_from_another_file(
    install: Install, cache: EngineCache, tmp_path: Path
) -> None:
    machine = install("10.3.0")
    content = FERNET.read_bytes()
    greedy = tmp_path / "greedy.onnx"
    # One more graph, which a reader adds to the first: a tensor whose data are elsewhere.
    greedy.write_bytes(content + bytes([0x3A, 4, 0x2A, 2, 0x70, 1]))
    with pytest.raises(ModelCorrupt, match=r"greedy\.onnx takes weights from other files"):
        TensorRTClassifier(greedy, cache=cache)
    assert not machine.builds


def test_an_engine_of_another_gpu_or_version_or_model_is_not_taken(
    install: Install, cache: EngineCache, gpu: Gpu, tmp_path: Path
) -> None:
    first = install("8.2.1.8")
    TensorRTClassifier(FERNET, cache=cache).close()
    second = install("8.6.1")
    TensorRTClassifier(FERNET, cache=cache).close()
    gpu.name = "Orin"
    third = install("8.6.1")
    TensorRTClassifier(FERNET, cache=cache).close()
    other = tmp_path / "fernet.onnx"
    # One more entry of the metadata: the same network in another file.
    other.write_bytes(FERNET.read_bytes() + b"\x72\x06\x0a\x01x\x12\x01y")
    TensorRTClassifier(other, cache=cache).close()
    assert [len(machine.builds) for machine in (first, second, third)] == [1, 1, 2]


def damage_cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def damage_empty(content: bytes) -> bytes:
    return b""


def damage_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [damage_cut, damage_empty, damage_bit])
def test_a_damaged_engine_is_noticed_and_built_again(
    install: Install, cache: EngineCache, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    machine = install("8.2.1.8")
    TensorRTClassifier(FERNET, cache=cache).close()
    (file,) = cache.folder.glob("*.engine")
    file.write_bytes(damage(file.read_bytes()))
    TensorRTClassifier(FERNET, cache=cache).close()
    assert len(machine.builds) == 2
    assert str(file) in caplog.text
    TensorRTClassifier(FERNET, cache=cache).close()
    assert len(machine.builds) == 2


def test_an_engine_that_tensorrt_refuses_is_built_again_once(install: Install, cache: EngineCache, gpu: Gpu) -> None:
    machine = install("8.2.1.8")
    TensorRTClassifier(FERNET, cache=cache).close()
    load, cache.load = cache.load, lambda key: (load(key) or b"").replace(b"Tegra", b"Other")  # type: ignore[method-assign]
    TensorRTClassifier(FERNET, cache=cache).close()
    assert len(machine.builds) == 2


def test_too_little_memory_to_build_is_tried_once_more_with_less_and_then_told(
    install: Install, cache: EngineCache
) -> None:
    machine = install("8.2.1.8")
    attempts: List[int] = []

    class Enough:
        def __gt__(self, workspace: int) -> bool:
            attempts.append(workspace)
            return workspace > SMALLER_WORKSPACE

    machine.workspace_needed = Enough()  # type: ignore[assignment]
    TensorRTClassifier(FERNET, cache=cache).close()
    assert attempts == [256 << 20, SMALLER_WORKSPACE]
    machine.out_of_memory = True
    with pytest.raises(EngineError, match="out of memory"):
        TensorRTClassifier(FERNET, cache=cache, rebuild=True)


@pytest.mark.parametrize("version", GENERATIONS)
def test_an_operator_that_the_parser_refuses_is_named(install: Install, cache: EngineCache, version: str) -> None:
    machine = install(version)
    machine.refused = {b"MaxPool"}
    with pytest.raises(EngineError, match=r"MaxPool \(node 263\)"):
        TensorRTClassifier(FERNET, cache=cache)


@pytest.mark.parametrize("version", GENERATIONS)
def test_a_driver_that_is_too_old_is_told_and_is_no_crash(install: Install, cache: EngineCache, version: str) -> None:
    install(version).driver_too_old = True
    for precision in ("fp32", "auto"):
        with pytest.raises(BackendUnavailable, match="CUDA initialization failure with error: 35"):
            TensorRTClassifier(FERNET, precision, cache=cache)


@pytest.mark.parametrize("first", [0, 1])
def test_two_engines_live_in_one_thread_and_are_closed_in_any_order(
    install: Install, cache: EngineCache, crops: np.ndarray, first: int
) -> None:
    install("8.2.1.8")
    pair = [TensorRTClassifier(FERNET, precision, cache=cache) for precision in ("fp32", "fp16")]
    exact, half = (np.stack([seen.probabilities for seen in one.classify(crops)]) for one in pair)
    assert 0 < np.abs(exact - half).max() < 0.01
    pair[first].close()
    assert len(pair[1 - first].classify(crops)) == len(crops)
    pair[1 - first].close()


def test_a_gpu_without_memory_is_told_and_its_engine_is_kept_and_not_built_again(
    install: Install, cache: EngineCache, gpu: Gpu
) -> None:
    machine = install("8.2.1.8")
    for fault in ("tensors", "context"):
        gpu.memory, machine.out_of_memory = (1000, False) if fault == "tensors" else (1 << 30, True)
        with pytest.raises(EngineError, match="no memory (for a tensor|to run the engine)"):
            TensorRTClassifier(FERNET, cache=cache)
        assert len(machine.builds) == 1
    gpu.streamless = True
    with pytest.raises(EngineError, match="no stream"):
        TensorRTClassifier(FERNET, cache=cache)


def test_a_batch_that_tensorrt_does_not_run_is_told(install: Install, cache: EngineCache, crops: np.ndarray) -> None:
    machine = install("10.3.0")
    classifier = TensorRTClassifier(FERNET, cache=cache)
    machine.takes_runs = False
    with pytest.raises(EngineError, match="did not run"):
        classifier.classify(crops)
    classifier.close()


def test_a_gpu_that_gives_no_numbers_is_a_fault_and_gives_no_expression(
    install: Install, cache: EngineCache, crops: np.ndarray
) -> None:
    machine = install("10.3.0")
    classifier = TensorRTClassifier(FERNET, cache=cache)
    machine.overheated = True
    with pytest.raises(StageFailed, match="FerNet gave no numbers"):
        classifier.classify(crops)
    machine.overheated = False
    assert len(classifier.classify(crops)) == len(crops)
    classifier.close()


def test_a_gpu_that_fails_while_running_is_told(
    install: Install, cache: EngineCache, gpu: Gpu, crops: np.ndarray
) -> None:
    install("10.3.0")
    classifier = TensorRTClassifier(FERNET, cache=cache)
    for broken in ("broken", "broken_copy"):
        setattr(gpu, broken, True)
        with pytest.raises(EngineError, match="illegal memory access"):
            classifier.classify(crops)
        setattr(gpu, broken, False)
    classifier.close()


def test_use_from_another_thread_is_refused(install: Install, cache: EngineCache, crops: np.ndarray) -> None:
    install("8.2.1.8")
    classifier = TensorRTClassifier(FERNET, cache=cache)
    caught: List[BaseException] = []

    def use() -> None:
        for call in (lambda: classifier.classify(crops), classifier.close):
            try:
                call()
            except EngineError as error:
                caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(10)
    assert ["another thread" in str(error) for error in caught] == [True, True]
    classifier.close()


def test_a_cache_that_cannot_be_written_costs_a_build_at_each_start_and_nothing_else(
    install: Install, tmp_path: Path, crops: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    machine = install("8.2.1.8")
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    for _ in range(2):
        classifier = TensorRTClassifier(FERNET, cache=EngineCache(blocked / "engines"))
        assert len(classifier.classify(crops)) == len(crops)
        assert classifier.engine_file is None
        classifier.close()
    assert len(machine.builds) == 2
    assert "will be built again" in caplog.text


def test_what_is_missing_is_named(install: Install, gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    install("8.2.1.8")
    gpu.present = False
    with pytest.raises(BackendUnavailable, match="no CUDA-capable device"):
        TensorRTClassifier(FERNET)
    monkeypatch.setitem(sys.modules, "pycuda", None)
    monkeypatch.delitem(sys.modules, "pycuda.driver")
    with pytest.raises(MissingExtra, match="pycuda"):
        TensorRTClassifier(FERNET)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BackendUnavailable, match="tensorrt is not installed"):
        TensorRTClassifier(FERNET)


@pytest.mark.parametrize("version", ["8.2.1.8", "10.3.0"])
def test_full_precision_is_not_quietly_less(install: Install, tmp_path: Path, version: str) -> None:
    machine = install(version)
    TensorRTClassifier(FERNET, "fp32", EngineCache(tmp_path)).close()
    (build,) = machine.builds
    assert not build["tf32"]
    assert not build["fp16"]
