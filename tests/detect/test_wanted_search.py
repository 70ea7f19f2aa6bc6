"""A search for some faces finds those that a search for all finds, and spares the rest."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np
import pytest
from portraits import AROUND, head_of_portrait, paint

from fer_edge.detect.auto import AutoDetector
from fer_edge.detect.search import Search
from fer_edge.types import Box, Face, Image

SIZES = ((640, 480), (1280, 720))
CELL = 240
"""Pixels of a square that holds one head."""
HEIGHTS = (40, 56, 100)


def scene(head: Image, size: Tuple[int, int], random: np.random.Generator) -> Tuple[Image, Search]:
    """Return a picture with up to four heads, and a search for some; no head lies at the limit of what it wants."""
    image = random.normal(110, 6, (size[1], size[0], 3)).clip(0, 255).astype(np.uint8)
    cells = [(x, y) for x in range(0, size[0] - CELL + 1, CELL) for y in range(0, size[1] - CELL + 1, CELL)]
    random.shuffle(cells)
    for x, y in cells[:4]:
        height = int(random.choice(HEIGHTS))
        half = min(AROUND * height / 2 + 1, CELL / 2)
        across, down = random.uniform(half, CELL - half, 2)
        paint(image, head, height, (x + across, y + down))
    chosen = random.choice(len(cells), random.integers(1, 3), replace=False)
    regions = [
        ((x, y), (x + CELL, y), (x + CELL, y + CELL), (x, y + CELL)) for x, y in (cells[index] for index in chosen)
    ]
    return image, Search(int(random.choice((0, 48, 75))), tuple(regions) if random.random() < 0.8 else ())


def boxes(faces: Sequence[Face]) -> List[Box]:
    return sorted(face.box for face in faces)


@pytest.mark.slow
def test_a_search_for_some_faces_finds_those_of_a_search_for_all_that_are_wanted() -> None:
    detector = AutoDetector()
    head, found = head_of_portrait(detector), 0
    for seed in range(30):
        image, wanted = scene(head, SIZES[seed % 2], np.random.default_rng(seed))
        everybody, _ = wanted.parted(detector.search().look(image, 0.0))
        some, _ = wanted.parted(detector.search(wanted).look(image, 0.0))
        assert boxes(some) == boxes(everybody), f"scene {seed}"
        found += len(some)
    detector.close()
    assert found > 20
