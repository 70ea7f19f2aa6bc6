"""requirements/: what is installed by images and setup scripts is named to the byte."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LOCKS = sorted((REQUIREMENTS / "lock").glob("*.txt"))
LISTS = sorted(REQUIREMENTS.glob("*.wheels"))


def blocks(lock: Path) -> Dict[str, List[str]]:
    """Give the hashes of each line that names a package."""
    found: Dict[str, List[str]] = {}
    name = ""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", " ")):
            name = line
            found[name] = []
        found.setdefault(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line))
    return {name: hashes for name, hashes in found.items() if name}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda file: file.name)
def test_every_package_of_a_lock_has_one_version_and_hashes(lock: Path) -> None:
    assert len(blocks(lock)) > 5
    for line, hashes in blocks(lock).items():
        assert re.match(r"[A-Za-z0-9._-]+(\[[\w,]+\])?==[^ ;]+( ;| \\|$)", line), line
        assert hashes, line


@pytest.mark.parametrize("lock", LOCKS, ids=lambda file: file.name)
def test_a_lock_names_no_place(lock: Path) -> None:
    assert "://" not in lock.read_text(encoding="utf-8")
    assert not re.search(
        r"^\s*(-i|--index|--extra-index|--find-links|-e|-r)\b", lock.read_text(encoding="utf-8"), re.MULTILINE
    )


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.name)
def test_what_is_fetched_by_address_has_a_hash_and_comes_from_its_maker_first(file: Path) -> None:
    lines = [line.split(" ") for line in file.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert lines
    for hash_, name, address, *third_party in lines:
        assert re.fullmatch(r"[0-9a-f]{64}", hash_)
        assert name.endswith("_aarch64.whl")
        assert re.match(r"https://([a-z.]+\.)?(nvidia\.com|nvidia\.box\.com|jetson-ai-lab\.io)/", address)
        assert all(place.startswith("https://") and place.endswith(f"/{name}") for place in third_party)


def test_no_requirement_is_an_address() -> None:
    for file in REQUIREMENTS.glob("*.txt"):
        assert "://" not in re.sub(r"#.*", "", file.read_text(encoding="utf-8")), file.name


def test_releases_that_were_stolen_are_excluded() -> None:
    project = (REQUIREMENTS.parent / "pyproject.toml").read_text(encoding="utf-8")
    (bounds,) = re.findall(r'"lightning([^;"]*)', project)
    assert {"!=2.6.2", "!=2.6.3"} <= set(bounds.split(","))


@pytest.mark.parametrize(
    "lock", [file for file in LOCKS if file.stem.startswith(("pc-", "jetpack"))], ids=lambda file: file.name
)
def test_images_and_boards_have_what_answers_and_what_speaks_to_a_broker(lock: Path) -> None:
    assert {"starlette", "uvicorn", "paho-mqtt"} <= {line.partition("==")[0] for line in blocks(lock)}


def test_a_service_as_the_pages_install_it_can_listen_as_its_settings_say() -> None:
    root = REQUIREMENTS.parent
    assert re.search("^listen = ", (root / "systemd/fer-edge.toml").read_text(encoding="utf-8"), re.MULTILINE)
    for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for extras in re.findall(r"/opt/fer-edge/bin/pip install '\.\[(.*?)\]'", page.read_text(encoding="utf-8")):
            assert {"service", "web"} & set(extras.split(",")), page.name
