"""The time that the networks need at least on a Jetson Nano: derived from its data sheet, not measured on a board.

    python benchmarks/nano_bound.py

A network cannot be faster than its arithmetic at the GPU's peak, nor than its bytes at the memory's; the larger of the two
is the bound (S. Williams et al., "Roofline", CACM 52(4), 2009). The expectation divides by the share of the peak that
TensorRT reached with ResNet-18 on a Nano: 18 ms in FP16 and 26 ms in FP32 at 256x256, where it has 2.37 G multiply-accumulates
(https://github.com/kentaroy47/benchmark-FP32-FP16-INT8-with-TensorRT).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_edge.classify.onnx import read_contract
from fer_edge.inference.model_files import find_model

CORES, FLOPS_PER_CORE, BYTES_PER_SECOND = 128, 2, 25.6e9
CLOCKS = (("10 W", 921.6e6), ("5 W", 640e6))
"""Hz of the GPU in nvpmodel's two modes."""

RESNET18_MACS = 1.814e9 * (256 / 224) ** 2
"""ResNet-18 has 1.814 G at 224x224 (He et al., 2015); the convolutions grow with the picture."""

RESNET18_SECONDS = {"FP16": 0.018, "FP32": 0.026}


@dataclass(frozen=True)
class Precision:
    """A number format: bytes a value, and how many values the GPU multiplies at once."""

    name: str
    size: int
    at_once: int


PRECISIONS = (Precision("FP16", 2, 2), Precision("FP32", 4, 1))


def main() -> int:
    for precision in PRECISIONS:
        reached = share_reached(precision)
        print(f"{precision.name}: ResNet-18 reached {reached:.0%} of {peak(precision, CLOCKS[0][1]) / 1e9:.0f} GFLOPS")
    print("network    mode  precision  faces  arithmetic  weights  expected   (ms)")
    for name in ("fernet_r", "fernet_s", "fernet"):
        spec, _ = read_contract(find_model(name))
        for mode, clock in CLOCKS:
            for precision in PRECISIONS:
                for faces in (1, 8):
                    arithmetic, weights = bounds(spec.macs * faces, spec.parameters, precision, clock)
                    expected = max(arithmetic / share_reached(precision), weights)
                    print(
                        f"{name:10} {mode:5} {precision.name:9} {faces:6} {arithmetic * 1e3:11.2f} "
                        f"{weights * 1e3:8.2f} {expected * 1e3:9.2f}"
                    )
    return 0


def peak(precision: Precision, clock: float) -> float:
    """FLOP per second of all cores."""
    return CORES * FLOPS_PER_CORE * precision.at_once * clock


def share_reached(precision: Precision) -> float:
    """Share of the peak that TensorRT reached with ResNet-18, in the 10 W mode."""
    return 2 * RESNET18_MACS / RESNET18_SECONDS[precision.name] / peak(precision, CLOCKS[0][1])


def bounds(macs: int, parameters: int, precision: Precision, clock: float) -> Tuple[float, float]:
    """Seconds that the arithmetic and the weights need at the data sheet's peaks."""
    return 2 * macs / peak(precision, clock), parameters * precision.size / BYTES_PER_SECOND


if __name__ == "__main__":
    sys.exit(main())
