"""A network's answers beside what several people said of the same faces: where they differ, there is no one truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_edge.training import metrics
from fer_edge.training.data import FaceSet
from fer_edge.types import LABELS

Floats = npt.NDArray[np.float64]

BANDS = ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0))
"""Shares of the votes that the majority label has: over the first number, up to the second."""

FAINT = (0.2, 0.5)
"""Smallest and largest share of the votes at which a second label is a faint expression rather than a slip."""

_NEVER = 1e-12


@dataclass(frozen=True)
class Band:
    """The faces whose majority label has more than ``over`` and up to ``up_to`` of the votes; None where there is no face."""

    over: float
    up_to: float
    faces: int
    accuracy: float | None
    confidence: float | None


@dataclass(frozen=True)
class Second:
    """The faces whose second label has a share in `FAINT`: its mean share of the votes, and its mean probability.

    ``share`` and ``probability`` are None where there is no face.
    """

    faces: int
    share: float | None
    probability: float | None


@dataclass(frozen=True)
class Annotators:
    """How a network and people agree, counted over all votes for the seven expressions of the faces with a majority label.

    Attributes
    ----------
    votes
        How many these are.
    agreement
        Share of them that the network's answers have: how often one annotator, drawn at random, says the same.
    agreement_best
        The same of the answers that most annotators gave; no network can have more.
    agreement_human
        How often one annotator says what another one of the same face says.
    majority_human
        How often one annotator says what most of the others say; where they are split evenly, a part counts. The
        network's accuracy is the same question.
    cross_entropy
        Mean of minus the logarithm of the probability that the network gives to a vote, in nats.
    temperature_for_votes, cross_entropy_at_it
        By what the logits would have to be divided for the lowest cross-entropy, and what that is. The model's own
        temperature is usually lower: it makes the confidence in a majority label right, which is more than the votes are worth.
    cross_entropy_best
        The same of the votes' own shares; no network can have less.
    cross_entropy_human
        The same of the shares that the other annotators' votes give, one vote spread evenly over the seven added.
    bands
        Accuracy by how many annotators agreed, in the order of `BANDS`.
    second
        How the probability of a second, fainter expression follows its votes.
    second_by_label
        The same where that expression is the one named.
    """

    votes: int
    agreement: float
    agreement_best: float
    agreement_human: float
    majority_human: float
    cross_entropy: float
    temperature_for_votes: float
    cross_entropy_at_it: float
    cross_entropy_best: float
    cross_entropy_human: float
    bands: list[Band]
    second: Second
    second_by_label: dict[str, Second]


def has_votes(faces: FaceSet) -> bool:
    """Return whether people disagree on any face of a set; one with plain labels says nothing of people."""
    return bool(((faces.votes > 0).sum(axis=1) > 1).any())


def beside_annotators(
    probabilities: npt.NDArray[np.float32], faces: FaceSet, temperature: float = 1.0
) -> Annotators | None:
    """Compare a network's answers with the votes.

    Parameters
    ----------
    probabilities
        N x 7, in the order of `LABELS`.
    faces
        N faces with a majority label.
    temperature
        By which the logits were divided that these are the softmax of.

    Returns
    -------
    Annotators or None
        None where the set has no votes of several people (`has_votes`).
    """
    if not has_votes(faces):
        return None
    given = probabilities.astype(np.float64)
    votes = faces.votes.astype(np.float64)
    count = votes.sum(axis=1, keepdims=True)
    shares = votes / count
    answers, truth = given.argmax(axis=1), votes.argmax(axis=1)
    every = np.arange(len(votes))

    def mean(of_votes: Floats) -> float:
        return float((votes * of_votes).sum() / votes.sum())

    logits = temperature * np.log(np.maximum(given, _NEVER))
    weighed = votes * (len(votes) / votes.sum())  # each vote counts the same, and not each face
    fitted = metrics.fit_temperature_to(logits, weighed)
    others = np.maximum(votes[:, None, :] - np.eye(len(LABELS)), 0.0)  # N x 7 x 7: without one vote for the second axis
    guessed = np.diagonal(others + 1 / len(LABELS), axis1=1, axis2=2) / count
    return Annotators(
        votes=int(votes.sum()),
        agreement=float(votes[every, answers].sum() / votes.sum()),
        agreement_best=float(votes[every, truth].sum() / votes.sum()),
        agreement_human=mean((votes - 1) / np.maximum(1, count - 1)),
        majority_human=mean(_follows_most(others)),
        cross_entropy=mean(-np.log(np.maximum(given, _NEVER))),
        temperature_for_votes=fitted,
        cross_entropy_at_it=metrics.cross_entropy(logits, weighed, fitted),
        cross_entropy_best=mean(-np.log(np.maximum(shares, _NEVER))),
        cross_entropy_human=mean(-np.log(guessed)),
        bands=[_band(over, up_to, shares, given) for over, up_to in BANDS],
        second=_second(shares, given),
        second_by_label={label: _second(shares, given, index) for index, label in enumerate(LABELS)},
    )


def _follows_most(others: Floats) -> Floats:
    """Return N x 7: does a vote for each label say what most of the others say, from 0 to 1."""
    most = others.max(axis=2)
    tied = (others == most[:, :, None]).sum(axis=2)
    same = np.diagonal(others, axis1=1, axis2=2) == most
    return np.asarray(same / tied)


def _band(over: float, up_to: float, shares: Floats, given: Floats) -> Band:
    most = shares.max(axis=1)
    inside = (most > over + 1e-9) & (most <= up_to + 1e-9)
    if not inside.any():
        return Band(over, up_to, 0, None, None)
    right = given.argmax(axis=1) == shares.argmax(axis=1)
    return Band(over, up_to, int(inside.sum()), float(right[inside].mean()), float(given.max(axis=1)[inside].mean()))


def _second(shares: Floats, given: Floats, label: int | None = None) -> Second:
    every = np.arange(len(shares))
    second = np.argsort(-shares, axis=1, kind="stable")[:, 1]
    share = shares[every, second]
    inside = (share >= FAINT[0] - 1e-9) & (share <= FAINT[1] + 1e-9)
    if label is not None:
        inside &= second == label
    if not inside.any():
        return Second(0, None, None)
    return Second(int(inside.sum()), float(share[inside].mean()), float(given[every, second][inside].mean()))
