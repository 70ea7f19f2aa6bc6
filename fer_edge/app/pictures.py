"""Pictures in a live run: how long each is shown, and what is told of them at the end."""

from __future__ import annotations

import logging
from typing import Dict, List, Tuple

from fer_edge.capture.registry import kind_of
from fer_edge.settings import Settings
from fer_edge.settings.tracks import AUTO
from fer_edge.system.masking import shown
from fer_edge.types import Observation, ObservedFace
from fer_edge.ui.wording import chip_text

logger = logging.getLogger("fer_edge")

PICTURE_FPS = 1.0
"""Pictures a second in the window: they are to be looked at."""

MOST_TOLD = 20
"""Pictures of which the expressions are told at the end; of more, a results file tells."""


class PictureNotes:
    """Notes what was seen in pictures, for people.

    Parameters
    ----------
    settings : Settings
        Name the sources.

    Attributes
    ----------
    alone : bool
        Whether there are only pictures, and nothing that has a rate.
    """

    def __init__(self, settings: Settings) -> None:
        self.alone = all(kind_of(camera.source.strip()).pictures for camera in settings.cameras)
        self._several = len(settings.cameras) > 1
        self._read: List[str] = []
        self._unread: Dict[str, None] = {}
        self._more = 0
        in_vain = {
            "--rest auto": settings.tracks.rest == AUTO,
            "--events": bool(settings.outputs.events),
            "--history": bool(settings.history.file),
        }
        self._in_vain = " and ".join(option for option, given in in_vain.items() if given)

    @property
    def read(self) -> Tuple[str, ...]:
        """What the faces in the first pictures express, a line for each; and how many pictures there are besides."""
        return (*self._read, f"and {self._more} more; --output FILE has them all") if self._more else tuple(self._read)

    @property
    def unread(self) -> Tuple[str, ...]:
        """Names of the files that could not be read, as they may be shown."""
        return tuple(self._unread)

    def note(self, observation: Observation) -> None:
        """Take up one observation; of what is no picture nothing is noted."""
        frame = observation.frame
        if not frame.file:
            return
        if self._in_vain and frame.media_time is None:
            logger.warning(
                "a picture has nothing to do with the next, so it is not followed: for pictures %s will do nothing",
                self._in_vain,
                extra={"event": "pictures_not_followed"},
            )
            self._in_vain = ""
        name = f"{frame.source}: {shown(frame.file)}" if self._several else shown(frame.file)
        if frame.problem:
            self._unread.setdefault(name)
        elif len(self._read) < MOST_TOLD:
            self._read.append(f"{name}: {_in_words(observation.faces)}")
        else:
            self._more += 1

    @staticmethod
    def pace(observation: Observation, fps: float) -> float:
        """Return at how many images a second an image of a file is shown; 0 for no wait.

        Parameters
        ----------
        fps : float
            Of the file; 0 where it has none.
        """
        frame = observation.frame
        if frame.problem:
            return 0.0
        return PICTURE_FPS if frame.file and frame.media_time is None else fps


def _in_words(faces: Tuple[ObservedFace, ...]) -> str:
    return ", ".join(chip_text(face.steady) for face in faces) if faces else "no face"
