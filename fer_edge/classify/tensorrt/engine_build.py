"""Builds a TensorRT engine from an ONNX file, on the machine that will run it."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Iterable, List, Optional, Tuple

from fer_edge.classify.tensorrt.engine import import_tensorrt, starting
from fer_edge.errors import EngineError

logger = logging.getLogger("fer_edge")

MOST_FACES = 8
"""Largest batch that an engine is built for; more faces are run in several."""

WORKSPACE = 256 << 20
"""Bytes that TensorRT may use while it tries kernels: a Nano shares 4 GB between processor and GPU."""

SMALLER_WORKSPACE = 32 << 20
"""What is tried once when the first attempt fails."""

_NODE = re.compile(r"While parsing node number (\d+) \[(\S+)")


@dataclass(frozen=True)
class BuildOptions:
    """How an engine is built.

    Attributes
    ----------
    fp16 : bool
        Whether TensorRT may compute in half precision.
    most : int
        Largest batch; the smallest is 1.
    workspace : int
        Bytes of scratch memory.
    """

    fp16: bool
    most: int = MOST_FACES
    workspace: int = WORKSPACE


def fast_fp16(tensorrt: ModuleType) -> Tuple[bool, str]:
    """Return whether half precision can be had and pays on this GPU, and why not."""
    if not hasattr(tensorrt.BuilderFlag, "FP16"):
        return False, (
            f"TensorRT {tensorrt.__version__} makes FP16 only of networks that are FP16 already, and the model is FP32"
        )
    with starting(tensorrt) as log:
        builder = tensorrt.Builder(log)
    # Removed from later versions, on whose GPUs half precision always pays.
    if not getattr(builder, "platform_has_fast_fp16", True):
        return False, "this GPU has no fast FP16"
    return True, ""


def build_engine(onnx: bytes, options: BuildOptions) -> bytes:
    """Build an engine; takes seconds on a large GPU and minutes on a Jetson Nano.

    Needs a CUDA context in the calling thread. When it fails, for instance for want of memory, it is tried once more with
    `SMALLER_WORKSPACE`.

    Parameters
    ----------
    onnx : bytes
        The ONNX file's content.
    options : BuildOptions
        Precision, batch and memory.

    Returns
    -------
    bytes
        The plan, for this GPU and this version of TensorRT only.

    Raises
    ------
    BackendUnavailable
        TensorRT does not start.
    EngineError
        TensorRT cannot read the network, naming the operator that it refuses, or cannot build it.
    """
    tensorrt = import_tensorrt()
    if options.fp16 and not hasattr(tensorrt.BuilderFlag, "FP16"):
        raise EngineError(fast_fp16(tensorrt)[1] + ".", "Use --precision fp32, or --backend onnx.")
    plan, reason = _attempt(tensorrt, onnx, options, options.workspace)
    if plan is None and options.workspace > SMALLER_WORKSPACE:
        logger.warning(
            "TensorRT built no engine with a workspace of %d MB (%s); trying %d MB",
            options.workspace >> 20,
            reason,
            SMALLER_WORKSPACE >> 20,
        )
        plan, reason = _attempt(tensorrt, onnx, options, SMALLER_WORKSPACE)
    if plan is None:
        raise EngineError(
            f"TensorRT {tensorrt.__version__} built no engine: {reason}.",
            "Close other programs, add swap, or run without it: --backend onnx",
        )
    return plan


def _attempt(tensorrt: ModuleType, onnx: bytes, options: BuildOptions, workspace: int) -> Tuple[Optional[bytes], str]:
    with starting(tensorrt) as log:
        builder = tensorrt.Builder(log)
    # Explicit batches were a choice up to 9, and are all there is from 10 on.
    explicit = getattr(tensorrt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    network = builder.create_network(0 if explicit is None else 1 << int(explicit))
    parser = tensorrt.OnnxParser(network, log)
    if not parser.parse(onnx):
        raise EngineError(
            f"TensorRT {tensorrt.__version__} cannot read the network: {_complaints(parser, log.errors)}.",
            "Export it for opset 13 with the operators that this version knows, or run without it: --backend onnx",
        )
    config = builder.create_builder_config()
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, workspace)
    else:
        config.max_workspace_size = workspace
    if options.fp16:
        config.set_flag(tensorrt.BuilderFlag.FP16)
    elif hasattr(tensorrt.BuilderFlag, "TF32"):
        # It is on by default, and keeps 10 bits of a number where FP32 keeps 23.
        config.clear_flag(tensorrt.BuilderFlag.TF32)
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        rest = tuple(tensor.shape)[1:]
        profile.set_shape(tensor.name, (1, *rest), (1, *rest), (options.most, *rest))
    config.add_optimization_profile(profile)
    log.clear()
    try:
        plan = builder.build_serialized_network(network, config)
    except RuntimeError as error:
        return None, str(error)
    return (None, log.reason()) if plan is None else (bytes(plan), "")


def _complaints(parser: Any, logged: Iterable[str]) -> str:
    # Only later versions let the error name the operator. Earlier ones log it:
    # While parsing node number 263 [Range -> "1234"]:
    operators = {int(node): operator for line in logged for node, operator in _NODE.findall(line)}
    found: List[str] = []
    for index in range(parser.num_errors):
        error = parser.get_error(index)
        operator = error.node_operator() if hasattr(error, "node_operator") else operators.get(error.node(), "")
        found.append(f"{operator} (node {error.node()}): {error.desc()}" if operator else str(error.desc()))
    return "; ".join(found) or "no reason given"
