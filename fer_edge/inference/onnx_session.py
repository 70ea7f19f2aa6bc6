"""Runs ONNX files on ONNX Runtime, with the options that suit a small machine and with errors that say what to do."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

from numpy.typing import NDArray

from fer_edge import errors
from fer_edge.inference.onnx_file import read_onnx
from fer_edge.inference.onnx_options import DISABLED, MOST_MEMORY, session_options
from fer_edge.system.libraries import import_library, missing_extra

Provider = Union[str, Tuple[str, Mapping[str, Any]]]
"""A name such as ``CPUExecutionProvider``, alone or with its options."""

_LOAD_FAILURES = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "RuntimeException")
_UNSUPPORTED = ("NotImplemented",)
_PROVIDER_FAILURES = ("EPFail", "EngineError", "Fail", "NotImplemented", "RuntimeException")
_NO_MEMORY = ("Available memory of", "Failed to allocate memory", "bad_alloc", "bad allocation")


@dataclass(frozen=True)
class TensorInfo:
    """What goes in or comes out of a network.

    Attributes
    ----------
    name : str
        Its name in the graph.
    shape : tuple
        One entry for each axis: a number, a symbolic name, or None where nothing is said.
    type : str
        As ONNX Runtime writes it, for example ``tensor(float)``.
    """

    name: str
    shape: Tuple[Union[int, str, None], ...]
    type: str


class OnnxSession:
    """A loaded network. Use `open_session` to get one; on the CPU, several threads may run it at once.

    Attributes
    ----------
    path : Path
        The file it came from.
    metadata : mapping of str to str
        The file's ``metadata_props``.
    inputs, outputs : tuple of TensorInfo
        In the order of the graph.
    provider : str
        The execution provider that ONNX Runtime really took, which is the CPU where a faster one failed to start.
    """

    def __init__(self, path: Path, session: Any, invalid_argument: Type[Exception]) -> None:
        self.path = path
        self._session = session
        self._invalid_argument = invalid_argument
        if hasattr(session, "disable_fallback"):
            # Otherwise a provider that fails while it runs is replaced by another, with a word on the standard output.
            session.disable_fallback()
        # Kept for the fallback: a second copy of the weights.
        session._model_bytes = None
        try:
            self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
            self.inputs = tuple(_describe(node) for node in session.get_inputs())
            self.outputs = tuple(_describe(node) for node in session.get_outputs())
        except UnicodeDecodeError as error:
            raise errors.ModelCorrupt(
                f"The ONNX file {path} has names or metadata that are not UTF-8 text.",
                "Fetch or export the file again.",
            ) from error
        self.provider: str = session.get_providers()[0]

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> List[NDArray[Any]]:
        """Run the network once.

        Parameters
        ----------
        feeds : mapping of str to array
            An array for each input, by name.

        Returns
        -------
        list of array
            One for each of `outputs`.

        Raises
        ------
        ModelShapeError
            An array is missing, or has a shape or type that the network does not take.
        ModelError
            The network cannot be run although it could be loaded. On a GPU what ONNX Runtime raises is passed on, one of
            `provider_failures`, since another provider may do better.
        ValueError
            The session was closed.
        """
        if self._session is None:
            raise ValueError(f"the session of {self.path} was closed")
        failures: Tuple[Type[Exception], ...] = (self._invalid_argument, ValueError, MemoryError, *provider_failures())
        try:
            results: List[NDArray[Any]] = self._session.run(None, feeds)
        except failures as error:
            complaint = self._complaint(feeds)
            if complaint is None and self.provider != "CPUExecutionProvider":
                raise
            if complaint is None and _is_want_of_memory(error):
                raise _too_much_memory(self.path) from error
            if complaint is None:
                raise errors.ModelError(
                    f"The network {self.path} was loaded, but cannot be run: {_first_line(error)}",
                    "Fetch or export the file again. If it ran before, memory may have run out.",
                ) from error
            raise errors.ModelShapeError(f"{self.path} {complaint}.", _first_line(error)) from error
        return results

    def _complaint(self, feeds: Mapping[str, NDArray[Any]]) -> Optional[str]:
        """Return what is wrong with `feeds`; None when they fit and the fault lies elsewhere."""
        for info in self.inputs:
            if info.name not in feeds:
                return f"needs an input named '{info.name}', which was not given"
            given = feeds[info.name]
            fits = given.ndim == len(info.shape) and all(
                want == got for want, got in zip(info.shape, given.shape) if isinstance(want, int)
            )
            if not fits:
                return f"takes '{info.name}' of shape {list(info.shape)}, but was given {list(given.shape)}"
            if info.type != _TENSOR_TYPES.get(given.dtype.name, ""):
                return f"takes '{info.name}' as {info.type}, but was given {given.dtype}"
        unknown = sorted(set(feeds) - {info.name for info in self.inputs})
        return f"has no input named '{unknown[0]}'" if unknown else None

    def close(self) -> None:
        """Free the network and end its threads. May be called twice."""
        if self._session is not None:
            self._session = None


_TENSOR_TYPES: Dict[str, str] = {
    "float32": "tensor(float)",
    "float64": "tensor(double)",
    "float16": "tensor(float16)",
    "uint8": "tensor(uint8)",
    "int8": "tensor(int8)",
    "int32": "tensor(int32)",
    "int64": "tensor(int64)",
    "bool": "tensor(bool)",
}


def open_session(
    path: Union[str, os.PathLike[str]],
    *,
    threads: int,
    providers: Sequence[Provider] = ("CPUExecutionProvider",),
    edit: Optional[Callable[[bytes], bytes]] = None,
) -> OnnxSession:
    """Load an ONNX file.

    Parameters
    ----------
    path : path
        The file.
    threads : int
        How many threads one operation may use, at least 1. Operations run one after the other, and a thread that has
        nothing to do sleeps: spinning would take the core from the other stages.
    providers : sequence of Provider
        Execution providers, the preferred one first.
    edit : callable, optional
        Is given the file's content, and gives what to load in its place.

    Returns
    -------
    OnnxSession
        Ready to run.

    Raises
    ------
    MissingExtra
        ONNX Runtime is not installed, or the installed build lacks the wanted provider.
    LibraryUnusable
        It is installed, but does not load.
    ModelNotFound
        There is no such file, or this user may not read it.
    ModelCorrupt
        The file is empty, cut off, no ONNX file, or needs a newer ONNX Runtime; or `read_onnx` refuses it.
    ModelError
        The network needs more memory than `MOST_MEMORY`, or than there is.
    """
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    runtime = import_runtime()
    file = Path(path)
    names = [provider if isinstance(provider, str) else provider[0] for provider in providers]
    _check_providers(runtime, names)
    options = session_options(runtime, threads)
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    failures: Tuple[Type[Exception], ...] = (MemoryError, *_exceptions(state, _LOAD_FAILURES))
    try:
        content = read_onnx(file)
        content = content if edit is None else edit(content)
        # Newer releases print to the standard output when they fall back by themselves; older ones know no switch for it.
        session = runtime.InferenceSession(
            content,
            sess_options=options,
            providers=list(providers),
            disabled_optimizers=DISABLED,
            enable_fallback=0,
        )
    except _exceptions(state, _UNSUPPORTED) as error:
        raise errors.ModelCorrupt(
            f"The ONNX file {file} uses what ONNX Runtime {runtime.__version__} cannot run: {_first_line(error)}",
            "Upgrade ONNX Runtime, or export the model for opset 13 and IR version 7.",
        ) from error
    except failures as error:
        if _is_want_of_memory(error):
            raise _too_much_memory(file) from error
        raise errors.ModelCorrupt(
            f"{file} is not an ONNX file that ONNX Runtime {runtime.__version__} can load "
            f"(it may be cut off or damaged): {_first_line(error)}",
            "Fetch or export the file again and compare its size and sha256.",
        ) from error
    except UnicodeDecodeError as error:  # ONNX Runtime quotes the damage in its message
        raise errors.ModelCorrupt(
            f"{file} is not an ONNX file that ONNX Runtime {runtime.__version__} can load: it has names that are not text.",
            "Fetch or export the file again and compare its size and sha256.",
        ) from error
    return OnnxSession(file, session, state.InvalidArgument)


def provider_failures() -> Tuple[Type[Exception], ...]:
    """Return the exceptions that ONNX Runtime raises when a provider does not start, or fails while it runs."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    return (RuntimeError, *_exceptions(state, _PROVIDER_FAILURES))


def import_runtime() -> ModuleType:
    """Return the module ``onnxruntime``, which reports nothing to anybody.

    Raises
    ------
    MissingExtra, LibraryUnusable
        It is not installed, or does not load.
    """
    runtime = import_library("onnxruntime", "cpu", "Running an ONNX model")
    if not hasattr(runtime, "InferenceSession"):
        raise errors.LibraryUnusable(
            "Running an ONNX model needs ONNX Runtime, of which only a part is left: two of its packages were installed, "
            "and one of them was removed.",
            "Uninstall all:  pip uninstall onnxruntime onnxruntime-gpu   and install one flavour of fer-edge again.",
        )
    # What a camera's program does is nobody else's business. The package has stopped the reports that go over the network; this
    # is for builds that give them to the system.
    if hasattr(runtime, "disable_telemetry_events"):
        runtime.disable_telemetry_events()
    return runtime


def _check_providers(runtime: ModuleType, wanted: Sequence[str]) -> None:
    available = runtime.get_available_providers()
    for name in wanted:
        if name not in available:
            raise missing_extra(
                "onnxruntime-gpu", "gpu", f"ONNX Runtime's {name} (this build has only {', '.join(available)})"
            )


def _describe(node: Any) -> TensorInfo:
    return TensorInfo(node.name, tuple(node.shape), node.type)


def _exceptions(state: ModuleType, names: Sequence[str]) -> Tuple[Type[Exception], ...]:
    return tuple(getattr(state, name) for name in names if hasattr(state, name))


def _is_want_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY)


def _too_much_memory(file: Path) -> errors.ModelError:
    return errors.ModelError(
        f"The network {file} needs more memory than there is, or than the {MOST_MEMORY >> 20} MB that networks may take.",
        "Close other programs; if it stays so, the file is not what it seems.",
    )


def _first_line(error: BaseException) -> str:
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    # ONNX Runtime quotes names of the file, which must not steer a terminal.
    return "".join(letter if letter.isprintable() else "?" for letter in line)
