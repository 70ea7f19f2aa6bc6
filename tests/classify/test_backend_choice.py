"""What a network runs on is the best that is really there, and the log says why."""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
from pathlib import Path
from typing import Any, Callable, List, Tuple

import numpy as np
import pytest
from stand_in.cuda import Gpu
from stand_in.tensorrt import Machine

from fer_edge.classify import providers
from fer_edge.classify.backend_choice import Wanted, candidates, open_classifier
from fer_edge.classify.registry import ONNX_CPU
from fer_edge.classify.tensorrt.classifier import TensorRTClassifier
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.errors import BackendUnavailable, MissingExtra, ModelCorrupt, UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.inference.onnx_session import open_session

FERNET = find_model("fernet")
CROPS = np.full((2, 64, 64, 3), 99, np.uint8)
Install = Callable[[str], Machine]


@pytest.fixture
def gpu_build(monkeypatch: pytest.MonkeyPatch) -> List[Any]:
    """An ONNX Runtime that says it has the GPU's providers, takes their options, and quietly runs on the CPU."""
    runtime = importlib.import_module("onnxruntime")
    asked: List[Any] = []
    real = runtime.InferenceSession

    def session(content: Any, sess_options: Any, providers: Any, **more: Any) -> Any:
        asked.append(providers)
        return real(content, sess_options=sess_options, providers=["CPUExecutionProvider"], **more)

    names = [providers.TENSORRT, providers.CUDA, providers.CPU]
    monkeypatch.setattr(runtime, "get_available_providers", lambda: names)
    monkeypatch.setattr(runtime, "InferenceSession", session)
    return asked


def test_on_a_machine_without_a_gpu_the_cpu_is_taken_and_the_log_says_why(
    cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    classifier = open_classifier(FERNET, cache=cache)
    assert classifier.provider == "CPUExecutionProvider"
    classifier.close()
    said, line = [record.getMessage() for record in caplog.records]
    assert said.startswith("precision: ")
    assert line.startswith(f"classification: {ONNX_CPU} (TensorRT engine: tensorrt and pycuda are not installed")
    assert "ONNX Runtime with CUDA: not in this build" in line


def test_a_tensorrt_engine_is_taken_where_it_can_be_had(install: Install, cache: EngineCache) -> None:
    install("8.2.1.8")
    classifier = open_classifier(FERNET, cache=cache)
    assert isinstance(classifier, TensorRTClassifier)
    assert classifier.precision == "fp16"
    classifier.close()


@pytest.mark.parametrize("fault", ["no GPU", "old driver", "no memory", "refused operator", "no numbers"])
def test_where_tensorrt_fails_the_program_goes_on_with_onnx_runtime_and_says_so(
    install: Install, cache: EngineCache, gpu: Gpu, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    machine = install("8.2.1.8")
    gpu.present = fault != "no GPU"
    machine.driver_too_old = fault == "old driver"
    machine.out_of_memory = fault == "no memory"
    machine.overheated = fault == "no numbers"
    machine.refused = {b"MaxPool"} if fault == "refused operator" else set()
    classifier = open_classifier(FERNET, cache=cache)
    assert classifier.provider == "CPUExecutionProvider"
    assert len(classifier.classify(CROPS)) == 2
    classifier.close()
    said = {
        "no GPU": "no CUDA-capable device",
        "old driver": "error: 35",
        "no memory": "out of memory",
        "refused operator": "MaxPool",
        "no numbers": "gave no numbers",
    }[fault]
    assert said in caplog.records[-1].getMessage()


def test_what_was_asked_for_is_not_quietly_replaced(install: Install, cache: EngineCache, gpu: Gpu) -> None:
    with pytest.raises(BackendUnavailable, match="tensorrt and pycuda are not installed"):
        open_classifier(FERNET, Wanted(backend="tensorrt"), cache=cache)
    with pytest.raises(BackendUnavailable, match="with CUDA: not in this build"):
        open_classifier(FERNET, Wanted(backend="onnx", device="gpu"), cache=cache)
    with pytest.raises(BackendUnavailable, match="fernet.onnx"):
        open_classifier(FERNET, Wanted(precision="fp16"), cache=cache)
    install("8.2.1.8")
    gpu.present = False
    with pytest.raises(BackendUnavailable, match="no CUDA-capable device"):
        open_classifier(FERNET, Wanted(backend="tensorrt"), cache=cache)


def test_wishes_that_exclude_each_other_are_refused(cache: EngineCache) -> None:
    for wanted in (Wanted(backend="tensorrt", device="cpu"), Wanted(device="cpu", precision="fp16")):
        with pytest.raises(UsageError):
            open_classifier(FERNET, wanted, cache=cache)


def test_a_session_that_onnx_runtime_put_on_the_cpu_is_not_called_a_gpus(
    gpu_build: List[Any], cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    classifier = open_classifier(FERNET, cache=cache)
    assert classifier.provider == "CPUExecutionProvider"
    classifier.close()
    assert "CUDAExecutionProvider does not start" in caplog.records[-1].getMessage()
    with pytest.raises(BackendUnavailable, match="does not start"):
        open_classifier(FERNET, Wanted(device="gpu"), cache=cache)


def test_a_provider_that_fails_loudly_is_no_fault_of_the_model_and_what_it_prints_is_a_line_of_the_log(
    gpu_build: List[Any],
    cache: EngineCache,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    runtime = importlib.import_module("onnxruntime")
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    quiet = runtime.InferenceSession

    def loud(content: Any, sess_options: Any, providers: Any, **more: Any) -> Any:
        if providers[0] == "CPUExecutionProvider":
            return quiet(content, sess_options=sess_options, providers=providers, **more)
        sys.stdout.write("\nEP Error\n***\n")
        raise state.RuntimeException("CUDA failure 100: no CUDA-capable device is detected")

    monkeypatch.setattr(runtime, "InferenceSession", loud)
    classifier = open_classifier(FERNET, cache=cache)
    assert classifier.provider == "CPUExecutionProvider"
    classifier.close()
    assert capsys.readouterr() == ("", "")
    lines = [record for record in caplog.records if getattr(record, "event", "") == "library"]
    assert [record.getMessage() for record in lines][:2] == ["a library says: EP Error", "a library says: ***"]
    with pytest.raises(BackendUnavailable, match="no CUDA-capable device"):
        open_classifier(FERNET, Wanted(device="gpu"), cache=cache)


def test_the_runtime_does_not_fall_back_by_itself_with_a_word_on_the_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = importlib.import_module("onnxruntime.capi.onnxruntime_inference_collection")
    if '"enable_fallback"' not in inspect.getsource(inner.InferenceSession.__init__):
        pytest.skip("this release knows no switch for it")

    def fail(*_given: Any) -> None:
        raise RuntimeError("libnvinfer.so.10: cannot open shared object file")

    monkeypatch.setattr(inner.InferenceSession, "_create_inference_session", fail)
    with pytest.raises(RuntimeError, match=r"libnvinfer\.so\.10"):
        open_session(FERNET, threads=1)
    assert capsys.readouterr().out == ""


def test_the_providers_get_their_options_as_text(gpu_build: List[Any], cache: EngineCache) -> None:
    open_classifier(FERNET, cache=cache).close()
    told = {provider[0]: provider[1] for asked in gpu_build for provider in asked if not isinstance(provider, str)}
    assert all(isinstance(value, str) for options in told.values() for value in options.values())
    assert told[providers.TENSORRT]["trt_fp16_enable"] == "True"
    assert told[providers.TENSORRT]["trt_engine_cache_enable"] == "True"
    assert told[providers.CUDA]["gpu_mem_limit"] == str(512 << 20)


def engine_folders(asked: List[Any]) -> List[Any]:
    told = [given for providers_ in asked for given in providers_ if given[0] == providers.TENSORRT]
    return [options.get("trt_engine_cache_path") for _, options in told]


def test_two_networks_never_share_the_engines_of_onnx_runtime(
    gpu_build: List[Any], cache: EngineCache, tmp_path: Path
) -> None:
    namesake = tmp_path / FERNET.name
    namesake.write_bytes(find_model("fernet_r").read_bytes())
    for model in (FERNET, FERNET, namesake):
        open_classifier(model, cache=cache).close()
    first, again, other = engine_folders(gpu_build)
    assert first == again != other
    assert str(cache.folder) in first


def test_onnx_runtime_gets_no_folder_of_engines_that_others_may_change(
    gpu_build: List[Any], cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    cache.folder.mkdir()
    cache.folder.chmod(0o777)
    open_classifier(FERNET, cache=cache).close()
    assert engine_folders(gpu_build) == [None]
    assert "others may change what is in it" in caplog.text


def test_a_cache_that_cannot_be_written_leaves_onnx_runtimes_tensorrt_without_one(
    gpu_build: List[Any], tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    open_classifier(FERNET, cache=EngineCache(blocked / "engines")).close()
    assert engine_folders(gpu_build) == [None]
    assert "will be built again" in caplog.text


@pytest.mark.parametrize("faults", [1, 9])
def test_a_provider_that_fails_at_its_first_run_is_tried_once_with_a_new_engine_and_then_left(
    gpu_build: List[Any],
    cache: EngineCache,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    faults: int,
) -> None:
    caplog.set_level(logging.INFO)
    runtime = importlib.import_module("onnxruntime")
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    plain = runtime.InferenceSession
    runs: List[str] = []

    class Failing:
        """A session of TensorRT's provider that keeps an engine and fails to run it, so many times."""

        def __init__(self, session: Any, folder: str) -> None:
            self._session = session
            self.engine = Path(folder) / "kept.engine"
            self.fresh = not self.engine.exists()
            self.engine.write_bytes(b"")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._session, name)

        def get_providers(self) -> List[str]:
            return [providers.TENSORRT]

        def run(self, *arguments: Any) -> Any:
            runs.append("fresh" if self.fresh else "kept")
            if len(runs) <= faults:
                raise state.EPFail("no kernel image is available")
            return self._session.run(*arguments)

    def session(content: Any, sess_options: Any, providers: Any, **more: Any) -> Any:
        made = plain(content, sess_options=sess_options, providers=providers, **more)
        options = dict(given for given in providers if not isinstance(given, str)).get("TensorrtExecutionProvider")
        return Failing(made, options["trt_engine_cache_path"]) if options else made

    monkeypatch.setattr(runtime, "InferenceSession", session)
    classifier = open_classifier(FERNET, cache=cache)
    assert runs == ["fresh", "fresh"]
    assert classifier.provider == (providers.TENSORRT if faults == 1 else providers.CPU)
    assert ("no kernel image" in caplog.records[-1].getMessage()) == (faults == 9)
    classifier.close()


@pytest.mark.parametrize(
    ("release", "told"), [("1.8.0", False), ("1.14.1", False), ("1.15.1", True), ("1.16rc1", True), ("1.32.0", True)]
)
def test_only_releases_that_know_them_get_the_shapes(release: str, told: bool, cache: EngineCache) -> None:
    (_, options), *_rest = providers.tensorrt(True, cache.folder, "image", 64, release)
    assert ("trt_profile_max_shapes" in options) == told
    if told:
        assert options["trt_profile_max_shapes"] == "image:8x3x64x64"


@pytest.mark.parametrize(("release", "told"), [("1.8.0", False), ("1.17.3", False), ("1.18.0", True), ("1.26.0", True)])
def test_releases_that_know_how_keep_cuda_from_computing_in_less_than_fp32(release: str, told: bool) -> None:
    (_, options), *_rest = providers.cuda(release)
    assert options.get("use_tf32") == ("0" if told else None)


def test_a_file_that_is_no_network_is_no_fault_of_the_backend(
    install: Install, cache: EngineCache, tmp_path: Any
) -> None:
    install("8.2.1.8")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(ModelCorrupt, match="broken"):
        open_classifier(broken, cache=cache)


@pytest.mark.parametrize("instructions", [(), ("AVX-512 VNNI",)], ids=["no INT8", "INT8"])
def test_without_onnx_runtime_the_extra_to_install_is_named_on_every_processor(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch, instructions: Tuple[str, ...]
) -> None:
    monkeypatch.setattr("fer_edge.classify.onnx_cpu.int8_instructions", lambda root: instructions)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert not any(candidate.available for candidate in candidates())
    with pytest.raises(MissingExtra, match="onnxruntime"):
        open_classifier(FERNET, cache=cache)
