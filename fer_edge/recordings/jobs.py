"""The work of a run in pieces that any process can do: plain values, which can be pickled, and what comes of them.

Each recording is surveyed, then its parts are read in any order and by any processes, then one job joins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Tuple, Union

from fer_edge.recordings.recording import Recording


@dataclass(frozen=True)
class Asked:
    """What is wanted of every recording: all that decides on what is in the results.

    Attributes
    ----------
    model : str
        As ``--model`` takes it; each process finds the file by itself.
    model_sha256 : str
        Of the file that was found where the run was started; a process that finds another one refuses.
    backend, device, precision, detector, min_score, min_face, tracks, track_memory, half_life, rest
        As the settings of these names.
    rest_sha256 : str
        Of the file of a resting face; empty where none is named.
    every : int
        Of this many frames one is analysed.
    fps : float
        At most so many frames a second of the recording are analysed; 0 for all.
    form : str
        ``csv`` or ``parquet``.
    version : str
        Of fer-edge; a process with another one refuses.
    computes : str
        The precision that ``auto`` came to where the run was started, so that every process takes the same.
    """

    model: str
    model_sha256: str
    backend: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    detector: str = "auto"
    min_score: float = 0.5
    min_face: int = 0
    tracks: bool = True
    track_memory: float = 1.5
    half_life: float = 0.3
    rest: str = "off"
    rest_sha256: str = ""
    every: int = 1
    fps: float = 0.0
    form: str = "csv"
    version: str = ""
    computes: str = ""


@dataclass(frozen=True)
class Span:
    """A part of a recording, from one key frame to the next of those at which it is split.

    Attributes
    ----------
    first : int
        Index in the recording of its first frame; of pictures, of its first file.
    count : int
        How many frames, or files, there must be.
    start, end : int or None
        Presentation stamps, in units of the stream: of its first frame, and of the first that is not its own (None: to the
        end). Both None for pictures.
    seek : int or None
        The stamp to seek to.
    origin : float
        Seconds of the stamp that is time 0.
    before : float
        Time of the frame before the first; -1 where there is none.
    """

    first: int
    count: int
    start: Optional[int] = None
    end: Optional[int] = None
    seek: Optional[int] = None
    origin: float = 0.0
    before: float = -1.0


@dataclass(frozen=True)
class Identity:
    """What a recording was when it was surveyed: its content, and how a change of it is noticed."""

    sha256: str
    stamp: str


@dataclass(frozen=True)
class SurveyJob:
    """Find out what a recording is: its content's sum, and where it can be split.

    Attributes
    ----------
    recording : Recording
    asked : Asked
    folder : str
        Where its results go.
    parts : int
        Into how many it may be split at most.
    """

    recording: Recording
    asked: Asked
    folder: str
    parts: int = 1


@dataclass(frozen=True)
class PartJob:
    """Decode, detect and classify a part of a recording, or all of it: the half that needs nothing of the parts before.

    Attributes
    ----------
    recording : Recording
    asked : Asked
    identity : Identity
        A recording that is another by now is refused.
    span : Span or None
        None for all of it.
    file : str
        Where what is seen goes, for the job that joins.
    number, of : int
        Which part of how many this is, from 0 on.
    fresh : tuple of int
        As of `Survey`.
    """

    recording: Recording
    asked: Asked
    identity: Identity
    span: Optional[Span]
    file: str
    number: int = 0
    of: int = 1
    fresh: Tuple[int, ...] = ()


@dataclass(frozen=True)
class JoinJob:
    """Follow faces over the parts, in order, and write the results: the half that remembers.

    Attributes
    ----------
    recording : Recording
    asked : Asked
    identity : Identity
    folder : str
        Where the results go.
    parts : tuple of PartResult
        In order.
    """

    recording: Recording
    asked: Asked
    identity: Identity
    folder: str
    parts: Tuple[PartResult, ...]


@dataclass(frozen=True)
class PageJob:
    """Make the page of a recording out of its results.

    Attributes
    ----------
    recording : Recording
    folder : str
        Where its results are.
    out : str
        The folder of all results, whose page the new one leads back to.
    pictures : bool
        Whether it holds small images of the recording.
    """

    recording: Recording
    folder: str
    out: str
    pictures: bool = False


AnalysisJob = Union[SurveyJob, PartJob, JoinJob]
"""What a cluster's machines do, too; pages are always made by processes of this one."""

Job = Union[AnalysisJob, PageJob]


@dataclass(frozen=True)
class Survey:
    """What a `SurveyJob` found.

    Attributes
    ----------
    identity : Identity
    finished : Mapping or None
        The summary of results that are there already, and whole; None where the recording is to be analysed.
    spans : tuple of Span
        Its parts; none where it is not split.
    frames : int
        How many there are, as far as is known; 0 otherwise.
    seconds : float
        How long it is, as far as is known; 0 otherwise.
    unsplit : str
        Why it is not split, for people; empty where it is, or where it is too short to.
    fresh : tuple of int
        Indices in the recording of the frames at which whatever remembers begins afresh. The same into however many parts it
        is split, and each part but the first begins at one of them, where there are any.
    """

    identity: Identity
    finished: Optional[Mapping[str, Any]] = None
    spans: Tuple[Span, ...] = ()
    frames: int = 0
    seconds: float = 0.0
    unsplit: str = ""
    fresh: Tuple[int, ...] = ()


@dataclass(frozen=True)
class PartResult:
    """What became of a `PartJob`.

    Attributes
    ----------
    file : str
        With what was seen.
    frames, analysed : int
        How many frames there were, and how many of them were analysed.
    width, height : int
        Pixels of the first image.
    fps : float
        The nominal rate; 0 if unknown.
    work_seconds : float
        How long it took.
    network : Mapping
        ``name``, ``provider`` and ``precision`` of the classifier.
    problems : tuple of str
        What a reader of the results should know.
    truncated : bool
        Whether something of it could not be read.
    last : float
        Time of the last frame.
    inexact : str
        Why the parts of this recording may not be joined, so that it is to be read in one; empty where they may.
    """

    file: str
    frames: int
    analysed: int
    width: int
    height: int
    fps: float
    work_seconds: float
    network: Mapping[str, str]
    problems: Tuple[str, ...] = ()
    truncated: bool = False
    last: float = 0.0
    inexact: str = ""


@dataclass(frozen=True)
class JoinResult:
    """What became of a `JoinJob`: the summary that it wrote."""

    summary: Mapping[str, Any]


Tell = Callable[[int, float], None]
"""Is told how far a job is: frames that were analysed, and seconds of the recording that are behind it. Also while there is
nothing new, so that one who is never told anything knows that the job hangs."""

Result = Union[Survey, PartResult, JoinResult, None]
"""What became of a job; None of a `PageJob`, whose page says all."""
