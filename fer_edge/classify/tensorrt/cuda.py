"""The part of CUDA that a TensorRT engine needs, through pycuda: a context, a stream, and memory on both sides."""

from __future__ import annotations

import importlib
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Iterator, List, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.errors import BackendUnavailable, EngineError
from fer_edge.system.libraries import in_short, is_missing, missing_extra


@dataclass(frozen=True)
class Buffer:
    """A tensor's memory: page-locked on the host, so that it can be copied while the program goes on, and on the device."""

    host: NDArray[np.float32]
    device: Any

    @property
    def address(self) -> int:
        """Where it lies on the device."""
        return int(self.device)


class CudaDevice:
    """A CUDA context that belongs to the thread that made it, with one stream of its own.

    The context is current only inside of `current`, so that several can live in one thread, beside libraries that have
    their own.

    Parameters
    ----------
    index : int
        Which GPU.

    Attributes
    ----------
    name : str
        The GPU's name.
    compute_capability : tuple of int
        Major and minor, such as (5, 3) for the Jetson Nano.

    Raises
    ------
    MissingExtra
        pycuda is not installed.
    BackendUnavailable
        There is no such GPU, or its driver does not start.
    """

    def __init__(self, index: int = 0) -> None:
        self._driver = import_driver()
        try:
            self._driver.init()
            device = self._driver.Device(index)
            self.name: str = device.name()
            self.compute_capability: Tuple[int, int] = tuple(device.compute_capability())
            # Otherwise a core may spin while it waits for the GPU.
            self._context: Any = device.make_context(self._driver.ctx_flags.SCHED_BLOCKING_SYNC)
        except self._driver.Error as error:
            raise BackendUnavailable(
                f"CUDA does not start: {error}.", "Check the driver with nvidia-smi, on a Jetson with tegrastats."
            ) from error
        self._thread = threading.get_ident()
        self._buffers: List[Any] = []
        try:
            self._stream: Any = self._driver.Stream()
        except self._driver.Error as error:
            self._driver.Context.pop()
            self._context.detach()
            raise EngineError(f"CUDA gave no stream: {error}.", "Close other programs that use the GPU.") from error
        self._driver.Context.pop()

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make the context the thread's current one for a while; everything that touches the GPU belongs in it.

        Raises
        ------
        EngineError
            The calling thread is not the one that made the context.
        """
        if threading.get_ident() != self._thread:
            raise EngineError(
                "A CUDA context was used from another thread than the one that made it.",
                "Build, use and close a classifier in one thread.",
            )
        self._context.push()
        try:
            yield
        except BaseException as error:
            # What the frames of the traceback hold must not outlive the context.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            self._driver.Context.pop()

    @property
    def stream_handle(self) -> int:
        """The stream, as TensorRT takes it."""
        return int(self._stream.handle)

    def buffer(self, shape: Tuple[int, ...]) -> Buffer:
        """Reserve memory for a float32 tensor on both sides. Raises EngineError where there is none."""
        try:
            host = self._driver.pagelocked_empty(shape, np.float32)
            device = self._driver.mem_alloc(host.nbytes)
        except self._driver.Error as error:
            raise EngineError(
                f"The GPU has no memory for a tensor of {list(shape)}: {error}.",
                "Close other programs that use it, or run on the CPU: --device cpu",
            ) from error
        self._buffers.append(device)
        return Buffer(host, device)

    def upload(self, buffer: Buffer, rows: int) -> None:
        """Queue the copy of the first `rows` from the host to the device. Raises EngineError."""
        with self._told():
            self._driver.memcpy_htod_async(buffer.device, buffer.host[:rows], self._stream)

    def download(self, buffer: Buffer, rows: int) -> None:
        """Queue the copy of the first `rows` from the device to the host. Raises EngineError."""
        with self._told():
            self._driver.memcpy_dtoh_async(buffer.host[:rows], buffer.device, self._stream)

    def synchronize(self) -> None:
        """Wait until everything that was queued is done. Raises EngineError when something of it failed."""
        with self._told():
            self._stream.synchronize()

    def close(self) -> None:
        """Release everything, in the thread that made it. May be called twice."""
        if self._context is None:
            return
        with self.current():
            for device in self._buffers:
                device.free()
            self._buffers.clear()
            self._stream = None
        self._context.detach()
        self._context = None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._driver.Error as error:
            raise EngineError(f"The GPU failed: {error}.", "Run on the CPU: --device cpu") from error


def import_driver() -> ModuleType:
    """Import pycuda's driver module. Raises MissingExtra, or BackendUnavailable where CUDA's library is missing."""
    try:
        return importlib.import_module("pycuda.driver")
    except (ImportError, OSError, MemoryError) as error:
        if is_missing(error, "pycuda"):
            raise missing_extra("pycuda", "jetson", "The TensorRT backend") from error
        raise BackendUnavailable(
            f"pycuda does not load: {in_short(error)}.", "Install the NVIDIA driver, or build it again."
        ) from error
