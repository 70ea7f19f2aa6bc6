"""How long one call of a network takes, on whatever this machine has, with and without IO binding.

    python benchmarks/classifier_speed.py --model fernet_r
    python benchmarks/classifier_speed.py --provider cuda --peak-gflops 51000 --peak-gb-s 3350

The ways of one batch size are called in turn, so that what else the machine does falls on all of them alike; ratios are of
one run. With the two peaks of the processor's data sheet, the time that the arithmetic and the bytes need at least is printed
beside it.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_edge.benchmark.environment import describe_environment
from fer_edge.classify import providers
from fer_edge.classify.onnx import read_contract
from fer_edge.classify.registry import DEFAULT_MODEL
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.inference.model_files import find_model

# After fer_edge, which turns its telemetry off.
onnxruntime = importlib.import_module("onnxruntime")

BATCHES = (1, 8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME|FILE")
    parser.add_argument("--provider", choices=("cpu", "cuda", "tensorrt"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--peak-gflops", type=float, help="of the processor in this precision, from its data sheet")
    parser.add_argument("--peak-gb-s", type=float, help="of its memory")
    options = parser.parse_args()
    if options.calls < 1:
        parser.error("--calls must be at least 1")
    path = find_model(options.model)
    spec, name = read_contract(path)
    chosen = {
        "cpu": providers.cpu,
        "cuda": lambda: providers.cuda(onnxruntime.__version__),
        "tensorrt": lambda: providers.tensorrt(
            True, EngineCache().folder, name, spec.input_size, onnxruntime.__version__
        ),
    }[options.provider]()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(str(path), sess_options=settings, providers=list(chosen))
    if session.get_providers()[0] != chosen[0][0] and options.provider != "cpu":
        sys.exit(
            f"{options.provider} does not start here; ONNX Runtime took {session.get_providers()[0]}. See fer-edge doctor."
        )
    environment = describe_environment()
    print(
        f"{path.name} on {session.get_providers()[0]}, {environment['cpu']}, ONNX Runtime {environment['onnxruntime']}"
    )
    print(f"{options.calls} calls each, {options.threads} thread(s); milliseconds")
    for batch in BATCHES:
        image = np.random.default_rng(0).random((batch, 3, spec.input_size, spec.input_size), np.float32)
        times = timed(ways(session, name, image), options.calls)
        plain = statistics.median(times["numpy arrays"])
        for way, taken in times.items():
            median = statistics.median(taken)
            p90 = sorted(taken)[int(0.9 * len(taken))]
            print(f"batch {batch}  {way:14}  median {median:8.3f}  p90 {p90:8.3f}  of plain {median / plain:5.2f}")
        weights = path.stat().st_size // (2 if options.provider == "tensorrt" else 1)
        for what, least in at_least(weights, spec.macs, batch, options.peak_gflops, options.peak_gb_s).items():
            print(f"batch {batch}  {what:14}  at least {least:6.4f}")
    return 0


def ways(session: Any, name: str, image: np.ndarray) -> Dict[str, Callable[[], object]]:
    """Ways to call the network: arrays in and out, or tensors that stay bound."""
    device = "cuda" if session.get_providers()[0] != providers.CPU else "cpu"
    output = session.get_outputs()[0].name
    bound = session.io_binding()
    held = onnxruntime.OrtValue.ortvalue_from_numpy(image, device, 0)
    bound.bind_ortvalue_input(name, held)
    bound.bind_output(output, device)

    def with_binding() -> object:
        # The crop is new in every frame, so its way to the device belongs to the call.
        held.update_inplace(image)
        session.run_with_iobinding(bound)
        return bound.copy_outputs_to_cpu()[0]

    return {"numpy arrays": lambda: session.run(None, {name: image}), "IO binding": with_binding}


def timed(calls: Dict[str, Callable[[], object]], count: int) -> Dict[str, List[float]]:
    """Milliseconds of each call; the ways take turns."""
    times: Dict[str, List[float]] = {way: [] for way in calls}
    for index in range(count + 20):
        for way, call in calls.items():
            started = time.perf_counter()
            call()
            if index >= 20:
                times[way].append((time.perf_counter() - started) * 1e3)
    return times


def at_least(
    weights: int, macs: int, batch: int, gflops: Optional[float], gb_per_second: Optional[float]
) -> Dict[str, float]:
    """Milliseconds that arithmetic and bytes of weights need at the peaks of the data sheet."""
    least = {}
    if gflops:
        least["arithmetic"] = 2 * macs * batch / gflops / 1e6
    if gb_per_second:
        least["weights"] = weights / gb_per_second / 1e6
    return least


if __name__ == "__main__":
    sys.exit(main())
