"""Make the documents and the reference of the public names a site in build/site; end with 1 where a link leads nowhere.

Needs requirements/docs.txt: ``make docs``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "build" / "site-source"
SITE = ROOT / "build" / "site"

PAGES = ("*.md", "docs/*", "docker/README.md", "deploy/triton/*", "models/MODEL_CARD.md", "examples/*.py")
"""What the site is made of, each at its own place, so that links between them hold here as they do in the repository."""

LOADING = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "link": "href",
    "video": "src",
    "object": "data",
}
"""Which attribute makes a browser load something by itself."""


class _Loaded(HTMLParser):
    """Collects what a page loads from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: List[str] = []

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        value = dict(attrs).get(LOADING.get(tag, ""), None) or ""
        if re.match(r"(https?:)?//", value):
            self.found.append(value)


def loaded_from_elsewhere(site: Path) -> Dict[str, List[str]]:
    """Return, by page or style sheet, what a browser would load from another host when it shows it."""
    found: Dict[str, List[str]] = {}
    for page in sorted(site.rglob("*.html")):
        parser = _Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        if parser.found:
            found[str(page.relative_to(site))] = parser.found
    for sheet in sorted(site.rglob("*.css")):
        addresses = re.findall(
            r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""", sheet.read_text(encoding="utf-8")
        )
        if addresses:
            found[str(sheet.relative_to(site))] = addresses
    return found


def lay_out() -> None:
    """Copy the pages, and write those of the reference."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for pattern in PAGES:
        for file in sorted(ROOT.glob(pattern)):
            place = SOURCE / file.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
    sys.path.insert(0, str(ROOT))
    import fer_edge

    # Errors have a page of their own.
    homes = [(name, home) for name, home in fer_edge._HOMES.items() if home != "errors"]
    homes.sort(key=lambda item: (item[0] != item[0].lower(), item[0].lower()))
    names = "\n".join(f"::: fer_edge.{home}.{name}\n" for name, home in homes)
    (SOURCE / "docs" / "reference.md").write_text(
        f"# Public names\n\nAll of them are had from `fer_edge`, as in `fer_edge.watch`.\n\n{names}", encoding="utf-8"
    )
    (SOURCE / "docs" / "reference-errors.md").write_text(
        "# Errors\n\nFrom `fer_edge.errors`; [each has an exit code](exit-codes.md).\n\n"
        "::: fer_edge.errors\n    options:\n      show_root_heading: false\n",
        encoding="utf-8",
    )


def main() -> int:
    """Build the site and look at it."""
    lay_out()
    # Not --quiet, which keeps --strict from counting warnings.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(ROOT / "mkdocs.yml")]
    # Material's notice that MkDocs 2 drops plugins; requirements/docs.txt stays below it.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, check=False, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    if built.returncode:
        print(built.stderr, file=sys.stderr)
        return 1
    elsewhere = loaded_from_elsewhere(SITE)
    for page, addresses in elsewhere.items():
        print(f"{page} loads from another host: {', '.join(addresses)}")
    return 1 if elsewhere else 0


if __name__ == "__main__":
    sys.exit(main())
