"""Which of the faces that were found is which of those that are followed.

A pair costs what its face lies off where it was expected, in place, size and shape. Pairs that lie too far off are none. The
cheapest pairs are taken first; then partners are exchanged while the sum falls, which mends what the first, greedy choice
got wrong where faces cross. Where that is not the best of all assignments, those that are left differ little, and it
needs no solver.
"""

from __future__ import annotations

import math
from typing import Dict, List, NamedTuple, Sequence, Tuple

from fer_edge.track.motion import Motion, Shape, Sight

REACH, SURENESS, FARTHEST_REACH = 0.5, 2.0, 2.0
"""How far a face may lie from where it was expected, in sizes: the first, and so many standard deviations of the expected
place, but never beyond the last; people side by side are about two sizes apart."""

SIZE_REACH, FARTHEST_SIZE_REACH = math.log(1.5), math.log(2.5)
"""The same for the logarithm of the size."""

SIZE_WEIGHT, SHAPE_WEIGHT = 6.0, 6.0
"""What the squared difference in size, and in shape, count beside the squared distance. Of 552 made scenes of crossing
faces of which every fifth is missed, 137 lost an id with weights of 2, 90 with 6, 74 with 10. With none missed, 10 lost
more."""

WORST_SHAPE = 0.25
"""Beyond, shapes are simply different: a detector may take one eye for the other."""

HIDDEN_COST = 0.05
"""Each second for which a face was not found: where a visible and a hidden one fit equally, it is the visible one. More,
and one that is missed for a frame while it crosses another loses its id to that."""

LOST_COST = 1.0
"""Of leaving a face without partner that was found last time and could have one."""

ROUNDS = 4
"""How often all exchanges are tried: a bound for false faces that lie in a heap."""


class Expected(NamedTuple):
    """A face that is followed, as it is expected in a frame.

    Attributes
    ----------
    motion : Motion
        At the moment of the frame.
    size : float
        In pixels.
    shape : Shape
        As it was last found.
    hidden : float
        Seconds since it was found; 0 where that was the last time that somebody looked.
    """

    motion: Motion
    size: float
    shape: Shape
    hidden: float


def associate(expected: Sequence[Expected], found: Sequence[Sight]) -> Dict[int, int]:
    """Return for each face that is expected, by its index, the index of that which it is; not all have one.

    Work grows with the number of pairs. Equal costs are decided by the order of the faces.
    """
    costs = _costs(expected, found)
    partner: Dict[int, int] = {}
    taken: Dict[int, int] = {}
    for _, one, face in sorted((cost, one, face) for (one, face), cost in costs.items()):
        if one not in partner and face not in taken:
            partner[one], taken[face] = face, one
    # Most frames end here: each face has one candidate.
    if len(costs) > len(partner):
        _exchange(expected, costs, partner, taken)
    return partner


def _costs(expected: Sequence[Expected], found: Sequence[Sight]) -> Dict[Tuple[int, int], float]:
    costs = {}
    logarithms = [math.log(sight.size) for sight in found]
    for one, (motion, size, shape, hidden) in enumerate(expected):
        reach = min(REACH + SURENESS * math.sqrt(motion.spread.place), FARTHEST_REACH)
        size_reach = min(SIZE_REACH + SURENESS * math.sqrt(motion.spread_of_size.place), FARTHEST_SIZE_REACH)
        x, y, logarithm = motion.x, motion.y, motion.size
        for face, sight in enumerate(found):
            growth = logarithms[face] - logarithm
            if abs(growth) > size_reach:
                continue
            unit = size if size > sight.size else sight.size
            across, down = (sight.x - x) / unit, (sight.y - y) / unit
            # Squares: sums of plain distances are equal for both ways to pair two faces that move along one line.
            distance = across * across + down * down
            if distance > reach * reach:
                continue
            form = min(shape.distance(sight.shape), WORST_SHAPE)
            cost = distance + SIZE_WEIGHT * growth * growth + SHAPE_WEIGHT * form
            costs[one, face] = cost + HIDDEN_COST * hidden
    return costs


def _exchange(
    expected: Sequence[Expected], costs: Dict[Tuple[int, int], float], partner: Dict[int, int], taken: Dict[int, int]
) -> None:
    """Exchange partners, or give one's to another who has none and take a free face, while that lowers the sum."""
    wanted: Dict[int, List[int]] = {}
    for one, face in costs:
        wanted.setdefault(one, []).append(face)
    for _ in range(ROUNDS):
        changed = False
        for one, faces in wanted.items():
            for face in faces:
                holder = taken.get(face)
                if holder is None or holder == one:
                    continue
                own = partner.get(one)
                free = [own] if own is not None else [other for other in wanted[holder] if other not in taken]
                for other in free:
                    if (holder, other) not in costs:
                        continue
                    before = costs[holder, face] + (_lost(expected[one]) if own is None else costs[one, own])
                    if costs[one, face] + costs[holder, other] < before - 1e-9:
                        partner[one], partner[holder] = face, other
                        taken[face], taken[other] = one, holder
                        changed = True
                        break
        if not changed:
            return


def _lost(one: Expected) -> float:
    return 0.0 if one.hidden else LOST_COST
