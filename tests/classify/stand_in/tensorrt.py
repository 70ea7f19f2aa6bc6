"""A stand-in for the ``tensorrt`` package in its generations: 8.2, 8.6 (both ways), 10 and 11.

It builds plans from real ONNX files, and runs them on ONNX Runtime's CPU provider over the stand-in's device memory. Attributes
that a version does not have are not there; calls in the wrong order, with wrong shapes, or without a CUDA context are errors.
"""

from __future__ import annotations

import enum
import json
from types import ModuleType
from typing import Any, Dict, List, Optional, Set, Tuple

import numpy as np
import onnxruntime

from stand_in.cuda import Gpu, Misuse

MAGIC = b"TENSORRT PLAN\n"


class Machine:
    """What the stand-in's TensorRT finds and does; a test changes it.

    Attributes
    ----------
    refused : set of bytes
        Operators that the parser does not know.
    workspace_needed : int
        Bytes under which no engine is built.
    overheated : bool
        What engines give is no number.
    builds : list of dict
        Precision, whether TF32 was allowed, workspace and largest batch of every engine that was built.
    """

    def __init__(self, gpu: Gpu, driver: Any) -> None:
        self.gpu, self.driver = gpu, driver
        self.fast_fp16 = True
        self.refused: Set[bytes] = set()
        self.workspace_needed = 0
        self.out_of_memory = False
        self.driver_too_old = False
        self.takes_runs = True
        self.overheated = False
        self.builds: List[Dict[str, Any]] = []


def tensorrt_of(machine: Machine, version: str) -> ModuleType:
    """Make the module ``tensorrt`` of a version."""
    generation = tuple(int(part) for part in version.split(".")[:2])
    bindings, named = generation < (10, 0), generation >= (8, 5)
    module: Any = ModuleType("tensorrt")
    module.__version__ = version

    class Severity(enum.Enum):
        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2
        INFO = 3
        VERBOSE = 4

    class ILogger:
        def __init__(self) -> None:
            self.constructed = True

    ILogger.Severity = Severity  # type: ignore[attr-defined]
    module.ILogger = ILogger

    class BuilderFlag(enum.Enum):
        TF32 = 7

    class BuilderFlagWithPrecisions(enum.Enum):
        FP16 = 0
        INT8 = 1
        TF32 = 7

    module.BuilderFlag = BuilderFlag if generation >= (11, 0) else BuilderFlagWithPrecisions

    class Flags(enum.IntEnum):
        EXPLICIT_BATCH = 0

    class NewFlags(enum.IntEnum):
        STRONGLY_TYPED = 1

    module.NetworkDefinitionCreationFlag = NewFlags if generation >= (11, 0) else Flags

    def started(logger: Any) -> None:
        # The real factory functions return a null pointer, which pybind11 makes a TypeError.
        if not getattr(logger, "constructed", False):
            raise Misuse("a logger whose base class was not constructed")
        if loggers and loggers[0] is not logger:
            raise Misuse("a second logger, which TensorRT does not use")
        loggers[:] = [logger]
        machine.gpu.context()
        if machine.driver_too_old:
            logger.log(Severity.WARNING, "CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")

    loggers: List[Any] = []

    class Tensor:
        def __init__(self, name: str, shape: Tuple[int, ...]) -> None:
            self.name, self.shape = name, shape

    class Network:
        def __init__(self, explicit: bool) -> None:
            machine.gpu.guard(self, "a network")
            self.explicit = explicit
            self.onnx = b""
            self.inputs: List[Tensor] = []

        @property
        def num_inputs(self) -> int:
            return len(self.inputs)

        def get_input(self, index: int) -> Tensor:
            return self.inputs[index]

    class ParserError:
        def __init__(self, operator: bytes) -> None:
            self._operator = operator.decode()
            if generation >= (10, 0):
                self.node_operator = lambda: self._operator

        def node(self) -> int:
            return 263

        def desc(self) -> str:
            if generation < (10, 0):
                return 'Assertion failed: creator && "Plugin not found, are the plugin name, version, and namespace correct?"'
            return f"No importer registered for op: {self._operator}"

    class OnnxParser:
        def __init__(self, network: Network, logger: Any) -> None:
            started(logger)
            if not network.explicit:
                raise Misuse("the ONNX parser takes networks with explicit batches only")
            machine.gpu.guard(self, "a parser")
            self._network, self._logger = network, logger
            self._errors: List[ParserError] = []

        def parse(self, onnx: bytes) -> bool:
            self._errors = [ParserError(operator) for operator in machine.refused if operator in onnx]
            for error in self._errors:
                if generation < (10, 0):
                    self._logger.log(Severity.ERROR, f'While parsing node number 263 [{error._operator} -> "1234"]:')
                self._logger.log(Severity.ERROR, "--- Begin node ---")
                self._logger.log(Severity.ERROR, "--- End node ---")
            if self._errors:
                return False
            session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
            self._network.onnx = onnx
            self._network.inputs = [
                Tensor(node.name, tuple(size if isinstance(size, int) else -1 for size in node.shape))
                for node in session.get_inputs()
            ]
            return True

        @property
        def num_errors(self) -> int:
            return len(self._errors)

        def get_error(self, index: int) -> ParserError:
            return self._errors[index]

    class Profile:
        def __init__(self) -> None:
            self.shapes: Dict[str, Tuple[Tuple[int, ...], ...]] = {}

        def set_shape(self, name: str, least: Tuple[int, ...], best: Tuple[int, ...], most: Tuple[int, ...]) -> None:
            if not all(low <= middle <= high for low, middle, high in zip(least, best, most)):
                raise Misuse("a profile whose shapes are not in order")
            self.shapes[name] = (least, best, most)

    class Config:
        def __init__(self) -> None:
            machine.gpu.guard(self, "a configuration")
            self.flags: Set[Any] = {module.BuilderFlag.TF32}
            self.profiles: List[Profile] = []
            self.workspace = 1 << 40

        def set_flag(self, flag: Any) -> None:
            self.flags.add(flag)

        def clear_flag(self, flag: Any) -> None:
            self.flags.discard(flag)

        def add_optimization_profile(self, profile: Profile) -> int:
            self.profiles.append(profile)
            return len(self.profiles) - 1

        if generation < (10, 0):

            @property
            def max_workspace_size(self) -> int:
                return self.workspace

            @max_workspace_size.setter
            def max_workspace_size(self, size: int) -> None:
                self.workspace = size

        else:
            __slots__ = ("__weakref__", "flags", "profiles", "workspace")

    if generation >= (8, 4):
        module.MemoryPoolType = enum.Enum("MemoryPoolType", "WORKSPACE DLA_MANAGED_SRAM")

        def set_memory_pool_limit(self: Any, pool: Any, size: int) -> None:
            if pool is not module.MemoryPoolType.WORKSPACE:
                raise Misuse("a limit of another pool")
            self.workspace = size

        Config.set_memory_pool_limit = set_memory_pool_limit  # type: ignore[attr-defined]

    class Builder:
        def __init__(self, logger: Any) -> None:
            started(logger)
            machine.gpu.guard(self, "a builder")
            self._logger = logger
            if generation < (11, 0):
                self.platform_has_fast_fp16 = machine.fast_fp16

        def create_network(self, flags: int = 0) -> Network:
            return Network(explicit=bool(flags & 1) or generation >= (10, 0))

        def create_builder_config(self) -> Config:
            return Config()

        def create_optimization_profile(self) -> Profile:
            return Profile()

        def build_serialized_network(self, network: Network, config: Config) -> Optional[memoryview]:
            machine.gpu.context()
            if not network.onnx:
                raise Misuse("build before parse")
            for tensor in network.inputs:
                if -1 in tensor.shape and not any(tensor.name in profile.shapes for profile in config.profiles):
                    self._logger.log(Severity.ERROR, f"{tensor.name}: dynamic input without an optimization profile")
                    return None
            if config.workspace < machine.workspace_needed or machine.out_of_memory:
                self._logger.log(Severity.ERROR, "Cuda Runtime (out of memory)")
                return None
            fp16 = any(flag.name == "FP16" for flag in config.flags)
            most = config.profiles[0].shapes[network.inputs[0].name][2][0]
            tf32 = module.BuilderFlag.TF32 in config.flags
            machine.builds.append({"fp16": fp16, "tf32": tf32, "workspace": config.workspace, "most": most})
            head = {"version": version, "gpu": machine.gpu.name, "fp16": fp16, "most": most}
            return memoryview(MAGIC + json.dumps(head).encode() + b"\n" + network.onnx)

    class Runtime:
        def __init__(self, logger: Any) -> None:
            started(logger)
            machine.gpu.guard(self, "a runtime")
            self._logger = logger

        def deserialize_cuda_engine(self, plan: bytes) -> Optional[Engine]:
            machine.gpu.context()
            head, _, onnx = plan[len(MAGIC) :].partition(b"\n")
            told = json.loads(head) if plan.startswith(MAGIC) else {}
            if told.get("version") != version or told.get("gpu") != machine.gpu.name:
                self._logger.log(Severity.ERROR, "The engine plan file is not compatible with this version of TensorRT")
                return None
            return Engine(self, onnx, told)

    class EngineBindings:
        @property
        def num_bindings(self: Any) -> int:
            return len(self.tensors)

        def binding_is_input(self: Any, index: int) -> bool:
            return index < self.inputs

    class EngineNames:
        @property
        def num_io_tensors(self: Any) -> int:
            return len(self.tensors)

        def get_tensor_name(self: Any, index: int) -> str:
            return str(self.tensors[index])

        def get_tensor_mode(self: Any, name: str) -> Any:
            taken = self.tensors.index(name) < self.inputs
            return module.TensorIOMode.INPUT if taken else module.TensorIOMode.OUTPUT

    class ContextBindings:
        def set_binding_shape(self: Any, index: int, shape: Tuple[int, ...]) -> bool:
            if not self.engine.binding_is_input(index):
                raise Misuse("a shape for an output")
            return bool(self.set_shape(shape))

        def execute_async_v2(self: Any, bindings: List[int], stream_handle: int) -> bool:
            if len(bindings) != self.engine.num_bindings:
                raise Misuse("not one address for each binding")
            return bool(self.queue(dict(zip(self.engine.tensors, bindings)), stream_handle))

    class ContextNames:
        def set_input_shape(self: Any, name: str, shape: Tuple[int, ...]) -> bool:
            if self.engine.get_tensor_mode(name) is not module.TensorIOMode.INPUT:
                raise Misuse("a shape for an output")
            return bool(self.set_shape(shape))

        def set_tensor_address(self: Any, name: str, address: int) -> bool:
            machine.gpu.at(address)
            self.addresses[name] = address
            return True

        def execute_async_v3(self: Any, stream_handle: int) -> bool:
            if len(self.addresses) != len(self.engine.tensors):
                raise Misuse("a tensor without an address")
            return bool(self.queue(self.addresses, stream_handle))

    engine_calls: Any = ((EngineBindings,) if bindings else ()) + ((EngineNames,) if named else ())
    context_calls: Any = ((ContextBindings,) if bindings else ()) + ((ContextNames,) if named else ())

    class Engine(*engine_calls):  # type: ignore[misc]
        def __init__(self, runtime: Runtime, onnx: bytes, told: Dict[str, Any]) -> None:
            machine.gpu.guard(self, "an engine")
            self.runtime, self.told = runtime, told
            self.session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
            self.inputs = len(self.session.get_inputs())
            self.tensors = [node.name for node in [*self.session.get_inputs(), *self.session.get_outputs()]]

        def create_execution_context(self) -> Optional[Context]:
            machine.gpu.context()
            return None if machine.out_of_memory else Context(self)

    class Context(*context_calls):  # type: ignore[misc]
        def __init__(self, engine: Engine) -> None:
            machine.gpu.guard(self, "an execution context")
            self.engine = engine
            self.shape: Optional[Tuple[int, ...]] = None
            self.addresses: Dict[str, int] = {}

        def set_shape(self, shape: Tuple[int, ...]) -> bool:
            wanted = self.engine.session.get_inputs()[0].shape
            fits = 1 <= shape[0] <= self.engine.told["most"] and tuple(shape[1:]) == tuple(wanted[1:])
            self.shape = tuple(shape) if fits else None
            return fits

        def queue(self, addresses: Dict[str, int], stream_handle: int) -> bool:
            if not machine.takes_runs:
                return False
            machine.driver.streams[stream_handle].check()
            if self.shape is None:
                raise Misuse("run before the input's shape was set")
            shape, engine = self.shape, self.engine
            taken, given = engine.tensors
            if addresses[taken] == addresses[given]:
                raise Misuse("input and output in the same place")

            def run() -> None:
                memory = machine.gpu.at(addresses[taken])
                fed = memory[: 4 * int(np.prod(shape))].view(np.float32).reshape(shape)
                (logits,) = engine.session.run(None, {taken: fed})
                if engine.told["fp16"]:
                    logits = logits.astype(np.float16).astype(np.float32)
                if machine.overheated:
                    logits = logits * np.float32("nan")
                written = np.ascontiguousarray(logits).view(np.uint8).reshape(-1)
                machine.gpu.at(addresses[given])[: len(written)] = written

            machine.driver.streams[stream_handle].queue.append(run)
            return True

    if named:
        module.TensorIOMode = enum.Enum("TensorIOMode", "NONE INPUT OUTPUT")
    module.Builder, module.OnnxParser, module.Runtime = Builder, OnnxParser, Runtime
    return module
