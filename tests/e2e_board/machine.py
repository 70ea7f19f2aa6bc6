"""A Debian with systemd and a V4L2 camera in QEMU's software emulation, and a shell in it."""

from __future__ import annotations

import itertools
import re
import shlex
import socket
import subprocess
import time
from pathlib import Path
from typing import List, NamedTuple, Optional

BOOT_SECONDS = 300.0
"""Emulation takes a minute on two quiet cores."""

QUIET = "stty -echo -onlcr"
"""Makes the line give nothing but what commands print."""


class Answer(NamedTuple):
    """What a command printed, on both streams, and its exit code."""

    text: str
    code: int


class Guest:
    """A board that `scripts/make-board` made, switched on.

    Parameters
    ----------
    folder : Path
        With ``disk.img``, ``vmlinuz`` and ``initrd``, none of which is written to, and ``wheel``, which the guest may read.
    scratch : Path
        Where what the guest says goes.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._folder = folder
        self._scratch = scratch
        self._count = itertools.count()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._shell: Optional[socket.socket] = None

    @property
    def console(self) -> Path:
        """What the kernel and systemd say."""
        return self._scratch / "console.log"

    def switch_on(self) -> None:
        """Start it, and wait until it has booted."""
        place = self._scratch / "shell"
        place.unlink(missing_ok=True)
        # Software emulation even where there is hardware for it: KVM inside of another virtual machine may hang.
        command: List[str] = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "Nehalem"]
        command += ["-smp", "2", "-m", "1536", "-nic", "none", "-display", "none", "-monitor", "none"]
        command += ["-kernel", str(self._folder / "vmlinuz"), "-initrd", str(self._folder / "initrd")]
        command += ["-append", "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=1 panic=10"]
        command += ["-snapshot", "-drive", f"file={self._folder / 'disk.img'},if=virtio,format=raw,cache=unsafe"]
        command += ["-virtfs", f"local,path={self._folder / 'wheel'},mount_tag=wheel,security_model=none,readonly=on"]
        command += ["-serial", f"file:{self.console}", "-serial", f"unix:{place},server=on,wait=off"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10.0
        while not place.exists():
            assert self._process.poll() is None, "QEMU did not start"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        self.connect(place)
        self._wait_until_booted("")

    def connect(self, place: Path) -> None:
        """Take the line to the guest's shell."""
        self._shell = socket.socket(socket.AF_UNIX)
        self._shell.connect(str(place))

    def switch_off(self) -> None:
        """Pull the plug."""
        if self._shell is not None:
            self._shell.close()
            self._shell = None
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def reboot(self, command: str) -> None:
        """Run a command that ends in a new boot, and wait for that."""
        before = self.check("cat /proc/sys/kernel/random/boot_id")
        self._talk(f"{command} &", 5.0)
        self._wait_until_booted(before)

    def run(self, command: str, seconds: float = 60.0) -> Answer:
        """Run lines of shell in the guest; they are ended after `seconds`."""
        answer = self._talk(f"timeout -k 5 {seconds:g} bash -c {shlex.quote(command)} </dev/null 2>&1", seconds + 30.0)
        assert answer is not None, f"the guest did not answer to '{command}': {self._last_words()}"
        assert answer.code != 124, f"'{command}' did not end within {seconds:g} s: {answer.text}"
        return answer

    def check(self, command: str, seconds: float = 60.0) -> str:
        """Run lines of shell that must succeed, and return what they printed."""
        answer = self.run(command, seconds)
        assert answer.code == 0, f"'{command}' gave {answer.code}: {answer.text}"
        return answer.text

    def wait_for(self, command: str, pattern: str, seconds: float = 120.0) -> str:
        """Repeat a command until it prints something that `pattern` matches; returns what it printed."""
        deadline = time.monotonic() + seconds
        while True:
            text = self.run(command).text
            if re.search(pattern, text):
                return text
            assert time.monotonic() < deadline, f"'{command}' did not print '{pattern}' within {seconds:g} s: {text}"
            time.sleep(0.5)

    def uptime(self) -> float:
        """Return the guest's monotonic clock, which the journal counts in, too."""
        return float(self.check("cut -d' ' -f1 /proc/uptime"))

    def _wait_until_booted(self, before: str) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            answer = self._talk(f"{QUIET}; cat /proc/sys/kernel/random/boot_id", 10.0)
            if answer is not None and answer.text and answer.text.splitlines()[-1] != before:
                break
            assert time.monotonic() < deadline, f"no shell after {BOOT_SECONDS:g} s: {self._last_words()}"
        while self.run("systemctl is-system-running").text not in ("running", "degraded"):
            assert time.monotonic() < deadline, self.run("systemctl list-jobs").text
            time.sleep(1.0)
            # systemd may have reset the line after the first time, and what is echoed is taken for a part of the answer.
            self._talk(QUIET, 10.0)

    def _talk(self, line: str, seconds: float) -> Optional[Answer]:
        assert self._shell is not None
        mark = f"=={next(self._count)}=="
        # The mark is split where it is sent, so that its echo is not taken for the answer.
        self._shell.sendall(f"{line}\ncode=$?; echo; echo '{mark[:2]}''{mark[2:]}' $code\n".encode())
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
                return Answer(said[: found.start()].strip(), int(found.group(1)))
        return None

    def _last_words(self) -> str:
        return self.console.read_text(encoding="utf-8", errors="replace")[-2000:]
