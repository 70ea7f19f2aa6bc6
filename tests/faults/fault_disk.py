"""A disk of a few megabytes that can be full and free again."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Callable, List

from fault_program import Program

SIZE = 4 << 20


@lru_cache(maxsize=None)
def can_mount() -> bool:
    """Tell whether this user may mount a file system where nobody else sees it."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    command = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


class SmallDisk:
    """A file system in memory that only the program sees; without the right to mount, a limit on the size of its files."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "disk"
        self.place.mkdir()
        self.real = can_mount()
        script = 'mount -t tmpfs -o size="$0" none "$1" && shift && exec "$@"'
        self.prefix: List[str] = ["unshare", "-m", "sh", "-c", script, str(SIZE), str(self.place)] if self.real else []

    def seen_from(self, program: Program) -> Path:
        """Give the disk's folder as others reach it while the program runs."""
        return Path(f"/proc/{program.process.pid}/root{self.place}") if self.real else self.place

    def hold(self, program: Program, stack: Callable[..., None]) -> Path:
        """Give the disk's folder as this process reaches it, also when the program has ended."""
        descriptor = os.open(self.seen_from(program), os.O_RDONLY | os.O_DIRECTORY)
        stack(os.close, descriptor)
        return Path(f"/proc/self/fd/{descriptor}")

    def fill(self, program: Program) -> None:
        if not self.real:
            largest = max(path.stat().st_size for path in self.place.iterdir())
            resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
            return
        with (self.seen_from(program) / "filler").open("wb", buffering=0) as file:
            for size in (65536, 4096):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self, program: Program) -> None:
        if self.real:
            (self.seen_from(program) / "filler").unlink()
        else:
            free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, free)
