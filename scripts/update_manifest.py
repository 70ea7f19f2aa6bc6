"""Bring sha256 and size in models/manifest.json up to date with the shipped files.

Run it after a model file was made anew::

    python scripts/update_manifest.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_edge.inference.model_files import sha256_of

MANIFEST = Path(__file__).resolve().parent.parent / "models" / "manifest.json"


def main() -> None:
    """Rewrite the manifest."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    for entry in manifest["models"]:
        file = MANIFEST.parent / entry["file"]
        if not entry["shipped"]:
            continue
        if not file.is_file():
            print(f"{entry['name']}: {file.name} is not there")
            continue
        entry["sha256"], entry["bytes"] = sha256_of(file), file.stat().st_size
        print(f"{entry['name']}: {entry['bytes']} bytes, {entry['sha256']}")
    MANIFEST.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
