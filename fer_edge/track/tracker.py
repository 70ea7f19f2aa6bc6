"""Follows the faces of one camera over real time."""

from __future__ import annotations

import logging
import math
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from fer_edge.track.association import Expected, associate
from fer_edge.track.base import Tracker, moment_of
from fer_edge.track.cut import CutFinder
from fer_edge.track.motion import Motion, Sight, first_motion, sight_of
from fer_edge.track.reading import Reading
from fer_edge.types import Face, Observation, ObservedFace, Track

logger = logging.getLogger("fer_edge")

MOST_FACES = 64
"""That are followed at once. More is no crowd that a camera can read, but a detector that sees faces everywhere."""

FADING = 0.5
"""Seconds in which a face that is not found fades: long enough not to flicker with a detector that misses single frames."""

BACKWARDS = 0.25
"""Seconds by which a video's time may go back: images that come out of order. Beyond, it was started anew."""

QUIET = 10.0
"""Seconds without too many faces, after which the next such frame is told again."""


class _Followed:
    """One face over time."""

    __slots__ = ("ahead", "began", "id", "missed", "motion", "observed", "reading", "seen", "sight", "steady")

    def __init__(self, number: int, observed: ObservedFace, sight: Sight, at: float, reading: Reading) -> None:
        self.id = number
        self.began = self.seen = at
        self.missed = False
        self.observed, self.sight = observed, sight
        self.motion = self.ahead = first_motion(sight, at)
        self.reading = reading
        self.steady = reading.update(observed.expression, at)

    def expect(self, at: float) -> Expected:
        """Return what is to be expected of the face in a frame; to be asked before it is found there."""
        self.ahead = self.motion.after(at)
        return Expected(self.ahead, math.exp(self.ahead.size), self.sight.shape, at - self.seen if self.missed else 0.0)

    def find(self, observed: ObservedFace, sight: Sight, at: float) -> None:
        """Take the face as it was found in a frame."""
        self.motion = self.ahead.corrected(sight, at)
        self.observed, self.sight, self.seen, self.missed = observed, sight, at, False
        self.steady = self.reading.update(observed.expression, at)

    def read(self, observed: ObservedFace, at: float) -> None:
        """Take what the face shows in a frame where nobody looked for it."""
        self.observed = ObservedFace(self.observed.face, observed.expression)
        self.steady = self.reading.update(observed.expression, at)

    def track(self, at: float, fading: float) -> Track:
        """Return what is told of it in a frame."""
        hidden, steady = at - self.seen, self.steady
        fade = min(1.0, hidden / fading) if self.missed else 0.0
        return Track(self.id, at - self.began, steady.expression, at - steady.since, hidden, fade, steady.rest)


class _Prospect(NamedTuple):
    """What `FaceTracker.expected` needs of a face; a value, so that any thread may read it."""

    seen: float
    motion: Motion
    face: Face
    sight: Sight


class FaceTracker(Tracker):
    """Follows faces by where they are, how large they are, how they move and how they are turned.

    No identity is computed: an id holds for as long as a face is in view, or hidden for no longer than the memory. A cut in the
    video, and a video whose time begins anew, end all tracks.

    Parameters
    ----------
    memory : float
        Seconds for which a face that is not found is waited for; above 0.
    make_reading : callable
        Makes what reads one face over time.
    most : int
        Faces that are followed at once, the surest first. Others are passed on without a track.
    pictures : bool
        Whether faces of pictures are read as well, each as a face of its own: a recorded resting face tells of them, too.
    cuts : CutFinder, optional
        Finds the cuts of a video; of one whose images are not kept, another finds them.

    Raises
    ------
    ValueError
        The memory is no time, or nobody would be followed.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> import numpy as np
    >>> from fer_edge.types import Box, Expression, Frame
    >>> happy = Expression(np.eye(7, dtype=np.float32)[3], "happy", 1.0, False)
    >>> def seen(index, *lefts):
    ...     frame = Frame(index, index / 15, datetime.now(timezone.utc), np.zeros((480, 640, 3), np.uint8))
    ...     faces = [Face(Box(left, 100.0, 80.0, 80.0), 0.9, {}) for left in lefts]
    ...     return Observation(frame, tuple(ObservedFace(face, happy) for face in faces))
    >>> tracker = FaceTracker()
    >>> [[face.track.id for face in tracker.follow(seen(n, 50.0 + 5 * n, 400.0 - 5 * n)).faces] for n in range(3)]
    [[1, 2], [1, 2], [1, 2]]
    >>> [face.track.id for face in tracker.follow(seen(3, 385.0)).hidden]
    [1]
    """

    def __init__(
        self,
        memory: float = 1.5,
        make_reading: Callable[[], Reading] = Reading,
        most: int = MOST_FACES,
        pictures: bool = False,
        cuts: Optional[CutFinder] = None,
    ) -> None:
        if not 0.0 < memory < math.inf:
            raise ValueError(f"memory must be a number of seconds above 0, not {memory}")
        if most < 1:
            raise ValueError(f"most must be 1 or more, not {most}")
        self._memory = memory
        self._fading = min(FADING, memory)
        self._make_reading = make_reading
        self._most = most
        self._pictures = pictures
        self._followed: List[_Followed] = []
        self._number = 0
        self._at = -math.inf
        self._cuts = cuts or CutFinder()
        self._crowded = -math.inf
        # Replaced as a whole and made of values: another thread reads the old one or the new one, and nobody waits.
        self._prospects: Tuple[float, Tuple[_Prospect, ...]] = (-math.inf, ())

    def follow(self, observation: Observation) -> Observation:
        """As of `Tracker`.

        Faces of a frame that nobody looked at (`Observation.predicted`) keep their tracks and are read, but count as not found.
        """
        frame = observation.frame
        at = moment_of(frame)
        if at is None and self._pictures:
            return observation.richer(faces=tuple(self._alone(one) for one in observation.faces))
        if at is None or frame.problem:
            return observation
        at = self._advance(at, observation)
        sights = self._followable(observation, at)
        partners = self._associate([sight for _, sight in sights], at)
        tracks: Dict[int, Track] = {}
        touched = set()
        for number, (index, sight) in enumerate(sights):
            observed = observation.faces[index]
            one = partners.get(number)
            if one is None and not observation.predicted:
                one = self._begin(observed, sight, at)
            elif one is not None and observation.predicted:
                one.read(observed, at)
            elif one is not None:
                one.find(observed, sight, at)
            if one is not None:
                touched.add(one.id)
                tracks[index] = one.track(at, self._fading)
        waited_for = [one for one in self._followed if one.id not in touched]
        if not observation.predicted:
            for one in waited_for:
                one.missed = True
            # Those that were found come first, where there is no room for all.
            room = max(0, self._most - len(touched))
            if len(waited_for) > room:
                waited_for = sorted(waited_for, key=lambda one: (-one.seen, one.id))[:room]
                kept = touched.union(one.id for one in waited_for)
                self._followed = [one for one in self._followed if one.id in kept]
        found = [one for one in self._followed if not one.missed]
        self._prospects = at, tuple(_Prospect(one.seen, one.motion, one.observed.face, one.sight) for one in found)
        return observation.richer(
            faces=tuple(
                ObservedFace(one.face, one.expression, tracks.get(index)) for index, one in enumerate(observation.faces)
            ),
            hidden=tuple(self._hidden(one, at) for one in waited_for),
        )

    def expected(self, *moments: float) -> Sequence[Tuple[Face, ...]]:
        """As of `Tracker`: those that were found when last somebody looked, so that who left is not read any more."""
        latest, prospects = self._prospects
        if not moments[-1] >= latest - BACKWARDS:
            return ()
        return [
            tuple(motion.after(at).moved(face, sight) for at in moments)
            for seen, motion, face, sight in prospects
            if moments[-1] - seen <= self._memory
        ]

    def _advance(self, at: float, observation: Observation) -> float:
        """Go on to a frame, give up who is gone, and return the moment that counts."""
        cut = self._cuts.is_cut(observation.frame.image)
        if at < self._at - BACKWARDS or cut:
            self._followed = []
            self._at = at
        self._at = max(self._at, at)
        self._followed = [one for one in self._followed if self._at - one.seen <= self._memory]
        return self._at

    def _followable(self, observation: Observation, at: float) -> List[Tuple[int, Sight]]:
        """Return index and sight of each face that can be followed, the surest first, whatever order they came in."""
        ranked = []
        for index, observed in enumerate(observation.faces):
            sight = sight_of(observed.face)
            if sight is not None:
                score = observed.face.score
                ranked.append((math.inf if math.isnan(score) else -score, sight, index))
        ranked.sort()
        if len(ranked) > self._most:
            self._tell(len(ranked), observation.frame.source, at)
        return [(index, sight) for _, sight, index in ranked[: self._most]]

    def _tell(self, count: int, camera: str, at: float) -> None:
        if abs(at - self._crowded) > QUIET:
            logger.warning(
                "%s: %d faces in one frame; the %d surest are followed, the others are read without a track. "
                "A higher min_score leaves out what is no face.",
                f"camera {camera}" if camera else "the camera",
                count,
                self._most,
                extra={"event": "crowded", "camera": camera, "faces": count},
            )
        self._crowded = at

    def _associate(self, sights: Sequence[Sight], at: float) -> Dict[int, _Followed]:
        expected = [one.expect(at) for one in self._followed]
        return {face: self._followed[number] for number, face in associate(expected, sights).items()}

    def _begin(self, observed: ObservedFace, sight: Sight, at: float) -> _Followed:
        self._number += 1
        one = _Followed(self._number, observed, sight, at, self._make_reading())
        self._followed.append(one)
        return one

    def _alone(self, observed: ObservedFace) -> ObservedFace:
        """Return a face of a picture as its reading has it; it is nobody that was seen before."""
        self._number += 1
        steady = self._make_reading().update(observed.expression, 0.0)
        track = Track(self._number, 0.0, steady.expression, 0.0, rest=steady.rest)
        return ObservedFace(observed.face, observed.expression, track)

    def _hidden(self, one: _Followed, at: float) -> ObservedFace:
        face = one.ahead.moved(one.observed.face, one.sight)
        return ObservedFace(face, one.observed.expression, one.track(at, self._fading))
