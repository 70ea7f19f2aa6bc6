"""What only a GPU can show; skipped, with the reason, where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from fer_edge.classify.backend_choice import Wanted, candidates, open_classifier
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.registry import ENGINE, ONNX_CUDA, ONNX_TENSORRT
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.inference.model_files import find_model

FERNET = find_model("fernet")
CROPS = np.random.default_rng(1).integers(0, 255, (200, 64, 64, 3), np.uint8)


HAS_GPU = any(os.path.exists(device) for device in ("/dev/nvidia0", "/dev/nvhost-gpu"))


def on_gpu(wanted: Wanted, folder: Path) -> ExpressionClassifier:
    """Open the network there; what has a GPU and the packages, and yet does not start, fails the test."""
    if not HAS_GPU:
        pytest.skip("this machine has no NVIDIA GPU")
    names = [ENGINE] if wanted.backend == "tensorrt" else [ONNX_TENSORRT, ONNX_CUDA]
    ways = [candidate for candidate in candidates() if candidate.name in names]
    if not any(way.available for way in ways):
        pytest.skip("; ".join(f"{way.name}: {way.reason}" for way in ways))
    return open_classifier(FERNET, wanted, cache=EngineCache(folder))


def probabilities(classifier: ExpressionClassifier) -> np.ndarray:
    answers = [classifier.classify(CROPS[start : start + 8]) for start in range(0, len(CROPS), 8)]
    classifier.close()
    return np.stack([answer.probabilities for batch in answers for answer in batch])


@pytest.fixture(scope="module")
def on_cpu() -> np.ndarray:
    return probabilities(OnnxClassifier(FERNET))


def test_onnx_runtime_answers_on_the_gpu_as_on_the_cpu(on_cpu: np.ndarray, tmp_path: Path) -> None:
    told = probabilities(on_gpu(Wanted(backend="onnx", device="gpu", precision="fp32"), tmp_path))
    # ONNX Runtime's TensorRT provider, and CUDA's before 1.18, may compute in TF32, with 10 bits of a number.
    assert np.abs(told - on_cpu).max() < 0.02
    assert (told.argmax(axis=1) == on_cpu.argmax(axis=1)).mean() >= 0.995


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_tensorrt_engine_answers_as_the_cpu_does(on_cpu: np.ndarray, tmp_path: Path, precision: str) -> None:
    if precision == "fp16" and not hasattr(pytest.importorskip("tensorrt").BuilderFlag, "FP16"):
        pytest.skip("this TensorRT makes FP16 only of networks that are FP16 already")
    told = probabilities(on_gpu(Wanted(backend="tensorrt", precision=precision), tmp_path))
    assert np.abs(told - on_cpu).max() < 0.05
    assert (told.argmax(axis=1) == on_cpu.argmax(axis=1)).mean() >= 0.98


def test_a_tensorrt_engine_is_loaded_from_the_cache_the_second_time(tmp_path: Path) -> None:
    wanted = Wanted(backend="tensorrt")
    on_gpu(wanted, tmp_path).close()
    (engine,) = tmp_path.glob("*.engine")
    built = engine.stat().st_mtime_ns
    on_gpu(wanted, tmp_path).close()
    assert engine.stat().st_mtime_ns == built
