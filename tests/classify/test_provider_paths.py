from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict

import pytest

from fer_edge.classify.providers import tensorrt


def options(cache: bytes) -> Dict[str, Any]:
    (_, given), *_ = tensorrt(True, Path(os.fsdecode(cache)), "image", 64, "1.20.0")
    return dict(given)


@pytest.mark.parametrize("folder", [b"/cache/engines", "/cache/caf\u00e9".encode()])
def test_engines_are_kept_in_a_folder_that_onnx_runtime_can_be_told(folder: bytes) -> None:
    assert options(folder)["trt_engine_cache_path"] == folder.decode("utf-8")
    assert options(folder)["trt_engine_cache_enable"] == "True"


def test_engines_are_not_kept_in_a_folder_whose_name_onnx_runtime_cannot_take() -> None:
    given = options(b"/cache/caf\xe9")
    assert given["trt_engine_cache_enable"] == "False"
    assert "trt_engine_cache_path" not in given
