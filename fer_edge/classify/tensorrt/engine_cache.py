"""Keeps built engines: under a key of everything that an engine depends on, whole or not at all, one builder at a time.

An engine is code that runs on the GPU and in this process. So it is taken only from a file, and a folder, that nobody but this
user and root can change.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import re
import stat
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Iterator, Optional, Union

from fer_edge.errors import OutputNotWritable
from fer_edge.inference.model_files import cache_folder
from fer_edge.system.atomic_file import ALL_READ, replacing
from fer_edge.system.clock import Clock
from fer_edge.system.new_file import make_folders
from fer_edge.system.regular_file import folder_that_others_change, open_regular, others_may_change, read_at_most
from fer_edge.system.unix import lock

logger = logging.getLogger("fer_edge")

MAGIC = b"fer-edge engine 1\n"
MOST_PLAN = 512 << 20
"""Bytes of an engine's file. One of the largest ONNX file that is taken has half of it."""

POLL_SECONDS = 0.2
_LONGEST_HEAD = 1 << 16
LONGEST_WAIT = 1800.0
"""Seconds to wait for another process that builds the same engine; a Nano needs minutes."""


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on.

    Attributes
    ----------
    model : str
        Name of the model, for people: part of the file's name.
    model_sha256 : str
        Of the ONNX file.
    tensorrt : str
        Its version.
    gpu : str
        Name of the GPU.
    compute_capability : str
        Such as ``5.3``.
    precision : str
        ``fp32`` or ``fp16``.
    most_faces : int
        Largest batch.
    """

    model: str
    model_sha256: str
    tensorrt: str
    gpu: str
    compute_capability: str
    precision: str
    most_faces: int

    @property
    def file_name(self) -> str:
        """A name that tells the machines apart for people, and everything for the program."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]
        words = f"{self.model}-{self.gpu}-trt{self.tensorrt}-{self.precision}-b{self.most_faces}"
        return f"{re.sub('[^A-Za-z0-9._]+', '-', words)}-{digest}.engine"


class EngineCache:
    """A folder of engines.

    Parameters
    ----------
    folder : Path, optional
        By default ``engines`` beside the user's fetched models. It is made when the first engine is stored.
    must_keep : bool
        Whether an engine that cannot be kept is not worth building.
    clock, sleep : callable
        Monotonic seconds, and how to pass some.
    """

    def __init__(
        self,
        folder: Optional[Path] = None,
        must_keep: bool = False,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.folder = folder or cache_folder().parent / "engines"
        self._must_keep = must_keep
        self._clock, self._sleep = clock, sleep

    def prepare(self) -> None:
        """Find out before the minutes of building whether the engine can be kept.

        Raises
        ------
        OutputNotWritable
            It must be kept, and cannot.
        """
        if not self._must_keep:
            return
        try:
            with self._opened(), tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise OutputNotWritable(
                f"The engine could not be kept: {self.folder} cannot be written: {error.strerror}.",
                "Make it writable for this user alone, or set XDG_CACHE_HOME to a folder that is.",
            ) from error

    def load(self, key: EngineKey) -> Optional[bytes]:
        """Return the plan that was stored under `key`; None, and a line in the log, where there is none that is whole."""
        path = self.folder / key.file_name
        try:
            with self._opened(make=False) as folder, open_regular(path.name, folder, follow=False) as file:
                if others_may_change(os.fstat(file.fileno())):
                    raise PermissionError(errno.EPERM, "others may change it, and an engine is code; remove it")
                content = read_at_most(file, MOST_PLAN)
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("the engine %s is not used: %s", path, error.strerror)
            return None
        plan = _unpack(content, key)
        if plan is None:
            logger.warning("the engine %s is damaged or of another machine, and is not used", path)
        return plan

    def store(self, key: EngineKey, plan: bytes) -> Optional[Path]:
        """Keep `plan`, and return its file; None, and a line in the log, where the folder cannot be written.

        The file is the old or the new one at any moment, also when the power fails.
        """
        path = self.folder / key.file_name
        try:
            # A service's user must be able to read what an administrator built.
            with self._opened() as folder, replacing(path.name, ALL_READ, folder) as draft:
                draft.write(_pack(plan, key))
        except OSError as error:
            logger.warning(
                "the engine is not kept, and will be built again: %s is not written: %s", self.folder, error.strerror
            )
            return None
        return path

    def subfolder(self, name: str) -> Path:
        """Return a folder for a library that keeps engines itself, by path and without looking whose they are.

        Raises
        ------
        OSError
            It cannot be made, or somebody else may change it, or what is in it.
        """
        path = self.folder / name
        with self._opened() as folder:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=folder)
            descriptor = _open_folder(name, folder)
            try:
                with os.scandir(descriptor) as entries:
                    for entry in entries:
                        _check_entry(entry.name, entry.stat(follow_symlinks=False))
            finally:
                os.close(descriptor)
        foreign = folder_that_others_change(path)
        if foreign is not None:
            raise PermissionError(errno.EPERM, f"others may change {foreign}")
        return path

    @contextlib.contextmanager
    def _opened(self, make: bool = True) -> Iterator[int]:
        """Return a descriptor of the folder. Raises OSError where somebody else may change it."""
        if make:
            make_folders(self.folder, 0o755)
        descriptor = _open_folder(self.folder)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def lock(self, name: str, progress: Callable[[str], None] = lambda line: None) -> Iterator[None]:
        """Be the only process that builds the engine of that name.

        Waits while another one does, at most `LONGEST_WAIT`; goes on without the lock after that, and where the folder
        cannot be written. A process that dies gives its lock back.
        """
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(self._opened())
                descriptor = _open_lock(f"{name}.lock", folder)
                stack.callback(os.close, descriptor)
                self._wait_for(descriptor, progress)
            except OSError as error:
                logger.warning("going on without a lock on %s: %s", self.folder, error.strerror)
            yield

    def _wait_for(self, descriptor: int, progress: Callable[[str], None]) -> None:
        started = self._clock()
        while not _try_lock(descriptor):
            waited = self._clock() - started
            if waited > LONGEST_WAIT:
                logger.warning("another process has been building the engine for %.0f s; building beside it", waited)
                break
            progress(f"another process builds the engine: {waited:.0f} s")
            self._sleep(POLL_SECONDS)
        progress("")


def _try_lock(descriptor: int) -> bool:
    try:
        lock(descriptor)
    except BlockingIOError:
        return False
    return True


def _pack(plan: bytes, key: EngineKey) -> bytes:
    head = {**asdict(key), "plan_sha256": hashlib.sha256(plan).hexdigest()}
    return MAGIC + json.dumps(head).encode() + b"\n" + plan


def _unpack(content: bytes, key: EngineKey) -> Optional[bytes]:
    end = content.find(b"\n", len(MAGIC), _LONGEST_HEAD)
    if not content.startswith(MAGIC) or end < 0:
        return None
    plan = content[end + 1 :]
    try:
        head = json.loads(content[len(MAGIC) : end])
    except (ValueError, RecursionError):
        return None
    wanted = {**asdict(key), "plan_sha256": hashlib.sha256(plan).hexdigest()}
    return plan if head == wanted else None


def _open_folder(path: Union[str, Path], folder: Optional[int] = None) -> int:
    # The folder of engines may be a link of the user's; one in it is not.
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if folder is None else os.O_NOFOLLOW)
    descriptor = os.open(path, flags, dir_fd=folder)
    if others_may_change(os.fstat(descriptor)):
        os.close(descriptor)
        raise PermissionError(
            errno.EPERM,
            "others may change what is in it, and an engine is code; give it to this user alone, or set XDG_CACHE_HOME",
        )
    return descriptor


def _check_entry(name: str, status: os.stat_result) -> None:
    if others_may_change(status) or not stat.S_ISREG(status.st_mode):
        raise PermissionError(errno.EPERM, f"others may change {name}, or it is no file; remove it")


def _open_lock(name: str, folder: int) -> int:
    # Nobody else may hold it, nothing is emptied, and neither a link nor a pipe is followed or waited for.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{name} is not a regular file; remove it")
    return descriptor
