"""What an expression network says about itself, read from the metadata of its ONNX file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Tuple

from fer_edge.errors import ModelMetadataError
from fer_edge.types import LABELS

PREFIX = "fer_edge."
"""What every key of ours in an ONNX file's ``metadata_props`` begins with."""

_LARGEST = 1e6  # of mean and std; the network's input must stay within what float32 holds


@dataclass(frozen=True)
class ModelSpec:
    """How a network wants its input, and what its output means.

    The value that the network is fed is ``(pixel * scale - mean) / std``, channel by channel.

    Attributes
    ----------
    name : str
        For people.
    labels : tuple of str
        The expressions in the order of the network's outputs: a permutation of `fer_edge.types.LABELS`.
    input_size : int
        Height and width of the input in pixels.
    layout : str
        ``NCHW``.
    colour : str
        ``gray`` (grey copied to three channels) or ``rgb``.
    scale : float
        Factor on pixels of 0 to 255.
    mean, std : tuple of float
        One for each channel.
    crop_margin : float
        Side of the crop in distances between the eyes (`fer_edge.classify.crop`).
    crop_centre : float
        Where the middle of the crop lies on the way from the eyes (0) to the mouth (1).
    alignment : str
        ``eyes`` (the crop is turned so that the eyes are level) or ``none``.
    temperature : float
        The logits are divided by it before the softmax, so that confidences are calibrated.
    uncertain_below : float
        Confidence under which a label is not to be trusted.
    precision : str
        What the file computes in: ``fp32``, or ``int8``.
    parameters, macs : int
        Size of the network, and its multiply-accumulates for one face; 0 if unknown.
    facts : mapping of str to str
        Everything else that the file says: training data, accuracy, licence.
    """

    name: str
    labels: Tuple[str, ...] = LABELS
    input_size: int = 64
    layout: str = "NCHW"
    colour: str = "gray"
    scale: float = 1.0 / 255.0
    mean: Tuple[float, ...] = (0.0, 0.0, 0.0)
    std: Tuple[float, ...] = (1.0, 1.0, 1.0)
    crop_margin: float = 2.7
    crop_centre: float = 0.27
    alignment: str = "eyes"
    temperature: float = 1.0
    uncertain_below: float = 0.4
    precision: str = "fp32"
    parameters: int = 0
    macs: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], where: str) -> ModelSpec:
        """Read a spec from the metadata of an ONNX file.

        Parameters
        ----------
        metadata : mapping of str to str
            The file's ``metadata_props``; a caller who knows a foreign network may add what is missing.
        where : str
            The file's name, for messages.

        Raises
        ------
        ModelMetadataError
            A key is missing (all missing ones are named) or a value makes no sense.
        """
        missing = [PREFIX + key for key in _REQUIRED if PREFIX + key not in metadata]
        if missing:
            raise ModelMetadataError(
                f"{where} does not say how it wants its input: its metadata lacks {', '.join(missing)}.",
                "Export it with 'fer-edge export', or add these keys to the file's metadata_props: models/MODEL_CARD.md says "
                "what each means, and how to add it.",
            )
        values: Dict[str, Any] = {}
        for key, read in {**_REQUIRED, **_OPTIONAL}.items():
            if PREFIX + key in metadata:
                values[key] = _read(read, PREFIX + key, metadata[PREFIX + key], where)
        facts = {
            key[len(PREFIX) :]: text
            for key, text in metadata.items()
            if key.startswith(PREFIX) and key[len(PREFIX) :] not in values
        }
        return cls(facts=facts, **values)

    def to_metadata(self) -> Dict[str, str]:
        """Return the spec as an ONNX file's ``metadata_props``; `from_metadata` reads it back."""
        metadata = {PREFIX + key: text for key, text in self.facts.items()}
        for key in {**_REQUIRED, **_OPTIONAL}:
            value = getattr(self, key)
            metadata[PREFIX + key] = value if isinstance(value, str) else json.dumps(value)
        return metadata


def _read(read: Callable[[str], Any], key: str, text: str, where: str) -> Any:
    try:
        return read(text)
    except (ValueError, TypeError, OverflowError) as error:
        raise ModelMetadataError(
            f"{where}: the metadata value {key} = {text[:80]!r} makes no sense: {error}.",
            "Export the model again, or correct the value: models/MODEL_CARD.md says what it may be.",
        ) from error


def _parsed(text: str) -> Any:
    # Deep nesting can end the process on Python 3.8, where it is not always a RecursionError.
    if text.count("[") + text.count("{") > 8:
        raise ValueError("expected a number or a list")
    return json.loads(text)


def _labels(text: str) -> Tuple[str, ...]:
    labels = _parsed(text)
    if not isinstance(labels, list) or sorted(map(str, labels)) != sorted(LABELS):
        raise ValueError(f"expected the seven labels {', '.join(LABELS)} in some order")
    return tuple(labels)


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected {' or '.join(allowed)}")
        return text

    return read


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = _parsed(text)
        if not _is_number(value) or not low <= value <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return float(value)

    return read


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = _parsed(text)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return read


def _three(low: float) -> Callable[[str], Tuple[float, ...]]:
    def read(text: str) -> Tuple[float, ...]:
        values = _parsed(text)
        fits = isinstance(values, list) and all(_is_number(value) and low <= value <= _LARGEST for value in values)
        if not fits or len(values) != 3:
            raise ValueError(f"expected a list of three numbers from {low:g} to {_LARGEST:g}")
        return tuple(float(value) for value in values)

    return read


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _words(text: str) -> str:
    # It is shown in logs, reports and figures.
    if not text.isprintable() or len(text) > 100:
        raise ValueError("expected up to 100 characters that can be printed")
    return text


_REQUIRED: Mapping[str, Callable[[str], Any]] = {
    "name": _words,
    "labels": _labels,
    "input_size": _integer(8, 1024),
    "layout": _one_of("NCHW"),
    "colour": _one_of("gray", "rgb"),
    "scale": _number(1e-6, 1e3),
    "mean": _three(-_LARGEST),
    "std": _three(1 / _LARGEST),
    "crop_margin": _number(1.0, 10.0),
    "alignment": _one_of("eyes", "none"),
}

_OPTIONAL: Mapping[str, Callable[[str], Any]] = {
    "crop_centre": _number(-1.0, 2.0),
    "temperature": _number(1e-2, 1e2),
    "uncertain_below": _number(0.0, 1.0),
    "precision": _one_of("fp32", "int8"),
    "parameters": _integer(0, 10**12),
    "macs": _integer(0, 10**15),
}
