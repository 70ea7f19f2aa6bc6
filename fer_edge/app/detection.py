"""The stage that finds the faces: by looking, or in a frame whose turn it is not, by where they were and how they move."""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from fer_edge.app.detection_turns import EVERY_FRAME, DetectionTurns
from fer_edge.detect.base import FaceDetector, FaceSearch
from fer_edge.detect.given_faces import checked_faces
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.detect.search import MOST_FACES as MOST_WANTED
from fer_edge.pipeline.stage_spec import StageWork
from fer_edge.track.base import moment_of
from fer_edge.track.cut import CutFinder
from fer_edge.types import Box, Face, Frame, Image, Observation, Point

MOST_FACES = 32
"""More are not moved on but looked for: each is compared with each, and that is to stay far below the time of a look."""

REACH = 0.5
"""Seconds from a look beyond which nobody is expected: a head that turns is elsewhere by then (docs/tracks.md has figures)."""

logger = logging.getLogger("fer_edge")

BuildDetector = Callable[[], FaceDetector]


class Detection(StageWork):
    """Finds the faces of each frame with the detector of its camera, or tells where they are likely to be.

    Parameters
    ----------
    detectors : mapping of str to callable
        By camera, what builds its detector; the same for several cameras is built once.
    turns : DetectionTurns
        Tells in which frames of a camera it looks, and follows the faces in between.
    searches : mapping of str to Search
        By camera, which of the faces are wanted; all of one that is not among them.
    everywhere : bool
        Look everywhere in each frame, also with a detector that else looks at parts in turn: no face may be late.
    hold : bool
        Have such a detector tell a face that it misses for a moment more, as nobody follows it.
    """

    def __init__(
        self,
        detectors: Mapping[str, BuildDetector],
        turns: DetectionTurns = EVERY_FRAME,
        searches: Mapping[str, Search] = MappingProxyType({}),
        everywhere: bool = False,
        hold: bool = False,
    ) -> None:
        built: Dict[BuildDetector, FaceDetector] = {}
        for build in detectors.values():
            if build not in built:
                built[build] = build()
        self._all = list(built.values())
        self._of = {camera: built[build] for camera, build in detectors.items()}
        self._turns = turns
        self._searches = searches
        self._crowded: Set[str] = set()
        self._looks = {camera: _Look() for camera in detectors}
        in_turn = {
            camera: None if everywhere else detector.search(searches.get(camera, EVERYTHING), hold)
            for camera, detector in self._of.items()
        }
        self._in_turn = {camera: _InTurn(search) for camera, search in in_turn.items() if search is not None}

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        """Return the observations with what was found, or with what is expected."""
        return [self._worked(one) for one in observations]

    def skipped(self, observation: Observation) -> bool:
        """Return whether the detector did not look."""
        return observation.predicted

    def facts(self) -> Mapping[str, object]:
        """Return in which frames it looks, where that is fixed and not each."""
        fixed = self._turns.fixed
        return {"every": fixed} if fixed > 1 else {}

    def close(self) -> None:
        """Close every detector."""
        for detector in self._all:
            detector.close()

    def _worked(self, observation: Observation) -> Observation:
        frame = observation.frame
        look, at = self._looks[frame.source], moment_of(frame)
        if look.skipped + 1 < self._turns.every(frame.source):
            # Who has left a region meanwhile is not wanted any more.
            expected, _ = self._parted(frame.source, self._expected(look, frame.source, at))
            if expected:
                look.skipped += 1
                return observation.richer(found=expected, predicted=True)
        found, unwanted = self._parted(frame.source, self._detect(frame, at))
        self._looks[frame.source] = _Look(found, at)
        return observation.richer(found=found, unwanted=unwanted)

    def _parted(self, camera: str, faces: Tuple[Face, ...]) -> Tuple[Tuple[Face, ...], Tuple[Face, ...]]:
        """Return the faces that are wanted of a camera, and the others; the first time that these are too many, log it."""
        search = self._searches.get(camera, EVERYTHING)
        if not search and len(faces) <= MOST_WANTED:
            return faces, ()
        wanted, others = search.parted(faces)
        if len(wanted) == MOST_WANTED and others and camera not in self._crowded:
            self._crowded.add(camera)
            logger.warning(
                "%s: the detector finds %d faces in one image, of which the %d surest are read; --min-score, --min-face and "
                "--region leave out false ones",
                camera,
                len(faces),
                MOST_WANTED,
                extra={"event": "too_many_faces", "camera": camera, "faces": len(faces)},
            )
        return wanted, others

    def _expected(self, look: _Look, camera: str, at: Optional[float]) -> Tuple[Face, ...]:
        """Return where those who were found at a look are likely to be; nobody where nobody is followed."""
        if look.at is None or at is None or not 0 <= at - look.at <= REACH or not 0 < len(look.found) <= MOST_FACES:
            return ()
        # Asked at once: between two questions the tracker may go on, and would tell of other faces.
        followed = self._turns.expected(camera, look.at, at)
        return moved(look.found, followed) if 0 < len(followed) <= MOST_FACES else ()

    def _detect(self, frame: Frame, at: Optional[float]) -> Tuple[Face, ...]:
        detector, search = self._of[frame.source], self._in_turn.get(frame.source)
        found = detector.detect(frame.image) if search is None or at is None else search.look(frame.image, at)
        return checked_faces(_kind(detector), found)


class _Look:
    """What the last look of a camera found and when, and how many frames have gone by since without one."""

    def __init__(self, found: Tuple[Face, ...] = (), at: Optional[float] = None) -> None:
        self.found = found
        self.at = at
        self.skipped = 0


class _InTurn:
    """A camera's search of parts in turn, which begins anew at a cut."""

    def __init__(self, search: FaceSearch) -> None:
        self._search = search
        self._cuts = CutFinder()

    def look(self, image: Image, at: float) -> Tuple[Face, ...]:
        return self._search.look(image, at, self._cuts.is_cut(image))


def moved(found: Sequence[Face], followed: Sequence[Tuple[Face, ...]]) -> Tuple[Face, ...]:
    """Return the faces of the last look where they are likely to be now.

    Each goes on from where it was found, by as much as a tracker says that faces there move meanwhile. The places that it tells
    are older than what was found, as it may not have seen the last look yet; of a face that nods they are worse than no move.

    Nobody is added: a face that the last look missed is hidden, and not to be shown or read. Nobody is lost: one that nobody
    follows yet stays where it was.

    Parameters
    ----------
    found : sequence of Face
        What the last look found, best score first.
    followed : sequence of tuple of Face
        Where a tracker expects each face at the last look and now. The one that was nearest to a face that was found is taken
        for it, if it was less than a width away.

    Examples
    --------
    >>> from fer_edge.types import Box
    >>> def at(x):
    ...     return Face(Box(x, 10, 40, 40), 0.9, {"right_eye": (x + 10, 25.0), "left_eye": (x + 30, 25.0)})
    >>> [face.box.x for face in moved([at(100), at(300)], [(at(295), at(295)), (at(95), at(101))])]
    [106.0, 300.0]
    """
    pairs = sorted(
        (distance, one, other)
        for one, face in enumerate(found)
        for other, (then, _) in enumerate(followed)
        for distance in (_distance(face, then),)
        if distance < 1
    )
    places: List[Face] = list(found)
    left, free = set(range(len(found))), set(range(len(followed)))
    for _, one, other in pairs:
        if one in left and other in free:
            left.remove(one)
            free.remove(other)
            then, now = followed[other]
            places[one] = _carried(found[one], then.box, now.box)
    return tuple(places)


def _carried(face: Face, then: Box, now: Box) -> Face:
    """Return a face moved and grown as one box against another."""
    scale = now.width / max(then.width, 1e-6)
    across, down = (
        (now.x + now.width / 2) - (then.x + then.width / 2),
        (now.y + now.height / 2) - (then.y + then.height / 2),
    )
    x, y = face.box.x + face.box.width / 2, face.box.y + face.box.height / 2

    def carry(point: Point) -> Point:
        return x + across + scale * (point[0] - x), y + down + scale * (point[1] - y)

    box = Box(*carry((face.box.x, face.box.y)), scale * face.box.width, scale * face.box.height)
    return Face(box, face.score, {name: carry(point) for name, point in face.landmarks.items()})


def _distance(one: Face, other: Face) -> float:
    """Return the distance between the centres of two boxes, in widths of the smaller."""
    a, b = one.box, other.box
    across, down = a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2
    return float((across * across + down * down) ** 0.5 / max(min(a.width, b.width), 1e-6))


def _kind(detector: FaceDetector) -> str:
    return str(getattr(detector, "kind", type(detector).__name__))
