"""A stand-in for ``pycuda.driver``: device memory is host memory, and a stream does its work when it is synchronised.

What the real driver leaves undefined is an error here: a copy from memory that was freed, a call without a current context, a
context that is used by another thread, memory that is too small.
"""

from __future__ import annotations

import threading
import weakref
from types import ModuleType, SimpleNamespace
from typing import Any, Callable, Dict, List, Tuple

import numpy as np


class Misuse(AssertionError):
    """The program did what a real GPU would answer with anything at all."""


class Gpu:
    """One GPU, and what the program holds of it.

    Parameters
    ----------
    name : str
        Of the GPU.
    compute_capability : tuple of int
    memory : int
        Bytes that can be reserved.
    """

    def __init__(
        self, name: str = "NVIDIA Tegra X1", compute_capability: Tuple[int, int] = (5, 3), memory: int = 1 << 30
    ) -> None:
        self.name, self.compute_capability, self.memory = name, compute_capability, memory
        self.present = True
        self.broken = False
        self.broken_copy = False
        self.streamless = False
        self.pinned = 0
        self.allocations: Dict[int, np.ndarray] = {}
        self.contexts: List[Any] = []
        self.current: Dict[int, List[Any]] = {}
        self.violations: List[str] = []
        self._next_address = 0x1000

    def context(self) -> Any:
        """The context that is current in this thread."""
        stack = self.current.get(threading.get_ident(), [])
        if not stack:
            raise Misuse("a CUDA call without a current context in this thread")
        return stack[-1]

    def guard(self, thing: Any, what: str) -> None:
        """Have it noticed when `thing` goes while the context that it was made in is not current."""
        home = self.context()

        def gone() -> None:
            if home not in self.current.get(threading.get_ident(), [])[-1:]:
                self.violations.append(f"{what} went while its CUDA context was not current")

        weakref.finalize(thing, gone)

    def at(self, address: int) -> np.ndarray:
        """The memory at an address."""
        if address not in self.allocations:
            raise Misuse(f"the address {address:#x} was freed, or never reserved")
        return self.allocations[address]

    def reserve(self, size: int) -> int:
        address = self._next_address
        self._next_address += size + 0x1000
        self.allocations[address] = np.full(size, 0xCD, np.uint8)
        return address

    def assert_nothing_is_held(self) -> None:
        assert not self.violations, self.violations
        assert not self.pinned, "page-locked memory was not freed"
        assert not self.allocations, "device memory was not freed"
        assert not self.contexts, "a context was not given back"
        assert not any(self.current.values()), "a context is still current in a thread"


def driver_of(gpu: Gpu) -> ModuleType:
    """Make the module ``pycuda.driver`` of a machine with that GPU."""
    module: Any = ModuleType("pycuda.driver")

    class Error(Exception):
        pass

    class LogicError(Error):
        pass

    class CudaMemoryError(Error):
        pass

    initialised = []

    def init() -> None:
        if not gpu.present:
            raise LogicError("cuInit failed: no CUDA-capable device is detected")
        initialised.append(True)

    class Device:
        def __init__(self, index: int) -> None:
            if not initialised:
                raise Misuse("Device before init")
            if index != 0:
                raise LogicError("cuDeviceGet failed: invalid device ordinal")

        def name(self) -> str:
            return gpu.name

        def compute_capability(self) -> Tuple[int, int]:
            return gpu.compute_capability

        def make_context(self, flags: int = 0) -> Any:
            return Context()

    class Context:
        def __init__(self) -> None:
            self.thread = threading.get_ident()
            self.detached = False
            gpu.contexts.append(self)
            gpu.current.setdefault(self.thread, []).append(self)

        def push(self) -> None:
            if self.detached or threading.get_ident() != self.thread:
                raise Misuse("push of a context that is gone, or belongs to another thread")
            gpu.current[self.thread].append(self)

        @staticmethod
        def pop() -> None:
            stack = gpu.current.get(threading.get_ident(), [])
            if not stack:
                raise LogicError("context::pop failed: invalid device context - cannot pop non-current context")
            stack.pop()

        def detach(self) -> None:
            if self.detached:
                raise Misuse("a context was detached twice")
            if self in gpu.current[self.thread]:
                raise Misuse("a context was detached while it was current")
            self.detached = True
            gpu.contexts.remove(self)

    class Stream:
        def __init__(self) -> None:
            self.context = gpu.context()
            if gpu.streamless:
                raise CudaMemoryError("cuStreamCreate failed: out of memory")
            self.handle = id(self)
            self.queue: List[Callable[[], None]] = []
            module.streams[self.handle] = self

        def synchronize(self) -> None:
            self.check()
            if gpu.broken:
                self.queue = []
                raise LogicError("cuStreamSynchronize failed: an illegal memory access was encountered")
            work, self.queue = self.queue, []
            for step in work:
                step()

        def check(self) -> None:
            if gpu.context() is not self.context:
                raise Misuse("a stream of another context")

    class DeviceAllocation:
        def __init__(self, address: int) -> None:
            self.address = address

        def __int__(self) -> int:
            gpu.at(self.address)
            return self.address

        def free(self) -> None:
            gpu.context()
            gpu.at(self.address)
            del gpu.allocations[self.address]

    def mem_alloc(size: int) -> DeviceAllocation:
        gpu.context()
        if sum(held.nbytes for held in gpu.allocations.values()) + size > gpu.memory:
            raise CudaMemoryError("cuMemAlloc failed: out of memory")
        return DeviceAllocation(gpu.reserve(size))

    def pagelocked_empty(shape: Tuple[int, ...], dtype: Any) -> np.ndarray:
        gpu.context()
        array = np.full(shape, np.nan, dtype)
        gpu.guard(array, "page-locked memory")
        gpu.pinned += 1
        weakref.finalize(array, unpin)
        return array

    def unpin() -> None:
        gpu.pinned -= 1

    def memcpy_htod_async(target: DeviceAllocation, source: np.ndarray, stream: Stream) -> None:
        _check(source, int(target), stream)
        stream.queue.append(lambda: _copy(gpu.at(int(target)), source.view(np.uint8).reshape(-1)))

    def memcpy_dtoh_async(target: np.ndarray, source: DeviceAllocation, stream: Stream) -> None:
        _check(target, int(source), stream)
        if gpu.broken_copy:
            raise LogicError("cuMemcpyDtoHAsync failed: an illegal memory access was encountered")
        stream.queue.append(lambda: _copy(target.view(np.uint8).reshape(-1), gpu.at(int(source))))

    def _check(host: np.ndarray, address: int, stream: Stream) -> None:
        stream.check()
        if not host.flags.c_contiguous:
            raise Misuse("a copy of memory that is not contiguous")
        if host.nbytes > gpu.at(address).nbytes:
            raise Misuse("a copy beyond the end of what was reserved")

    def _copy(target: np.ndarray, source: np.ndarray) -> None:
        size = min(len(target), len(source))
        target[:size] = source[:size]

    module.streams = weakref.WeakValueDictionary()
    module.Error, module.LogicError, module.MemoryError = Error, LogicError, CudaMemoryError
    module.init, module.Device, module.Context, module.Stream = init, Device, Context, Stream
    module.ctx_flags = SimpleNamespace(SCHED_AUTO=0, SCHED_BLOCKING_SYNC=4)
    module.mem_alloc, module.pagelocked_empty = mem_alloc, pagelocked_empty
    module.memcpy_htod_async, module.memcpy_dtoh_async = memcpy_htod_async, memcpy_dtoh_async
    return module
