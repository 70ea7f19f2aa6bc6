from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, List, Set, Tuple

import pytest

from scripts.build_site import loaded_from_elsewhere

ROOT = Path(__file__).parents[2]
FOLDERS = (".", "docs", "docker", "models", "tests", "examples")


def documents() -> List[Path]:
    found = [file for folder in FOLDERS for file in sorted((ROOT / folder).glob("*.md"))]
    assert len(found) > 20
    return found


def prose(file: Path) -> str:
    """Give a document without its blocks and pieces of code, which hold no links."""
    text = re.sub(r"^(```+).*?^\1", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(file: Path) -> Set[str]:
    """Give the names under which the headings of a document are reached, as GitHub makes them."""
    text = re.sub(r"^(```+).*?^\1", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+?) *#*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(file: Path) -> Iterator[Tuple[str, str]]:
    """Give path and anchor of each link to something that is part of the project."""
    for target in re.findall(r"\]\(<?([^()\s>]+)>?[^()]*\)", prose(file)):
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


def broken(file: Path) -> List[str]:
    found = []
    for path, anchor in links(file):
        target = (file.parent / path).resolve() if path else file
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(f"{path}#{anchor}" if anchor else path)
    return found


@pytest.mark.parametrize("file", documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(file: Path) -> None:
    assert broken(file) == []


def test_a_missing_page_and_a_missing_heading_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# One heading, two words\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#one-heading-two-words) [c](gone.md) [d](there.md#gone) `[e](code.md)`\n\n"
        "    [f](code.md)\n\n```\n[g](code.md)\n```\n",
        encoding="utf-8",
    )
    assert broken(page) == ["gone.md", "there.md#gone"]


def test_every_page_of_the_documents_is_in_their_index_and_in_the_site() -> None:
    listed = {(ROOT / "docs" / path).resolve() for path, _ in links(ROOT / "docs" / "index.md")}
    pages = {file for file in documents() if file.parent in (ROOT / "docs", ROOT / "docker", ROOT / "models")}
    assert pages - listed == {ROOT / "docs" / "index.md"}
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [str(file) for file in pages if f"- {file.relative_to(ROOT)}\n" not in navigation] == []


def test_the_readme_stays_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def test_what_a_page_of_the_site_loads_from_another_host_is_found(tmp_path: Path) -> None:
    (tmp_path / "own.html").write_text(
        '<script src="assets/a.js"></script><a href="https://example.org">a link is followed by people</a>'
        '<link rel="stylesheet" href="a.css"><img src="data:image/png;base64,AA=="><link rel="canonical">',
        encoding="utf-8",
    )
    (tmp_path / "own.css").write_text("a{background:url(b.png)} b{background:url('data:x')}", encoding="utf-8")
    assert loaded_from_elsewhere(tmp_path) == {}
    (tmp_path / "other.html").write_text('<SCRIPT async src="//cdn.example/a.js"></SCRIPT><img src="http://x/1.png">')
    (tmp_path / "other.css").write_text('@import "https://fonts.example/a.css";a{b:url(https://x.example/f.woff)}')
    assert loaded_from_elsewhere(tmp_path) == {
        "other.html": ["//cdn.example/a.js", "http://x/1.png"],
        "other.css": ["https://fonts.example/a.css", "https://x.example/f.woff"],
    }
