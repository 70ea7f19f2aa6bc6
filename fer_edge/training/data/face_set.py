"""Faces, and what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fer_edge.errors import DataSetError
from fer_edge.types import LABELS

NO_MAJORITY = -1

MAJORITY_RULE = (
    "FER+ majority label: the single maximum of the votes for the seven expressions, and more votes than each of "
    "contempt, unknown and not-a-face"
)

VOTES_OF_A_LABEL = 10
"""What a plain label counts for: as much as the ten annotators of FER+ when they all agree."""


@dataclass(frozen=True)
class FaceSet:
    """Faces and what people said of them.

    Attributes
    ----------
    images
        N x S x S x C, uint8; C is 1 (grey) or 3 (red, green, blue).
    votes
        N x 7, float32: how many annotators chose each label, in the order of ``LABELS``. In a set with plain labels
        each label has ten votes (`VOTES_OF_A_LABEL`) and the others none.
    other_votes
        N x 3, float32: votes for contempt, unknown, not a face.
    original
        N, int64: the label that the set itself gives, an index into ``LABELS``; for FER+ that is FER2013's.
    skipped
        Names of the pictures that were left out when the set was read.
    rule
        Which answer counts as right, as a clause.
    people
        N, int64: who is on each picture; None where the set does not say.
    without_face
        Those of ``skipped`` that are photographs in which the detector that cuts the faces out found none.
    """

    images: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.float32]
    other_votes: npt.NDArray[np.float32]
    original: npt.NDArray[np.int64]
    skipped: tuple[str, ...] = ()
    rule: str = MAJORITY_RULE
    people: npt.NDArray[np.int64] | None = None
    without_face: tuple[str, ...] = ()

    @classmethod
    def with_plain_labels(
        cls,
        images: npt.NDArray[np.uint8],
        labels: Sequence[int],
        rule: str,
        skipped: tuple[str, ...] = (),
        people: Sequence[int] | None = None,
        without_face: tuple[str, ...] = (),
    ) -> FaceSet:
        """Make a set of ``images`` with one label each, an index into ``LABELS``."""
        original = np.asarray(labels, np.int64)
        return cls(
            images=images,
            votes=(VOTES_OF_A_LABEL * np.eye(len(LABELS), dtype=np.float32))[original],
            other_votes=np.zeros((len(original), 3), np.float32),
            original=original,
            skipped=skipped,
            rule=rule,
            people=None if people is None else np.asarray(people, np.int64),
            without_face=without_face,
        )

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.images)

    def take(self, rows: npt.NDArray[np.int64]) -> FaceSet:
        """Return the faces at ``rows``, in that order; ``skipped`` and ``without_face`` stay those of the whole set."""
        return replace(
            self,
            images=self.images[rows],
            votes=self.votes[rows],
            other_votes=self.other_votes[rows],
            original=self.original[rows],
            people=None if self.people is None else self.people[rows],
        )

    def majority(self) -> npt.NDArray[np.int64]:
        """Return the label of each face by the majority rule, ``NO_MAJORITY`` (-1) where it has none.

        The label with the most votes among the seven; it counts only where it is the single maximum and
        has more votes than each of contempt, unknown and not-a-face. A plain label is always its own majority.
        """
        most = self.votes.max(axis=1)
        single = (self.votes == most[:, None]).sum(axis=1) == 1
        clear = single & (most > self.other_votes.max(axis=1))
        return np.where(clear, self.votes.argmax(axis=1), NO_MAJORITY).astype(np.int64)

    def labelled(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the rows that have a label by the majority rule, and these labels.

        Raises
        ------
        DataSetError
            If no face has one.
        """
        labels = self.majority()
        rows = np.flatnonzero(labels != NO_MAJORITY)
        if not len(rows):
            raise DataSetError("No face of the set has a majority label.", "Give a set with labels or FER+ votes.")
        return rows, labels[rows]
