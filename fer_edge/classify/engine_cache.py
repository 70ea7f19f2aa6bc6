"""Keeps built engines: under a key of everything that an engine depends on, whole or not at all, one builder at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Iterator, Optional

from fer_edge.errors import OutputNotWritable
from fer_edge.meter import Clock
from fer_edge.model_files import cache_folder

logger = logging.getLogger("fer_edge")

MAGIC = b"fer-edge engine 1\n"
POLL_SECONDS = 0.2
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
        """See before the minutes of building whether the engine can be kept.

        Raises
        ------
        OutputNotWritable
            It must be kept, and cannot.
        """
        if not self._must_keep:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise OutputNotWritable(
                f"The engine could not be kept: {self.folder} cannot be written: {error.strerror}.",
                "Make it writable, or set XDG_CACHE_HOME to a folder that is.",
            ) from error

    def load(self, key: EngineKey) -> Optional[bytes]:
        """Give the plan that was stored under `key`; None, and a line in the log, where there is none that is whole."""
        path = self.folder / key.file_name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("the engine %s cannot be read: %s", path, error.strerror)
            return None
        plan = _unpack(content, key)
        if plan is None:
            logger.warning("the engine %s is damaged or of another machine, and is not used", path)
        return plan

    def store(self, key: EngineKey, plan: bytes) -> Optional[Path]:
        """Keep `plan`, and give its file; None, and a line in the log, where the folder cannot be written.

        The file is the old or the new one at any moment, also when the power fails.
        """
        path = self.folder / key.file_name
        draft = ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=self.folder, prefix=".engine-")
            with open(descriptor, "wb") as file:
                file.write(_pack(plan, key))
                file.flush()
                # mkstemp shuts everybody else out; a service's user must be able to read what an administrator built.
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            os.replace(draft, path)
            _sync_folder(self.folder)
        except OSError as error:
            if draft:
                with contextlib.suppress(OSError):
                    os.unlink(draft)
            logger.warning(
                "the engine is not kept, and will be built again: %s cannot be written: %s", self.folder, error.strerror
            )
            return None
        return path

    @contextlib.contextmanager
    def lock(self, name: str, progress: Callable[[str], None] = lambda line: None) -> Iterator[None]:
        """Be the only process that builds the engine of that name.

        Waits while another one does, at most `LONGEST_WAIT`; goes on without the lock after that, and where the folder
        cannot be written. A process that dies gives its lock back.
        """
        with contextlib.ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(open(self.folder / f"{name}.lock", "w", encoding="ascii"))
                self._wait_for(file.fileno(), progress)
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
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pack(plan: bytes, key: EngineKey) -> bytes:
    head = {**asdict(key), "plan_sha256": hashlib.sha256(plan).hexdigest()}
    return MAGIC + json.dumps(head).encode() + b"\n" + plan


def _unpack(content: bytes, key: EngineKey) -> Optional[bytes]:
    if not content.startswith(MAGIC):
        return None
    line, newline, plan = content[len(MAGIC) :].partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError:
        return None
    wanted = {**asdict(key), "plan_sha256": hashlib.sha256(plan).hexdigest()}
    return plan if newline and head == wanted else None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
