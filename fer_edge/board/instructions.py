"""What the processor can do with whole numbers of eight bits."""

from __future__ import annotations

import re
from typing import Optional, Tuple

from fer_edge.board.kernel_file import Root, read_text

_FLAGS = {
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX-VNNI",
    "asimddp": "Arm dot product",
    "i8mm": "Arm i8mm",
}
"""Linux's names for them in /proc/cpuinfo: x86's ``flags`` (arch/x86/include/asm/cpufeatures.h), Arm's ``Features``
(Documentation/arch/arm64/elf_hwcaps.rst)."""


def int8_instructions(root: Root = "/") -> Optional[Tuple[str, ...]]:
    """Return the instructions that multiply and add bytes at once, by which a network in INT8 is faster.

    Parameters
    ----------
    root : str or Path
        Of the file system.

    Returns
    -------
    tuple of str or None
        Names for people, of what all cores have; empty where there are none, None where the system does not say.
    """
    text = read_text(root, "proc/cpuinfo") or ""
    cores = [set(words.split()) for words in re.findall(r"^(?:flags|Features)[ \t]*:(.*)$", text, re.MULTILINE)]
    if not cores:
        return None
    shared = set.intersection(*cores)
    return tuple(name for flag, name in _FLAGS.items() if flag in shared)
