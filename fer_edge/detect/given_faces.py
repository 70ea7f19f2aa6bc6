"""Whether what a detector gave are faces: ours see to it, one of somebody else's may not."""

from __future__ import annotations

from numbers import Real
from typing import Any, Mapping, Tuple

from fer_edge.errors import StageFailed
from fer_edge.types import Box, Face

EYES = {"right_eye", "left_eye"}
"""Landmarks without which no face is cut out."""

FARTHEST = 1e8
"""Pixels of a frame; a point beyond is made up, and drawing would overflow. What ours may give in a frame of 8K is less."""


def checked_faces(detector: str, found: Any) -> Tuple[Face, ...]:
    """Return what a detector gave, if faces can be read, drawn and told by it.

    Parameters
    ----------
    detector : str
        What it is called in errors.
    found : Any
        What its ``detect()`` returned.

    Raises
    ------
    StageFailed
        It is no sequence of `Face`; or of one the box, the score or the landmarks are not what `Face` says. A box may reach
        outside the frame, and lie there.

    Examples
    --------
    >>> eyes = {"right_eye": (20.0, 25.0), "left_eye": (40.0, float("nan"))}
    >>> checked_faces("Mine", [Face(Box(10, 10, 40, 40), 0.9, eyes)])
    Traceback (most recent call last):
    ...
    fer_edge.errors.StageFailed: The detector Mine gave a face whose left_eye is (40.0, nan).
      Each landmark of a fer_edge.Face is a point (x, y) in pixels of the frame, of finite numbers.
    """
    if not isinstance(found, (tuple, list)) or not all(isinstance(face, Face) for face in found):
        raise StageFailed(
            f"The detector {detector} gave {found!r:.80}, and no sequence of faces.",
            "Its detect() returns a tuple of fer_edge.Face, empty where nobody is.",
        )
    for face in found:
        _check(detector, face)
    return tuple(found)


def _check(detector: str, face: Face) -> None:
    box: Any = face.box
    score: Any = face.score
    marks: Any = face.landmarks
    if not isinstance(box, Box) or not _are_places(box) or not (box.width > 0 and box.height > 0):
        told = _worded(box) if isinstance(box, Box) else f"of type {type(box).__name__}"
        raise StageFailed(
            f"The detector {detector} gave a face whose box is {told}.",
            "The box of a fer_edge.Face is a fer_edge.Box of finite numbers, in pixels of the frame: x and y of its upper left "
            "corner, and a width and a height above 0.",
        )
    if not _is_number(score) or not 0 <= score <= 1:
        raise StageFailed(
            f"The detector {detector} gave a face whose score is {_worded(score)}.",
            "The score of a fer_edge.Face is a number from 0 to 1; a detector that knows none gives 1.",
        )
    if not isinstance(marks, Mapping) or not marks.keys() >= EYES:
        names = ", ".join(sorted(map(str, marks))) if isinstance(marks, Mapping) else _worded(marks)
        raise StageFailed(
            f"The detector {detector} gave a face without its eyes; it has {names or 'no landmarks'}.",
            "A face's landmarks hold right_eye and left_eye at the least: it is turned upright by them.",
        )
    for name, point in marks.items():
        if not _is_point(point):
            raise StageFailed(
                f"The detector {detector} gave a face whose {name} is {_worded(point)}.",
                "Each landmark of a fer_edge.Face is a point (x, y) in pixels of the frame, of finite numbers.",
            )


def _is_point(point: Any) -> bool:
    try:
        return len(point) == 2 and _are_places(point)
    except TypeError:
        return False


def _are_places(numbers: Any) -> bool:
    # Compared in this way, what is no number is not less.
    return all(_is_number(number) and -FARTHEST < number < FARTHEST for number in numbers)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real)


def _worded(value: Any) -> str:
    """Word a value in one line; of numpy's numbers the number alone."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_worded, value))})"
    try:
        return f"{float(value):g}" if _is_number(value) else " ".join(f"{value!r:.80}".split())
    except OverflowError:
        return "a number without bounds"
