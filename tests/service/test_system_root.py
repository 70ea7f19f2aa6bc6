from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Callable, List, Tuple

import pytest

from fer_edge.cli.main import main
from fer_edge.errors import ServiceError, SettingsError
from fer_edge.service.system_root import MOST_LINKS, SystemRoot

PROGRAM = "/opt/fer-edge/bin/fer-edge"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Make what must stay as it is: it lies beside the card, where the card's links lead from here."""
    host = tmp_path / "host"
    (host / "etc").mkdir(parents=True)
    (host / "etc/fer-edge.toml").write_text("the host's")
    return host


@pytest.fixture
def card(tmp_path: Path, host: Path) -> Path:
    """Make a card that has the account already, so that no program of this machine takes part."""
    card = tmp_path / "card"
    (card / "etc").mkdir(parents=True)
    (card / "etc/passwd").write_text("fer-edge:x:999:999::/:/bin/false\n")
    (card / "etc/group").write_text("video:x:44:fer-edge\n")
    return card


def install(card: Path, *more: str) -> int:
    return main(["service", "install", "--root", str(card), "--program", PROGRAM, *more])


def uninstall(card: Path, *more: str) -> int:
    return main(["service", "uninstall", "--root", str(card), *more])


def snapshot(folder: Path) -> List[Tuple[str, int, bytes]]:
    return [
        (str(path), path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    ]


LEADING_OUT = {
    "an absolute link for a folder": lambda card, host: (card / "etc/fer-edge").symlink_to(host / "etc"),
    "an absolute link for the folder of units": lambda card, host: (
        (card / "etc/systemd").mkdir(),
        (card / "etc/systemd/system").symlink_to(host / "etc"),
    ),
    "a relative link that climbs": lambda card, host: (card / "etc/fer-edge").symlink_to("../../../host/etc"),
    "an absolute link in place of a file": lambda card, host: (
        (card / "etc/systemd/system").mkdir(parents=True),
        (card / "etc/systemd/system/fer-edge.service").symlink_to(host / "etc/fer-edge.toml"),
    ),
    "a link in place of what is written first": lambda card, host: (
        (card / "etc/systemd/system").mkdir(parents=True),
        (card / "etc/systemd/system/.fer-edge.service.new").symlink_to(host / "etc/fer-edge.toml"),
    ),
    "a link for all of usr": lambda card, host: (card / "usr").symlink_to(host),
    "links through links": lambda card, host: (
        (card / "a").symlink_to(host),
        (card / "b").symlink_to("/a/../a"),
        (card / "usr").symlink_to("b"),
    ),
}


@pytest.mark.parametrize("how", LEADING_OUT)
def test_no_link_of_a_card_leads_the_installation_out_of_it(how: str, card: Path, host: Path) -> None:
    LEADING_OUT[how](card, host)
    before = snapshot(host)
    for verb in (install, uninstall, lambda card: uninstall(card, "--purge")):
        with suppress(ServiceError):
            verb(card)
        assert snapshot(host) == before


def test_an_absolute_link_means_the_card_s_own_folder(card: Path) -> None:
    (card / "data/settings").mkdir(parents=True)
    (card / "etc/fer-edge").symlink_to("/data/settings")
    (card / "usr").symlink_to("../../data")
    assert install(card) == 0
    assert (card / "data/settings/fer-edge.toml").is_file()
    assert stat.S_IMODE((card / "data/settings/fer-edge.env").stat().st_mode) == 0o600
    assert (card / "data/lib/sysusers.d/fer-edge.conf").is_file()
    wanted = card / "etc/systemd/system/multi-user.target.wants/fer-edge.service"
    assert os.readlink(wanted) == "/etc/systemd/system/fer-edge.service"
    assert uninstall(card, "--purge") == 0
    assert not list((card / "etc/systemd/system").glob("**/fer-edge*"))
    assert not (card / "etc/fer-edge").is_symlink()
    assert (card / "data/settings/fer-edge.toml").is_file()


def test_settings_behind_an_absolute_link_are_those_that_are_checked(card: Path, host: Path) -> None:
    (host / "fer-edge.toml").write_text("camra = 0\n")
    (card / "etc/fer-edge").mkdir()
    (card / "etc/fer-edge/fer-edge.toml").symlink_to(host / "fer-edge.toml")
    inside = card / str(host).lstrip("/")
    inside.mkdir(parents=True)
    (inside / "fer-edge.toml").write_text("camera = 0\n")
    assert install(card) == 0
    assert (card / "etc/fer-edge/fer-edge.toml").is_symlink()


def fifo(card: Path) -> None:
    (card / "etc/fer-edge").mkdir()
    os.mkfifo(card / "etc/fer-edge/fer-edge.toml")


IN_THE_WAY = {
    "no ordinary file": fifo,
    "a folder": lambda card: (card / "etc/fer-edge/fer-edge.toml").mkdir(parents=True),
    "Too many levels": lambda card: (card / "etc/fer-edge").symlink_to("fer-edge"),
    "leads nowhere": lambda card: (card / "etc/fer-edge").symlink_to("/data/on/a/disk/that/is/not/mounted"),
    "Not a directory": lambda card: (card / "etc/fer-edge").write_text(""),
}


@pytest.mark.parametrize("reason", IN_THE_WAY)
def test_what_is_in_the_way_is_refused_by_its_name_without_a_wait(reason: str, card: Path) -> None:
    IN_THE_WAY[reason](card)
    with pytest.raises(ServiceError, match=f"etc/fer-edge/fer-edge.toml(.|\n)*{reason}"):
        install(card)
    assert not (card / "data").exists()
    assert not (card / "etc/systemd").exists()


def test_a_link_to_settings_on_a_disk_that_is_not_mounted_stays(card: Path) -> None:
    (card / "etc/fer-edge").mkdir()
    link = card / "etc/fer-edge/fer-edge.toml"
    link.symlink_to("/data/fer-edge.toml")
    with pytest.raises(ServiceError, match="fer-edge.toml is in the way: No such file"):
        install(card)
    assert link.is_symlink()
    assert not (card / "etc/systemd").exists()


def test_a_fifo_or_a_link_in_place_of_a_unit_is_replaced(card: Path, host: Path) -> None:
    folder = card / "etc/systemd/system"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "fer-edge.service")
    (folder / "fer-edge@.service").symlink_to("/dev/null")
    assert install(card) == 0
    assert (folder / "fer-edge.service").is_file()
    assert not (folder / "fer-edge@.service").is_symlink()


@pytest.mark.parametrize("name", ["etc/passwd", "etc/shadow", "usr/lib/sysusers.d", "usr"])
def test_systemd_sysusers_is_not_let_loose_where_a_link_leads_out(
    name: str, card: Path, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (card / "etc/group").write_text("")
    (card / name).parent.mkdir(parents=True, exist_ok=True)
    if name == "etc/passwd":
        (card / name).unlink()
    (card / name).symlink_to(host)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServiceError, match="leads out of .*card by a link, and systemd-sysusers"):
        install(card)
    assert not (card / "etc/systemd").exists()


def test_units_are_for_everybody_to_read_whatever_the_umask_is_and_a_cut_off_installation_is_no_obstacle(
    card: Path,
) -> None:
    folder = card / "etc/systemd/system"
    folder.mkdir(parents=True)
    (folder / ".fer-edge.service.new").write_text("[Unit]\n")
    before = os.umask(0o077)
    try:
        assert install(card) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "fer-edge.service").stat().st_mode) == 0o644
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["fer-edge.service", "fer-edge@.service"]


def test_relative_links_that_stay_on_the_card_are_no_reason_to_refuse(card: Path) -> None:
    (card / "usr/lib").mkdir(parents=True)
    (card / "lib").symlink_to("usr/lib")
    (card / "etc/shadow").symlink_to("../usr/shadow")
    root = SystemRoot(card)
    for name in ("lib/sysusers.d", "etc/shadow", "etc/nothing/there"):
        assert root.is_plain(name), name
    (card / "etc/up").symlink_to("../../..")
    assert not root.is_plain("etc/up/x")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away takes root")
@pytest.mark.parametrize("spoil", [lambda folder: os.chown(folder, 1234, 0), lambda folder: folder.chmod(0o777)])
@pytest.mark.parametrize("which", ["", "etc"])
def test_a_system_that_others_can_change_meanwhile_is_refused(
    which: str, spoil: Callable[[Path], None], card: Path
) -> None:
    spoil(card / which)
    for verb in (install, uninstall):
        with pytest.raises(ServiceError, match="can be changed by others"):
            verb(card)


@pytest.mark.parametrize("linked", [False, True])
def test_a_file_of_secrets_that_others_can_read_is_closed_to_them(
    linked: bool, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (card / "etc/fer-edge").mkdir()
    name = secret = card / "etc/fer-edge/fer-edge.env"
    if linked:
        secret = card / "secret"
        name.symlink_to("/secret")
    secret.write_text("FER_EDGE_TOKEN=sesame\n")
    secret.chmod(0o644)
    assert install(card) == 0
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text() == "FER_EDGE_TOKEN=sesame\n"
    assert f"keep others from reading {name}" in capsys.readouterr().out
    assert install(card) == 0
    assert "Nothing had to be changed." in capsys.readouterr().out


def test_a_chain_of_links_is_followed_as_far_as_the_kernel_would(tmp_path: Path) -> None:
    (tmp_path / "link0").write_text("text")
    for number in range(1, MOST_LINKS + 5):
        (tmp_path / f"link{number}").symlink_to(f"/link{number - 1}")
    root = SystemRoot(tmp_path)
    content = root.read("link30")
    assert content is not None
    assert content.data == b"text"
    with pytest.raises(OSError, match="Too many levels"):
        root.read(f"link{MOST_LINKS + 4}")


def test_a_link_to_the_parent_of_the_root_is_the_root(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("outside")
    root = tmp_path / "root"
    root.mkdir()
    (root / "up").symlink_to("..")
    (root / "inside").write_text("inside")
    assert SystemRoot(root).names("up") == ["inside", "up"]
    assert SystemRoot(root).read("up/outside") is None
    with pytest.raises(OSError, match="a folder"):
        SystemRoot(root).read("up")


def test_no_descriptor_stays_open(card: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    install(card)
    uninstall(card, "--purge")
    for name in ("etc/fer-edge/x", "nowhere/at/all", "etc/passwd/x"):
        SystemRoot(card).has(name)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", ["fer-edge.toml", "fer-edge.env", "door.env", ""])
def test_settings_that_everybody_can_change_are_not_installed(name: str, card: Path) -> None:
    folder = card / "etc/fer-edge"
    folder.mkdir()
    for file in ("fer-edge.toml", "fer-edge.env", "door.env"):
        (folder / file).touch(0o644)
    (folder / name).chmod(0o777)
    before = snapshot(card)
    with pytest.raises(SettingsError, match=f"{folder / name} is not safe: everybody may write there"):
        install(card)
    assert snapshot(card) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another group takes root")
@pytest.mark.parametrize("name", ["fer-edge.toml", "fer-edge.env", ""])
def test_settings_that_another_group_can_change_are_not_installed(name: str, card: Path) -> None:
    folder = card / "etc/fer-edge"
    folder.mkdir()
    for file in ("fer-edge.toml", "fer-edge.env"):
        (folder / file).touch(0o644)
    os.chown(folder / name, 0, 54321)
    (folder / name).chmod(0o775)
    with pytest.raises(SettingsError, match=f"{folder / name} is not safe: the group 54321 may write there") as caught:
        install(card)
    assert "chown root:root" in caught.value.remedy
