from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from fer_edge.errors import OutputNotWritable
from fer_edge.sinks.mounts import MountGuard


class Machine:
    """What is mounted, and what shall be."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "a disk"
        (self.disk / "cam").mkdir(parents=True)
        self._table, self._mounts = folder / "fstab", folder / "mountinfo"
        self._table.write_text("# <file system> <mount point>\n/dev/sda1 / ext4 defaults 0 1\n")
        self.mount("/")

    def escaped(self) -> str:
        return str(self.disk).replace(" ", "\\040")

    def mount(self, *places: str) -> None:
        lines = [
            f"{20 + n} 1 8:{n} / {place} rw,relatime shared:1 - ext4 /dev/sd rw\n" for n, place in enumerate(places)
        ]
        self._mounts.write_text("".join(lines))

    def tell_fstab(self, options: str) -> None:
        with self._table.open("a") as file:
            file.write(f"UUID=0815 {self.escaped()} ext4 {options} 0 2\n")

    def guard(self, name: str = "out.jsonl") -> MountGuard:
        return MountGuard(str(self.disk / name), "results file", str(self._table), str(self._mounts))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("name", ["out.jsonl", "cam/out.jsonl"])
def test_a_disk_that_was_mounted_must_be_so_whenever_the_file_is_opened_anew(machine: Machine, name: str) -> None:
    machine.mount("/", machine.escaped())
    guard = machine.guard(name)
    guard.check()
    guard.check()
    machine.mount("/")
    for _ in range(2):
        with pytest.raises(OutputNotWritable, match="that disk is not mounted") as caught:
            guard.check()
    assert str(machine.disk) in caught.value.remedy
    machine.mount("/", machine.escaped())
    guard.check()


def test_a_disk_that_comes_later_is_looked_after_from_then_on(machine: Machine) -> None:
    guard = machine.guard()
    guard.check()
    machine.mount("/", machine.escaped())
    guard.check()
    machine.mount("/")
    with pytest.raises(OutputNotWritable):
        guard.check()


@pytest.mark.parametrize("options", ["defaults", "nofail,x-systemd.device-timeout=5"])
def test_a_disk_that_fstab_names_is_missed_at_the_very_start(machine: Machine, options: str) -> None:
    machine.tell_fstab(options)
    with pytest.raises(OutputNotWritable, match="sudo mount|not mounted"):
        machine.guard().check()
    machine.mount("/", machine.escaped())
    machine.guard().check()


def test_a_disk_that_is_mounted_by_hand_only_is_not_asked_for(machine: Machine) -> None:
    machine.tell_fstab("noauto,user")
    machine.guard().check()


@pytest.mark.parametrize("place", ["/", "{}-disk", "{}/elsewhere", "{shorter}"])
def test_disks_on_which_the_file_does_not_lie_are_none_of_its_business(machine: Machine, place: str) -> None:
    disk = machine.escaped()
    machine.mount("/", place.format(disk, shorter=disk[:-2]))
    guard = machine.guard()
    guard.check()
    machine.mount("/")
    guard.check()


def test_where_it_cannot_be_told_what_is_mounted_nothing_is_refused(tmp_path: Path) -> None:
    guards: List[MountGuard] = [MountGuard("x/out.jsonl", "results file", mounts=str(tmp_path / "missing"))]
    guards.append(MountGuard("x/out.jsonl", "results file", table=str(tmp_path / "missing")))
    for guard in guards:
        guard.check()
