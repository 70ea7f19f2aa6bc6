from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import onnx_bytes as write
import pytest

from fer_edge import errors
from fer_edge.inference.model_files import find_model
from fer_edge.inference.onnx_session import open_session

MODEL = find_model("blazeface_short")
PICTURE = np.zeros((1, 3, 128, 128), np.float32)


def native_threads() -> int:
    return len(os.listdir("/proc/self/task"))


def test_a_session_says_what_goes_in_what_comes_out_and_what_the_file_says_of_itself() -> None:
    session = open_session(MODEL, threads=1)
    assert [(info.name, info.shape, info.type) for info in session.inputs] == [
        ("image", (1, 3, 128, 128), "tensor(float)")
    ]
    assert [(info.name, info.shape) for info in session.outputs] == [
        ("regressors", (1, 896, 16)),
        ("scores", (1, 896, 1)),
    ]
    assert session.metadata["fer_edge.detector"] == "blazeface"
    assert session.provider == "CPUExecutionProvider"
    regressors, scores = session.run({"image": PICTURE})
    assert regressors.shape == (1, 896, 16)
    assert scores.shape == (1, 896, 1)
    session.close()


def test_the_number_of_threads_does_not_change_the_result() -> None:
    picture = np.random.default_rng(0).uniform(0, 255, PICTURE.shape).astype(np.float32)
    results = []
    for threads in (1, 3):
        session = open_session(MODEL, threads=threads)
        results.append(session.run({"image": picture}))
        session.close()
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc to count native threads")
def test_no_thread_of_the_session_outlives_it() -> None:
    open_session(MODEL, threads=1).close()
    before = native_threads()
    session = open_session(MODEL, threads=4)
    session.run({"image": PICTURE})
    assert native_threads() == before + 3
    session.close()
    assert native_threads() == before


def test_a_closed_session_runs_no_more_and_can_be_closed_again() -> None:
    session = open_session(MODEL, threads=1)
    session.close()
    session.close()
    with pytest.raises(ValueError, match="was closed"):
        session.run({"image": PICTURE})


@pytest.mark.parametrize(
    ("feeds", "complaint"),
    [
        ({}, "needs an input named 'image'"),
        ({"picture": PICTURE}, "needs an input named 'image'"),
        ({"image": PICTURE, "mask": PICTURE}, "has no input named 'mask'"),
        ({"image": PICTURE[:, :1]}, r"of shape \[1, 3, 128, 128\], but was given \[1, 1, 128, 128\]"),
        ({"image": PICTURE[0]}, r"was given \[3, 128, 128\]"),
        ({"image": PICTURE.astype(np.uint8)}, "was given uint8"),
    ],
)
def test_an_input_that_does_not_fit_is_named_with_what_was_expected(
    feeds: dict[str, np.ndarray], complaint: str
) -> None:
    session = open_session(MODEL, threads=1)
    with pytest.raises(errors.ModelShapeError, match=complaint):
        session.run(feeds)
    session.close()


def test_a_missing_file_is_named() -> None:
    with pytest.raises(errors.ModelNotFound, match="no model file .*nowhere.onnx"):
        open_session("nowhere.onnx", threads=1)


@pytest.mark.parametrize(
    "content",
    [
        MODEL.read_bytes()[:100_000],
        MODEL.read_bytes()[:-20],
        b"version https://git-lfs.github.com/spec/v1\noid sha256:8f23\nsize 232589\n",
        b"<html><body>Not found</body></html>",
        bytes(5000),
    ],
    ids=["half", "the end missing", "a Git LFS pointer", "a web page", "zeros"],
)
def test_a_damaged_file_is_named_with_what_to_do(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "damaged.onnx"
    file.write_bytes(content)
    with pytest.raises(errors.ModelCorrupt, match=r"damaged\.onnx is not an ONNX file(.|\n)*again"):
        open_session(file, threads=1)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    file = tmp_path / "empty.onnx"
    file.touch()
    with pytest.raises(errors.ModelCorrupt, match="is empty"):
        open_session(file, threads=1)


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelCorrupt, match="is a folder"):
        open_session(tmp_path, threads=1)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_this_user_may_not_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "secret.onnx"
    file.write_bytes(MODEL.read_bytes())
    file.chmod(0)
    with pytest.raises(errors.ModelNotFound, match="cannot be read"):
        open_session(file, threads=1)


def test_a_model_for_a_newer_runtime_says_to_upgrade(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(MODEL))
    model.graph.node[0].op_type = "NoSuchOperator"
    file = tmp_path / "newer.onnx"
    onnx.save(model, str(file))
    with pytest.raises(errors.ModelCorrupt, match="newer.onnx(.|\n)*NoSuchOperator"):
        open_session(file, threads=1)


def test_a_provider_that_this_build_lacks_is_named_with_the_extra_that_brings_it() -> None:
    with pytest.raises(errors.MissingExtra, match=r"ROCMExecutionProvider(.|\n)*pip install '.*\[gpu\]'"):
        open_session(MODEL, threads=1, providers=["ROCMExecutionProvider"])


def test_a_missing_runtime_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(errors.MissingExtra, match=r"'onnxruntime'(.|\n)*pip install '.*\[cpu\]'"):
        open_session(MODEL, threads=1)


def test_no_thread_is_no_number_of_threads() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        open_session(MODEL, threads=0)


def test_an_edit_changes_what_is_loaded_and_not_the_file() -> None:
    before = MODEL.read_bytes()
    session = open_session(MODEL, threads=1, edit=lambda content: content.replace(b"regressors", b"regressorz"))
    assert [info.name for info in session.outputs] == ["regressorz", "scores"]
    session.close()
    assert MODEL.read_bytes() == before


def test_a_network_that_can_be_loaded_but_not_run_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    content = MODEL.read_bytes()
    assert b"kernel_shape@\x05@\x05" in content
    damaged.write_bytes(content.replace(b"kernel_shape@\x05@\x05", b"kernel_shape@\x04@\x05", 1))
    session = open_session(damaged, threads=1)
    with pytest.raises(errors.ModelError, match="damaged.onnx was loaded, but cannot be run"):
        session.run({"image": PICTURE})
    session.close()


def test_the_names_of_a_file_do_not_steer_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "odd.onnx"
    file.write_bytes(write.model(write.graph([write.node("\x1b[2Jowned", [], ["y"])])))
    with pytest.raises(errors.ModelCorrupt, match="owned") as caught:
        open_session(file, threads=1)
    assert "\x1b" not in str(caught.value)
