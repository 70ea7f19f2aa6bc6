"""NVIDIA's Linux for Tegra, and the JetPack that it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Optional

from fer_edge.board.kernel_file import Root, read_text

RELEASE_FILE = "etc/nv_tegra_release"

JETPACKS: Dict[str, str] = {
    "32.4.3": "4.4",
    "32.4.4": "4.4.1",
    "32.5.0": "4.5",
    "32.5.1": "4.5.1",
    "32.5.2": "4.5.1",
    "32.6.1": "4.6",
    "32.7.1": "4.6.1",
    "32.7.2": "4.6.2",
    "32.7.3": "4.6.3",
    "32.7.4": "4.6.4",
    "32.7.5": "4.6.5",
    "32.7.6": "4.6.6",
    "35.1.0": "5.0.2",
    "35.2.1": "5.1",
    "35.3.1": "5.1.1",
    "35.4.1": "5.1.2",
    "36.3.0": "6.0",
    "36.4.0": "6.1",
    "36.4.2": "6.1.1",
    "36.4.3": "6.2",
}
"""L4T release to JetPack; from jetson_containers/l4t_version.py of https://github.com/dusty-nv/jetson-containers."""


@dataclass(frozen=True)
class L4t:
    """The Linux of a Jetson.

    Attributes
    ----------
    release : str
        ``32.7.1``.
    jetpack : str, optional
        ``4.6.1``; None for a release that is not in `JETPACKS`.
    reference : str, optional
        NVIDIA's name of the board support: ``t210ref`` is the Nano's and the TX1's.
    """

    release: str
    jetpack: Optional[str]
    reference: Optional[str]


def read_l4t(root: Root = "/") -> Optional[L4t]:
    """Read the release from /etc/nv_tegra_release; None where it is none of NVIDIA's systems, or a container of another.

    The file begins with a line such as ``# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64, ...``.
    """
    text = read_text(root, RELEASE_FILE) or ""
    found = re.search(r"^#\s*R(\d+)\s.*?REVISION:\s*(\d+(?:\.\d+)*)", text, re.MULTILINE)
    if found is None:
        return None
    release = f"{found.group(1)}.{found.group(2)}"
    reference = re.search(r"BOARD:\s*([^,\s]+)", text)
    return L4t(release, JETPACKS.get(release), reference.group(1) if reference else None)
