"""Divides one set into a training and a validation set."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from fer_edge.errors import DataSetError, UsageError
from fer_edge.training.data.face_set import FaceSet
from fer_edge.types import LABELS

SPLITS = ("identity", "random")

Rows = npt.NDArray[np.int64]

_log = logging.getLogger(__name__)


def split_faces(faces: FaceSet, how: str | None = None, share: float = 0.2, seed: int = 0) -> tuple[FaceSet, FaceSet]:
    """Divide ``faces``; every face goes to exactly one side.

    Parameters
    ----------
    faces
        The whole set.
    how
        ``identity``: each person is on one side only. ``random``: each label is divided by itself, whoever is on the
        picture. None: ``identity`` where the set says who is who, or else ``random``.
    share
        Of the faces that go to validation, above 0 and below 1; met as nearly as people and labels allow.
    seed
        Another seed gives another division.

    Returns
    -------
    tuple of FaceSet
        For training and for validation, both in the order of ``faces``; neither is empty.

    Raises
    ------
    UsageError
        If ``how`` or ``share`` is impossible, or ``identity`` is asked of a set that does not know its people.
    DataSetError
        If there are too few faces or people for two sides.
    """
    if not 0 < share < 1:
        raise UsageError(f"A validation share of {share:g} leaves one side empty.", "Give a share between 0 and 1.")
    how = how or ("random" if faces.people is None else "identity")
    if how not in SPLITS:
        raise UsageError(f"There is no split {how!r}.", f"Choose one of {', '.join(SPLITS)}.")
    random = np.random.default_rng(seed)
    if how == "random":
        if faces.people is not None:
            _log.warning(
                "a random split puts the same person on both sides: the accuracy will be higher than on strangers; "
                "an identity split avoids that"
            )
        chosen = _random_rows(_strata(faces), share, random)
    elif faces.people is None:
        raise UsageError("This set does not say who is on its pictures.", "Choose the random split for it.")
    else:
        chosen = _rows_of_some_people(faces.people, _strata(faces), share, random)
    inside = np.zeros(len(faces), bool)
    inside[chosen] = True
    return faces.take(np.flatnonzero(~inside)), faces.take(np.flatnonzero(inside))


def _strata(faces: FaceSet) -> Rows:
    """Return the label of each face, and one more stratum for the faces without any."""
    return np.where(faces.majority() < 0, len(LABELS), faces.majority()).astype(np.int64)


def _random_rows(strata: Rows, share: float, random: np.random.Generator) -> Rows:
    if len(strata) < 2:
        raise DataSetError(f"{len(strata)} face cannot be divided into two sets.", "Give more faces.")
    # Each face's place among those of its label, as a share; the smallest shares of all go to validation.
    places = np.empty(len(strata))
    for stratum in np.unique(strata):
        rows = random.permutation(np.flatnonzero(strata == stratum))
        places[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    count = min(max(1, round(share * len(strata))), len(strata) - 1)
    shuffled = random.permutation(len(strata))
    order = shuffled[np.argsort(places[shuffled], kind="stable")]
    return order[:count].astype(np.int64)


def _rows_of_some_people(people: Rows, strata: Rows, share: float, random: np.random.Generator) -> Rows:
    """Take people in random order, each whose faces bring the counts of the labels nearer to ``share`` of the whole."""
    known, person_of = np.unique(people, return_inverse=True)
    if len(known) < 2:
        raise DataSetError(
            f"{len(known)} person cannot be on two sides.", "Give faces of more people, or split at random."
        )
    counts = np.zeros((len(known), len(LABELS) + 1))
    np.add.at(counts, (person_of, strata), 1)
    wanted = share * counts.sum(axis=0)
    so_far = np.zeros_like(wanted)
    taken: list[int] = []
    for person in random.permutation(len(known)).tolist():
        nearer = np.abs(so_far + counts[person] - wanted).sum() < np.abs(so_far - wanted).sum()
        if nearer and len(taken) < len(known) - 1:
            taken.append(person)
            so_far += counts[person]
    if not taken:
        taken = [int(counts.sum(axis=1).argmin())]
    return np.flatnonzero(np.isin(person_of, taken)).astype(np.int64)
