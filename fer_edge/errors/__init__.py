"""Everything that can go wrong, as one tree of errors.

Each error carries the exit code with which the program ends when nobody handles it, and a message in which a person finds
the thing that failed, the place, and what to do next. The table of docs/exit-codes.md is checked against this module.
"""

from __future__ import annotations

from fer_edge.errors.base import FerEdgeError as FerEdgeError
from fer_edge.errors.server import ServerError as ServerError
from fer_edge.errors.server import ServerGarbled as ServerGarbled
from fer_edge.errors.server import ServerLate as ServerLate
from fer_edge.errors.server import ServerRefused as ServerRefused
from fer_edge.errors.server import ServerUnfit as ServerUnfit
from fer_edge.errors.server import ServerUnreachable as ServerUnreachable


class UsageError(FerEdgeError):
    """The command line asks for something that does not make sense."""

    exit_code = 2


class SettingsError(FerEdgeError):
    """A settings file or an environment variable has an unknown name or a wrong value."""

    exit_code = 3


class SettingsUnreadable(SettingsError):
    """The settings file is not there, or its disk does not give it: it may be mounted later."""

    exit_code = 7


class RestUnusable(FerEdgeError):
    """The file of a resting face is damaged, of another network or version, none of ours, or cannot be read."""

    exit_code = 8


class RestNotSeen(FerEdgeError):
    """No resting face can be recorded: nobody was in view, more than one face, or none at rest."""

    exit_code = 9


class MissingExtra(FerEdgeError):
    """A library is needed that the chosen installation flavour does not bring."""

    exit_code = 4


class LibraryUnusable(FerEdgeError):
    """A library is installed, but does not load: its file is damaged, a library below it or memory is missing."""

    exit_code = 5


class OutOfMemory(FerEdgeError):
    """There was not enough memory to go on."""

    exit_code = 6


class SourceError(FerEdgeError):
    """Base of what goes wrong where frames come from."""

    exit_code = 10


class SourceNotFound(SourceError):
    """There is no such camera, file, folder or demo source."""


class SourceBusy(SourceError):
    """Another program holds the camera."""

    exit_code = 11


class SourcePermission(SourceError):
    """The device or file exists, but this user may not read it."""

    exit_code = 12


class SourceUnreadable(SourceError):
    """The file or stream holds no picture that can be decoded."""

    exit_code = 13


class FileUnreadable(SourceUnreadable):
    """One picture file of several cannot be read; the others can."""


class OtherMedia(SourceUnreadable):
    """The address gives something that plays, and no pictures one by one.

    Attributes
    ----------
    kind : str
        What it is, as a type such as ``video/mp4``, ``video/mp2t`` or ``application/vnd.apple.mpegurl``.
    """

    def __init__(self, message: str, remedy: str, kind: str) -> None:
        super().__init__(message, remedy)
        self.kind = kind


class SourceTruncated(SourceError):
    """A file ended in the middle; the frames before the damage were delivered."""

    exit_code = 14


class SourceUnreachable(SourceError):
    """A network source did not answer, or refused."""

    exit_code = 15


class SourceStalled(SourceError):
    """A source that had been opened stopped giving frames."""

    exit_code = 16


class ModelError(FerEdgeError):
    """Base of what goes wrong with a model file."""

    exit_code = 20


class ModelNotFound(ModelError):
    """There is no such model, by name or by path."""


class ModelCorrupt(ModelError):
    """The file is no ONNX model, is truncated, or its checksum differs."""

    exit_code = 21


class ModelShapeError(ModelError):
    """The network's inputs or outputs are not those of this role."""

    exit_code = 22


class ModelMetadataError(ModelError):
    """The ONNX file does not say how it wants to be used."""

    exit_code = 23


class BackendUnavailable(ModelError):
    """The wanted backend, device or precision is not to be had on this machine."""

    exit_code = 24


class EngineError(ModelError):
    """A TensorRT engine cannot be built, read or run."""

    exit_code = 25


class EngineRefused(EngineError):
    """TensorRT does not take a plan: it is of another machine or version, or damaged."""


class OutputError(FerEdgeError):
    """Base of what goes wrong where results go."""

    exit_code = 30


class OutputNotWritable(OutputError):
    """A file or stream cannot be created or written."""


class EncoderFailed(OutputNotWritable):
    """What encodes a recording ended, or takes no more images; what it encoded before is in the file."""


class ResultUnwritable(OutputError):
    """One result cannot be written, whatever the state of the disk; the next one may be."""


class DiskFull(OutputError):
    """No space was left; what had been written stays readable."""

    exit_code = 31


class DisplayUnavailable(OutputError):
    """A window was asked for, but there is no display, or OpenCV cannot open windows."""

    exit_code = 32


class EndpointUnavailable(OutputError):
    """The address to answer HTTP on is taken, or is none of this machine."""

    exit_code = 33


class OutputClosed(OutputError):
    """The reader of the standard output went away.

    Not a fault: ``fer-edge --output - | head`` ends this way. The exit code is that of a program that SIGPIPE ended.
    """

    exit_code = 141


class StageFailed(FerEdgeError):
    """A stage of the pipeline raised an error that is not one of ours; the cause is chained."""

    exit_code = 40


class StopTimeout(FerEdgeError):
    """A thread did not end in time after it was asked to stop."""

    exit_code = 41


class GateMissed(FerEdgeError):
    """A benchmark ran, but a figure missed the limit that the caller had set."""

    exit_code = 50


class NotReady(FerEdgeError):
    """The doctor found that the main job cannot run on this machine."""

    exit_code = 51


class NotHealthy(FerEdgeError):
    """A running fer-edge analyses no frames, or does not answer."""

    exit_code = 52


class ServiceError(FerEdgeError):
    """The systemd service cannot be installed, removed or asked."""

    exit_code = 53


class RecordingsFailed(FerEdgeError):
    """Some recordings could not be analysed, or not wholly; the others were."""

    exit_code = 70


class ClusterUnusable(FerEdgeError):
    """A cluster cannot be reached, was lost, or has machines that may not take part."""

    exit_code = 71


class TrainingError(FerEdgeError):
    """Base of what goes wrong in training, export and evaluation."""

    exit_code = 60


class DataSetError(TrainingError):
    """A data set is missing, has another layout, or lacks a class."""


class CheckpointError(TrainingError):
    """A checkpoint is damaged or belongs to another network or recipe."""

    exit_code = 61
