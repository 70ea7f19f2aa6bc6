"""The processor's instructions for INT8, as the kernel says them."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Tuple

import pytest

from fer_edge.board.instructions import int8_instructions

ZEN_4 = "flags\t\t: fpu avx2 avx512f avx512_vnni avx_vnni\n"
NANO = "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32\n"
ORIN = "Features\t: fp asimd evtstrm asimdrdm lrcpc dcpop asimddp\n"


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        (f"model name\t: one\n{ZEN_4}\nmodel name\t: one\n{ZEN_4}", ("AVX-512 VNNI", "AVX-VNNI")),
        ("flags\t\t: fpu sse2 avx2 avx512f\n", ()),
        (NANO, ()),
        (ORIN, ("Arm dot product",)),
        (ORIN + NANO, ()),  # the program may be moved to any of the cores
        ("processor\t: 0\n", None),
        ("", None),
    ],
    ids=["Zen 4", "without VNNI", "Nano", "Orin", "unlike cores", "another system", "nothing"],
)
def test_only_what_all_cores_have_counts(cpuinfo: str, expected: Optional[Tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(cpuinfo)
    assert int8_instructions(tmp_path) == expected


def test_a_system_without_the_file_does_not_say(tmp_path: Path) -> None:
    assert int8_instructions(tmp_path) is None
