"""A disk of a few megabytes that can be full and free again."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Callable

import pytest
from programs import Program

SIZE = 4 << 20


@lru_cache(maxsize=None)
def can_mount() -> bool:
    """Tell whether this user may mount a file system where nobody else sees it."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("nsenter")):
        return False
    command = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="only root may mount a disk that can be full")


class SmallDisk:
    """A file system in memory that only the program sees."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "disk"
        self.place.mkdir()
        script = 'mount -t tmpfs -o size="$0" none "$1" && shift && exec "$@"'
        self.prefix = ["unshare", "-m", "sh", "-c", script, str(SIZE), str(self.place)]

    def seen_from(self, program: Program) -> Path:
        """Give the disk's folder as others reach it while the program runs."""
        return Path(f"/proc/{program.process.pid}/root{self.place}")

    def hold(self, program: Program, stack: Callable[..., None]) -> Path:
        """Give the disk's folder as this process reaches it, also when the program has ended."""
        descriptor = os.open(self.seen_from(program), os.O_RDONLY | os.O_DIRECTORY)
        stack(os.close, descriptor)
        return Path(f"/proc/self/fd/{descriptor}")

    def fill(self, program: Program) -> None:
        with (self.seen_from(program) / "filler").open("wb", buffering=0) as file:
            for size in (65536, 4096):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def unmount(self, program: Program) -> None:
        """Take the disk away from under its open files, as it is done with one that is pulled out."""
        self._there(program, "umount", "-l", str(self.place))

    def mount(self, program: Program) -> None:
        self._there(program, "mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(self.place))

    @staticmethod
    def _there(program: Program, *command: str) -> None:
        subprocess.run(["nsenter", "-t", str(program.process.pid), "-m", *command], check=True)

    def free(self, program: Program) -> None:
        (self.seen_from(program) / "filler").unlink()
