"""The pages of a TIFF file, read from its directories; of a page nothing is decoded."""

from __future__ import annotations

from typing import List, NamedTuple, Set

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT = 254, 255, 256, 257
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
_SIZES = {1: 1, 3: 2, 4: 4, 16: 8}
_MOST_PAGES = 65536
_MOST_ENTRIES = 4096


class Page(NamedTuple):
    """One page.

    Attributes
    ----------
    number : int
        Of its directory in the file, from 0.
    width, height : int
        Pixels; 0 where the file does not say.
    """

    number: int
    width: int
    height: int


def pages(data: bytes) -> List[Page]:
    """Return the pages of a TIFF or BigTIFF file (TIFF 6.0, section 2), without previews and masks.

    What is damaged ends the list; where the file ends before the directory of another page, that page, without a size.
    """
    little = data[:1] == b"I"
    big = data[2:4] in (b"+\0", b"\0+")
    wide = 8 if big else 4
    entry_size = 20 if big else 12

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little" if little else "big")

    found: List[Page] = []
    seen: Set[int] = set()
    directory = number(8 if big else 4, wide)
    while directory and directory not in seen and directory + 2 < len(data) and len(seen) < _MOST_PAGES:
        count = number(directory, 8 if big else 2)
        first = directory + (8 if big else 2)
        if count > _MOST_ENTRIES or first + count * entry_size > len(data):
            break
        values = {}
        for at in range(first, first + count * entry_size, entry_size):
            tag, kind = number(at, 2), number(at + 2, 2)
            if tag in (_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT):
                values[tag] = number(at + 4 + wide, _SIZES.get(kind, 4))
        is_page = not values.get(_SUBFILE, 0) & (_REDUCED | _MASK) and values.get(_OLD_SUBFILE) != _OLD_REDUCED
        if is_page:
            found.append(Page(len(seen), values.get(_WIDTH, 0), values.get(_HEIGHT, 0)))
        seen.add(directory)
        directory = number(first + count * entry_size, wide)
    if found and directory + 2 >= len(data):
        found.append(Page(len(seen), 0, 0))
    return found
