"""Runs a TensorRT engine, whichever generation of the Python API the installed version has.

Up to 8.4 tensors are bindings with an index (``execute_async_v2``), from 10 on they have names (``execute_async_v3``), and
between both work. What the module offers decides, not its version number.
"""

from __future__ import annotations

import importlib
import logging
from collections import deque
from contextlib import contextmanager, suppress
from functools import lru_cache
from types import ModuleType
from typing import Any, Deque, Iterator, List, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.tensorrt.cuda import Buffer, CudaDevice
from fer_edge.errors import BackendUnavailable, EngineError, EngineRefused
from fer_edge.system.libraries import in_short, is_missing

logger = logging.getLogger("fer_edge")


def import_tensorrt() -> ModuleType:
    """Import the ``tensorrt`` package that JetPack or NVIDIA's wheels bring.

    Raises
    ------
    BackendUnavailable
        It is not installed, or its libraries do not load.
    """
    try:
        return importlib.import_module("tensorrt")
    except (ImportError, OSError, MemoryError) as error:
        if is_missing(error, "tensorrt"):
            raise BackendUnavailable(
                "The Python package tensorrt is not installed.",
                "On a Jetson it comes with JetPack, for the system's own Python. Elsewhere:  pip install tensorrt",
            ) from error
        raise BackendUnavailable(
            f"TensorRT does not load: {in_short(error)}.", "Install the version of its libraries."
        ) from error


@lru_cache(maxsize=1)
def tensorrt_logger(tensorrt: ModuleType) -> Any:
    """Return the logger that all of TensorRT's objects share, because TensorRT keeps only the first that it is given.

    It writes to ours. ``errors`` holds what went wrong since it was cleared, and ``reason()`` is the latest of it.
    """

    class Log(tensorrt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)
            self.errors: Deque[str] = deque(maxlen=50)
            self._last_warning = ""

        def log(self, severity: Any, message: str) -> None:
            # Called from C++, which an exception may end the program in.
            with suppress(BaseException):
                if severity in (tensorrt.ILogger.Severity.INTERNAL_ERROR, tensorrt.ILogger.Severity.ERROR):
                    self.errors.append(message)
                    logger.warning("TensorRT: %s", message)
                elif severity == tensorrt.ILogger.Severity.WARNING:
                    self._last_warning = message
                    logger.debug("TensorRT: %s", message)

        def clear(self) -> None:
            self.errors.clear()
            self._last_warning = ""

        def reason(self) -> str:
            # A driver that is too old is told as a warning.
            return (self.errors[-1] if self.errors else self._last_warning) or "no reason given"

    return Log()


@contextmanager
def starting(tensorrt: ModuleType) -> Iterator[Any]:
    """Return the logger, and tell why TensorRT does not start: its factories answer with a TypeError then.

    Raises
    ------
    BackendUnavailable
        There is no driver, or one that is too old for this version.
    """
    log = tensorrt_logger(tensorrt)
    log.clear()
    try:
        yield log
    except (TypeError, RuntimeError) as error:
        reason = log.reason() if log.reason() != "no reason given" else error
        raise BackendUnavailable(
            f"TensorRT {tensorrt.__version__} does not start: {reason}.",
            "Install a driver that is new enough for it; nvidia-smi tells which there is.",
        ) from error


class Engine:
    """A deserialised engine with memory for its largest batch.

    Parameters
    ----------
    plan : bytes
        What TensorRT built on this machine: one float32 input N x 3 x size x size, one float32 output N x 7.
    device : CudaDevice
        Where it runs; its thread is the engine's.
    most : int
        Largest batch that the plan was built for.

    Raises
    ------
    EngineRefused
        TensorRT does not take the plan.
    EngineError
        The GPU has no memory for it.
    """

    def __init__(self, plan: bytes, device: CudaDevice, most: int, input_shape: Tuple[int, ...], outputs: int) -> None:
        tensorrt = import_tensorrt()
        self._device, self.most = device, most
        self._log: Any = None
        self._runtime: Any = None
        self._engine: Any = None
        self._context: Any = None
        self._call: Any = None
        self._input: Any = None
        self._output: Any = None
        try:
            self._load(tensorrt, plan, (most, *input_shape), (most, outputs))
        except BaseException:
            self.close()
            raise

    def _load(
        self, tensorrt: ModuleType, plan: bytes, input_shape: Tuple[int, ...], output_shape: Tuple[int, ...]
    ) -> None:
        # The runtime must live as long as its engine.
        with starting(tensorrt) as self._log:
            self._runtime = tensorrt.Runtime(self._log)
        try:
            self._engine = self._runtime.deserialize_cuda_engine(plan)
        except RuntimeError as error:
            self._log.errors.append(str(error))
        if self._engine is None:
            raise EngineRefused(
                f"TensorRT {tensorrt.__version__} does not take the engine: {self._log.reason()}.",
                "Build it again: fer-edge build-engine --rebuild",
            )
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise EngineError(
                f"The GPU has no memory to run the engine: {self._log.reason()}.",
                "Close other programs that use it, or run on the CPU: --device cpu",
            )
        self._input = self._device.buffer(input_shape)
        self._output = self._device.buffer(output_shape)
        named = hasattr(self._context, "execute_async_v3") and hasattr(self._engine, "num_io_tensors")
        call = NamedTensors if named else Bindings
        self._call = call(tensorrt, self._engine, self._context, self._input, self._output)

    def input(self, count: int) -> NDArray[np.float32]:
        """Return the memory that holds the input of a batch of `count`: write there, then `run`."""
        host: NDArray[np.float32] = self._input.host
        return host[:count]

    def run(self, count: int) -> NDArray[np.float32]:
        """Run the batch of `count` that was written to `input`, and return its output, valid until the next run."""
        self._device.upload(self._input, count)
        if not self._call.enqueue((count, *self._input.host.shape[1:]), self._device.stream_handle):
            raise EngineError(
                f"TensorRT did not run the engine: {self._log.reason()}.",
                "Build it again: fer-edge build-engine --rebuild",
            )
        self._device.download(self._output, count)
        self._device.synchronize()
        host: NDArray[np.float32] = self._output.host
        return host[:count]

    def close(self) -> None:
        """Let go of TensorRT's objects, the younger ones first: they need the CUDA context to go."""
        self._call = None
        self._context = None
        self._engine = None
        self._runtime = None
        # Page-locked memory belongs to the context too.
        self._input = self._output = None


class Bindings:
    """TensorRT up to 8.4, and beside the other way up to 9: tensors have an index."""

    def __init__(self, _tensorrt: ModuleType, engine: Any, context: Any, input_: Buffer, output: Buffer) -> None:
        self._context = context
        indices = range(engine.num_bindings)
        self._inputs = [index for index in indices if engine.binding_is_input(index)]
        _check_counts(len(self._inputs), engine.num_bindings - len(self._inputs))
        self._addresses: List[int] = [input_.address if index in self._inputs else output.address for index in indices]

    def enqueue(self, shape: Tuple[int, ...], stream: int) -> bool:
        """Queue a batch of that input shape; False when TensorRT refuses it."""
        if not self._context.set_binding_shape(self._inputs[0], shape):
            return False
        return bool(self._context.execute_async_v2(bindings=self._addresses, stream_handle=stream))


class NamedTensors:
    """TensorRT from 8.5 on: tensors have a name."""

    def __init__(self, tensorrt: ModuleType, engine: Any, context: Any, input_: Buffer, output: Buffer) -> None:
        self._context = context
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        inputs = [name for name in names if engine.get_tensor_mode(name) == tensorrt.TensorIOMode.INPUT]
        _check_counts(len(inputs), len(names) - len(inputs))
        self._input = inputs[0]
        for name in names:
            if not context.set_tensor_address(name, (input_ if name == self._input else output).address):
                raise EngineError(f"TensorRT takes no memory for the tensor {name}.", "Run on the CPU: --device cpu")

    def enqueue(self, shape: Tuple[int, ...], stream: int) -> bool:
        """Queue a batch of that input shape; False when TensorRT refuses it."""
        if not self._context.set_input_shape(self._input, shape):
            return False
        return bool(self._context.execute_async_v3(stream))


def _check_counts(inputs: int, outputs: int) -> None:
    if (inputs, outputs) != (1, 1):
        raise EngineError(
            f"The engine has {inputs} inputs and {outputs} outputs, not one of each.",
            "Build it again from a model of fer-edge: fer-edge build-engine --rebuild",
        )
