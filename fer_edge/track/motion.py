"""Where a face is, how it moves, and where it will be: over real time, whatever the rate of the frames.

Centre and size are each followed by a Kalman filter of two numbers, place and speed, in plain floats: for a handful of
faces these are quicker than arrays. Kalman, and not fixed gains: with those, the same movement would be followed
otherwise at 10 than at 60 frames per second, and after a frame that was dropped.
"""

from __future__ import annotations

import math
from typing import Mapping, NamedTuple, Optional, Tuple

from fer_edge.types import Box, Face, Point

NOISE = 0.03
"""How far a detector's box is off, in sizes of the face. BlazeFace on clips of real faces: 0.002 to 0.012 where they have 70
pixels, 0.02 to 0.09 where they have 24 (standard deviations, from third differences)."""

FIRST_SPEED = 2.5
"""Sizes per second: how fast a face may move that was found once. A walking person seen from the side moves so."""

AGILITY = 1.5
"""How far a speed may change within a second, in sizes per second. Of 0.7, 1, 1.5 and 2, made scenes of crossing faces
kept the most ids with 1.5 and 2, and less follows noise less."""

FIRST_GROWTH, GROWTH_AGILITY = 0.7, 0.5
"""The same for the logarithm of the size: a person who walks towards the camera doubles in size within a second or two."""

DAMPING = 0.6
"""Seconds after which 1/e of a speed is left where nothing is found. After a second the face is then expected half way
between where it would be if it had stopped at once and where it would be if it had gone on."""

FASTEST, FASTEST_GROWTH = 20.0, 2.0
"""Sizes per second, and the logarithm of the size per second: beyond lies no movement, but two faces taken for one."""

FARTHEST = 1e6
"""Pixels; a box beyond is made up, and squares of it would overflow before long."""

LEAST_SIZE = 1e-3
"""Pixels."""


class Shape(NamedTuple):
    """Where eyes and nose are, from the centre of the box, in sizes: it changes with the pose of the head, not its place.

    Attributes
    ----------
    points : tuple of float
        x and y of the right eye, the left eye and, if there is one, the nose.
    """

    points: Tuple[float, ...]

    def distance(self, other: Shape) -> float:
        """Return the mean squared distance of the points that both have, in sizes²; 0 where one has none."""
        count = min(len(self.points), len(other.points))
        if not count:
            return 0.0
        return 2.0 * sum((a - b) ** 2 for a, b in zip(self.points, other.points)) / count


class Sight(NamedTuple):
    """A face of one frame, in the quantities that are followed.

    Attributes
    ----------
    x, y : float
        Of the centre of its box, in pixels.
    size : float
        Square root of its area, in pixels.
    aspect : float
        Square root of width / height.
    shape : Shape
        Of its landmarks.
    """

    x: float
    y: float
    size: float
    aspect: float
    shape: Shape


def sight_of(face: Face) -> Optional[Sight]:
    """Return what is followed of a face; None where its box or landmarks are no numbers, empty or beyond all measure."""
    left, top, width, height = face.box
    # A sum with something in it that is no number is none, and compares as false.
    total = abs(left) + abs(top) + width + height
    if not (total < FARTHEST and width > LEAST_SIZE and height > LEAST_SIZE):
        return None
    if not sum(abs(x) + abs(y) for x, y in face.landmarks.values()) < FARTHEST:
        return None
    x, y, size = left + width / 2.0, top + height / 2.0, math.sqrt(width * height)
    shape = Shape(_points(face.landmarks, x, y, size))
    return Sight(x, y, size, math.sqrt(width / height), shape)


def _points(landmarks: Mapping[str, Point], x: float, y: float, size: float) -> Tuple[float, ...]:
    found = []
    for name in ("right_eye", "left_eye", "nose"):
        point = landmarks.get(name)
        if point is None:
            break
        found += [(point[0] - x) / size, (point[1] - y) / size]
    return tuple(found)


class _Spread(NamedTuple):
    """How unsure a place and its speed are: their variances, and the covariance of both."""

    place: float
    both: float
    speed: float

    def after(self, seconds: float, reach: float, left: float, agility: float) -> _Spread:
        change = agility * agility * seconds
        place = self.place + reach * (2.0 * self.both + reach * self.speed) + change * seconds * seconds / 3.0
        both = left * (self.both + reach * self.speed) + change * seconds / 2.0
        return _Spread(place, both, left * left * self.speed + change)

    def corrected(self, gain: float, gain_of_speed: float) -> _Spread:
        rest = 1.0 - gain
        return _Spread(rest * self.place, rest * self.both, self.speed - gain_of_speed * self.both)


class Motion(NamedTuple):
    """How one face moves. A value: what another thread was given does not change.

    Attributes
    ----------
    at : float
        The moment that the rest is of, in seconds.
    x, y, speed_x, speed_y : float
        Of the centre, in pixels and pixels per second.
    size, growth : float
        The logarithm of the size in pixels, and its change per second.
    aspect : float
        Square root of width / height.
    spread, spread_of_size : _Spread
        In sizes of the face, and of the logarithm.

    Examples
    --------
    >>> from fer_edge.types import Box, Face
    >>> def seen(x):
    ...     return sight_of(Face(Box(x, 0.0, 10.0, 10.0), 0.9, {}))
    >>> motion = first_motion(seen(0.0), 0.0)
    >>> for step in range(1, 10):
    ...     motion = motion.corrected(seen(2.0 * step), 0.1 * step)
    >>> round(motion.after(1.0).x)
    25
    """

    at: float
    x: float
    y: float
    speed_x: float
    speed_y: float
    size: float
    growth: float
    aspect: float
    spread: _Spread
    spread_of_size: _Spread

    def after(self, at: float) -> Motion:
        """Return the motion that is to be expected at a moment; an earlier one than its own changes nothing."""
        seconds = at - self.at
        if not seconds > 0.0:
            return self
        left = math.exp(-seconds / DAMPING)
        reach = DAMPING * (1.0 - left)
        return Motion(
            at,
            self.x + reach * self.speed_x,
            self.y + reach * self.speed_y,
            left * self.speed_x,
            left * self.speed_y,
            self.size + reach * self.growth,
            left * self.growth,
            self.aspect,
            self.spread.after(seconds, reach, left, AGILITY),
            self.spread_of_size.after(seconds, reach, left, GROWTH_AGILITY),
        )

    def corrected(self, sight: Sight, at: float) -> Motion:
        """Return the motion after the face was found at a moment."""
        now = self.after(at)
        error = now.spread.place + NOISE * NOISE
        gain, gain_of_speed = now.spread.place / error, now.spread.both / error
        off_x, off_y = sight.x - now.x, sight.y - now.y
        error = now.spread_of_size.place + NOISE * NOISE
        size_gain, gain_of_growth = now.spread_of_size.place / error, now.spread_of_size.both / error
        off_size = math.log(sight.size) - now.size
        fastest = FASTEST * sight.size
        return Motion(
            now.at,
            now.x + gain * off_x,
            now.y + gain * off_y,
            _within(now.speed_x + gain_of_speed * off_x, fastest),
            _within(now.speed_y + gain_of_speed * off_y, fastest),
            now.size + size_gain * off_size,
            _within(now.growth + gain_of_growth * off_size, FASTEST_GROWTH),
            sight.aspect,
            now.spread.corrected(gain, gain_of_speed),
            now.spread_of_size.corrected(size_gain, gain_of_growth),
        )

    def moved(self, face: Face, seen: Sight) -> Face:
        """Return a face with box and landmarks where this motion has them; `seen` is what was found of it."""
        size = math.exp(self.size)
        width, height = size * self.aspect, size / self.aspect
        scale = size / seen.size
        landmarks = {
            name: (self.x + scale * (x - seen.x), self.y + scale * (y - seen.y))
            for name, (x, y) in face.landmarks.items()
        }
        return Face(Box(self.x - width / 2.0, self.y - height / 2.0, width, height), face.score, landmarks)


def first_motion(sight: Sight, at: float) -> Motion:
    """Return the motion of a face that is found for the first time: none, and unsure."""
    spread = _Spread(NOISE * NOISE, 0.0, FIRST_SPEED * FIRST_SPEED)
    spread_of_size = _Spread(NOISE * NOISE, 0.0, FIRST_GROWTH * FIRST_GROWTH)
    return Motion(at, sight.x, sight.y, 0.0, 0.0, math.log(sight.size), 0.0, sight.aspect, spread, spread_of_size)


def _within(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))
