"""Imports of libraries: tells one that is not installed from one that is there and does not load."""

from __future__ import annotations

import errno
import importlib
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Iterator, Optional

from fer_edge.errors import FerEdgeError, LibraryUnusable, MissingExtra
from fer_edge.system.installation import pip_install

PACKAGES = {
    "PIL": "pillow",
    "backports": "backports.zoneinfo",
    "cv2": "opencv-python",
    "paho": "paho-mqtt",
    "pillow_heif": "pillow-heif",
    "prometheus_client": "prometheus-client",
}
"""What is installed to have a module, where the names differ."""

EXTRAS = {
    "PIL": "train",
    "anyio": "web",
    "av": "media",
    "backports": "report",
    "click": "web",
    "cv2": "cpu",
    "grpc": "triton",
    "fsspec": "cluster",
    "lightning": "train",
    "matplotlib": "train",
    "mediapipe": "mediapipe",
    "onnx": "train",
    "onnxruntime": "cpu",
    "paho": "mqtt",
    "pillow_heif": "heif",
    "plotly": "report",
    "pyarrow": "parquet",
    "pycuda": "jetson",
    "ray": "cluster",
    "starlette": "web",
    "tritonclient": "triton",
    "torch": "train",
    "tqdm": "train",
    "uvicorn": "web",
}
"""The extra of fer-edge that brings a module; of several, the one for most machines."""

LOAD_FAILURES = (ImportError, OSError, MemoryError, AttributeError, RuntimeError, SystemError)
"""What the import of a library raises that is damaged, or built for others than those that are there."""

_OF_UNIX = ("fcntl", "grp", "pwd", "resource", "termios")
"""What Python brings on Unix alone, and cameras, service and soak need."""

_OURS = ("fer_edge", "__main__", "runpy", "importlib", "_frozen_importlib", "_frozen_importlib_external")
_LONGEST_REASON = 300
_NO_MEMORY = ("cannot allocate memory", "failed to map segment", "bad_alloc", "out of memory")


def import_library(module: str, extra: str, needed_for: str) -> ModuleType:
    """Import a library that an installation may lack.

    Parameters
    ----------
    module : str
        Its name, dotted where only a part of it is wanted.
    extra : str
        The extra of fer-edge that brings it, where `EXTRAS` does not know it.
    needed_for : str
        What cannot be done without it, as the beginning of a sentence.

    Raises
    ------
    MissingExtra
        It is not installed.
    LibraryUnusable
        It is installed, and does not load.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:  # whatever a library's first lines may raise
        raise import_failure(error, module, extra, needed_for) from error


@contextmanager
def needing(extra: str, needed_for: str, library: str = "") -> Iterator[None]:
    """Return which library an import within the block did not find, or could not load.

    Parameters
    ----------
    extra, needed_for : str
        As for `import_library`.
    library : str
        What to name where the error does not say whose it is.

    Raises
    ------
    MissingExtra, LibraryUnusable
        In place of the import's own error.
    """
    try:
        yield
    except (ImportError, OSError, MemoryError) as error:
        module = library_of(error) or (library if isinstance(error, ImportError) else "")
        if not module or module in _OURS:
            raise
        raise import_failure(error, module, extra, needed_for) from error


def missing_extra(package: str, extra: str, needed_for: str) -> MissingExtra:
    """Return the error for a package that the chosen flavour of installation does not bring.

    Parameters
    ----------
    package : str
        Its name for pip.
    extra : str
        The flavour that brings it.
    needed_for : str
        The subject of the sentence that says why.
    """
    return MissingExtra(
        f"{needed_for} needs the Python package '{package}', which is not installed.",
        f"Install it with:  {pip_install(extra)}",
    )


def import_failure(error: BaseException, module: str, extra: str, needed_for: str) -> FerEdgeError:
    """Return what it means that an import of `module` raised `error`."""
    top = module.partition(".")[0]
    package = PACKAGES.get(top, top)
    if top in _OF_UNIX:
        return MissingExtra(
            f"This part of fer-edge runs on Linux only: this system has no '{top}'.",
            "Files, the library and the benchmark run here as well.",
        )
    if is_missing(error, top):
        return missing_extra(package, EXTRAS.get(top, extra), needed_for)
    words = in_short(error)
    return LibraryUnusable(
        f"{needed_for} needs the Python package '{package}', which is installed, but does not load: {words}.",
        _remedy(error, words, package),
    )


def is_missing(error: BaseException, module: str) -> bool:
    """Return whether an import failed because there is no `module` at all, and not because of something in it."""
    name = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    return name == module or (name.startswith(module + ".") and find_spec(module) is None)


def library_of(error: BaseException) -> Optional[str]:
    """Return the library whose import an error ended, the outermost where one imports another; None where none did."""
    trace = error.__traceback__
    while trace is not None:
        top = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if top and top not in _OURS and trace.tb_frame.f_code.co_name == "<module>":
            return top
        trace = trace.tb_next
    name = error.name if isinstance(error, ImportError) else None
    return name.partition(".")[0] if name else None


def in_short(error: BaseException) -> str:
    """Return the line of an error that says why; that of numpy stands in the middle of a page."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "Original error was" in line] or lines
    if not telling:
        return "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    words = telling[0].replace("Original error was:", "").strip().rstrip(".")
    return words if len(words) <= _LONGEST_REASON else words[:_LONGEST_REASON] + "..."


def _remedy(error: BaseException, words: str, package: str) -> str:
    short = isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM
    if short or any(sign in words.lower() for sign in _NO_MEMORY):
        return "The memory does not suffice: end other programs, lift a limit (ulimit -v, MemoryMax=), or add swap."
    if "too many open files" in words.lower():
        return "The limit of descriptors does not suffice: lift it (ulimit -n, LimitNOFILE=) to 1024 or more."
    if "libGL.so" in words or "libgthread" in words or "libglib" in words:
        return "Install what it lacks:  sudo apt install libgl1 libglib2.0-0  or take the extra 'headless'."
    return f"Install it anew:  pip install --force-reinstall {package}   `fer-edge doctor` tells what else is wrong."
