"""The file of a network in INT8, which lies beside the one in FP32 that it was made from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import BackendUnavailable, ModelMetadataError, ModelNotFound
from fer_edge.inference.model_files import find_model, sha256_of, shipped_folder

INT8 = "int8"

MADE_FROM = "made_from_sha256"
"""Fact of a file in INT8: the sha256 of the FP32 file whose numbers it has, since a newer one answers differently."""


def int8_path(model: Path) -> Path:
    """Return where the INT8 file of a network would lie: ``fernet_r.int8.onnx`` beside ``fernet_r.onnx``."""
    return model.with_name(f"{model.stem}.{INT8}.onnx")


def refuse_on_gpu(spec: ModelSpec, model: Union[str, Path]) -> None:
    """Raise BackendUnavailable for a file in INT8: TensorRT takes no unsigned activations, and makes FP16 of FP32 itself."""
    if spec.precision == INT8:
        raise BackendUnavailable(
            f"{model} is in INT8, which is for the CPU.",
            "Give the file in FP32 that it was made from, or --device cpu.",
        )


def open_int8(model: Path, threads: int) -> OnnxClassifier:
    """Open the INT8 file that belongs to a network in FP32.

    Raises
    ------
    ModelNotFound
        There is none.
    ModelError
        It is damaged, not in INT8, or made from another file.
    """
    path = int8_path(model)
    if not os.path.isfile(path):
        raise ModelNotFound(
            f"{model.name} has no file in INT8: there is no {path}.",
            f"Make one with:  fer-edge export {model} {path} --int8 --calibration DATA --validation DATA",
        )
    if path.parent == shipped_folder():
        find_model(path.stem)
    classifier = OnnxClassifier(path, threads=threads)
    made_from = classifier.spec.facts.get(MADE_FROM, "")
    if classifier.precision == INT8 and made_from == sha256_of(model):
        return classifier
    classifier.close()
    wrong = "was made from another file than" if classifier.precision == INT8 else "is not the INT8 of"
    raise ModelMetadataError(
        f"{path} {wrong} {model}.",
        f"Make it again with:  fer-edge export {model} {path} --int8 --calibration DATA --validation DATA",
    )
