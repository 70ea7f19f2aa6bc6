"""What a network took in FP32 and in INT8 on this machine, kept from one start to the next."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Optional

from fer_edge.system.atomic_file import ALL_READ, replacing
from fer_edge.system.new_file import make_folders
from fer_edge.system.regular_file import open_regular, read_at_most

logger = logging.getLogger("fer_edge")

_MOST = 1 << 14


@dataclass(frozen=True)
class TimingKey:
    """Everything that the two times depend on.

    Attributes
    ----------
    processor : str
        Its name.
    onnxruntime : str
        Version of ONNX Runtime.
    fp32_sha256, int8_sha256 : str
        Of the two files.
    threads : int
        Inference threads.
    """

    processor: str
    onnxruntime: str
    fp32_sha256: str
    int8_sha256: str
    threads: int

    @property
    def file_name(self) -> str:
        """The name of the file that holds the times."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16] + ".json"


@dataclass(frozen=True)
class Timing:
    """Milliseconds for one face, each the median of some."""

    fp32_ms: float
    int8_ms: float

    @property
    def gain(self) -> float:
        """How many times faster INT8 is."""
        return self.fp32_ms / self.int8_ms


class RememberedTimings:
    """A folder of timings, one in a file, each written whole or not at all.

    Parameters
    ----------
    folder : Path
        It is made when the first timing is stored.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: TimingKey) -> Optional[Timing]:
        """Return what was stored under `key`; None where there is nothing, and, with a line in the log, where it is damaged."""
        path = self._folder / key.file_name
        try:
            with open_regular(path) as file:
                content = read_at_most(file, _MOST)
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("the choice of precision in %s cannot be read, and is made anew: %s", path, error.strerror)
            return None
        timing = _unpack(content, key)
        if timing is None:
            logger.warning("the choice of precision in %s is damaged, and is made anew", path)
        return timing

    def store(self, key: TimingKey, timing: Timing) -> None:
        """Keep `timing`; where that cannot be done, say so once in this process."""
        content = json.dumps({"key": asdict(key), "timing": asdict(timing)}, indent=2) + "\n"
        try:
            make_folders(self._folder, 0o755)
            with replacing(self._folder / key.file_name, ALL_READ) as draft:
                draft.write(content.encode())
        except OSError as error:
            _warn_once(self._folder, error.strerror or type(error).__name__)


def _unpack(content: bytes, key: TimingKey) -> Optional[Timing]:
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError, OverflowError):
        told = json.loads(content)
        timing = Timing(float(told["timing"]["fp32_ms"]), float(told["timing"]["int8_ms"]))
        sound = all(math.isfinite(value) and value > 0 for value in (timing.fp32_ms, timing.int8_ms))
        if told["key"] == asdict(key) and sound:
            return timing
    return None


@lru_cache(maxsize=None)
def _warn_once(folder: Path, reason: str) -> None:
    logger.warning(
        "the choice of precision is not kept, and is made at each start: %s is not written: %s", folder, reason
    )
