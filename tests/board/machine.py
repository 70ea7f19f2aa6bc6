"""A Debian with systemd and a V4L2 camera in QEMU's software emulation, and a shell in it."""

from __future__ import annotations

import itertools
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import List, NamedTuple, Optional

BOOT_SECONDS = 300.0
"""Emulation takes a minute on two quiet cores."""


class Answer(NamedTuple):
    """What a command printed, on both streams, and its exit code."""

    text: str
    code: int


class Guest:
    """A board that `scripts/make-board` made, running.

    Parameters
    ----------
    folder : Path
        With ``disk.img``, ``vmlinuz`` and ``initrd``. The disk is not written to.
    scratch : Path
        Where what the guest writes goes.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._folder = folder
        self._scratch = scratch
        self._disk = scratch / "disk.img"
        self._count = itertools.count()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._shell: Optional[socket.socket] = None
        shutil.copy(folder / "disk.img", self._disk)

    @property
    def console(self) -> Path:
        """What the kernel and systemd say."""
        return self._scratch / "console.log"

    def boot(self) -> None:
        """Switch it on, and wait for its shell."""
        place = self._scratch / "shell"
        place.unlink(missing_ok=True)
        command: List[str] = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max"]
        command += ["-smp", "2", "-m", "1536", "-nic", "none", "-no-reboot", "-display", "none"]
        command += ["-kernel", str(self._folder / "vmlinuz"), "-initrd", str(self._folder / "initrd")]
        command += ["-append", "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=1"]
        command += ["-drive", f"file={self._disk},if=virtio,format=raw,cache=writeback"]
        command += ["-serial", f"file:{self.console}", "-serial", f"unix:{place},server=on,wait=off"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + BOOT_SECONDS
        while not place.exists():
            assert self._process.poll() is None, "QEMU did not start"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        self._shell = socket.socket(socket.AF_UNIX)
        self._shell.connect(str(place))
        while self._talk("stty -echo", 10.0) is None:
            assert time.monotonic() < deadline, f"no shell after {BOOT_SECONDS:g} s: {self.console.read_text()[-2000:]}"
        while self.run("systemctl is-system-running").text not in ("running", "degraded"):
            assert time.monotonic() < deadline, self.run("systemctl list-jobs").text
            time.sleep(1.0)

    def run(self, command: str, seconds: float = 120.0) -> Answer:
        """Run a line of shell in the guest."""
        answer = self._talk(command, seconds)
        assert answer is not None, f"'{command}' did not end within {seconds:g} s"
        return answer

    def check(self, command: str, seconds: float = 120.0) -> str:
        """Run a line of shell that must succeed, and give what it printed."""
        answer = self.run(command, seconds)
        assert answer.code == 0, f"'{command}' gave {answer.code}: {answer.text}"
        return answer.text

    def wait_for(self, command: str, words: str, seconds: float = 120.0) -> str:
        """Repeat a command until it prints a match of the pattern `words`; gives what it printed."""
        deadline = time.monotonic() + seconds
        while True:
            text = self.run(command).text
            if re.search(words, text):
                return text
            assert time.monotonic() < deadline, f"'{command}' did not print '{words}' within {seconds:g} s: {text}"
            time.sleep(1.0)

    def reboot(self) -> None:
        """Shut it down in order, as on a real board, and switch it on again."""
        self._talk("systemctl poweroff", 5.0)
        assert self._process is not None
        self._process.wait(120)
        self.switch_off()
        self.boot()

    def switch_off(self) -> None:
        """Pull the plug."""
        if self._shell is not None:
            self._shell.close()
            self._shell = None
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def _talk(self, command: str, seconds: float) -> Optional[Answer]:
        assert self._shell is not None
        mark = f"=={next(self._count)}=="
        # The mark is split where it is sent, so that its echo is not taken for the answer.
        line = f"{{ {command}\n}} 2>&1; echo; echo '{mark[:2]}''{mark[2:]}' $?\n"
        self._shell.sendall(line.encode())
        self._shell.settimeout(1.0)
        deadline = time.monotonic() + seconds
        said = ""
        while time.monotonic() < deadline:
            try:
                piece = self._shell.recv(65536)
            except socket.timeout:
                continue
            if not piece:
                return None
            said += piece.decode("utf-8", "replace").replace("\r", "")
            found = re.search(rf"{mark} (\d+)\n", said)
            if found:
                text = said[: found.start()].strip()
                return Answer(re.sub(r"^(# |> )+", "", text, flags=re.MULTILINE).strip(), int(found.group(1)))
        return None
