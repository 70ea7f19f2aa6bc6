"""``fer-edge rest``: records a person's face at rest, for ``--rest FILE``."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Mapping, Optional

from fer_edge.app.rest import Recording, record_rest
from fer_edge.app.tracking import network_of
from fer_edge.cli.arguments import add_settings, given_settings
from fer_edge.errors import OutputNotWritable, RestNotSeen, UsageError
from fer_edge.settings import Settings, load_settings, settings_file
from fer_edge.settings.settings import setting_options
from fer_edge.sinks.files import open_error, write_error
from fer_edge.system.atomic_file import OWNER_ONLY, Draft
from fer_edge.system.logs import set_up_logging
from fer_edge.system.masking import mask, shown
from fer_edge.system.progress import Progress
from fer_edge.system.standard_streams import standard_descriptor
from fer_edge.track.rest import HAPPY, TRUSTED, bounded_shift
from fer_edge.track.rest_file import Network, refuse_to_replace, rest_file
from fer_edge.types import LABELS

if TYPE_CHECKING:
    from fer_edge.app.parts import Parts

logger = logging.getLogger("fer_edge")

DESCRIPTION = """\
Record what your face looks like at rest, so that your expressions are judged against it.

Sit alone in front of the camera as you will sit later, in the same light, and look into it with a relaxed face until the
time is over. Then give the file to --rest:

  fer-edge rest --camera 0 --seconds 5 --save anna.json
  fer-edge --camera 0 --rest anna.json

A picture of a neutral face does, too, and so does a video: --camera portrait.jpg. The file holds numbers that tell what a
network makes of your face; nobody but you can read it. It belongs to the --model with which it was recorded.
"""

OF_NO_USE = frozenset(
    known.setting.option
    for known in setting_options()
    if known.section not in ("cameras", "analysis", "log") or known.setting.option == "blur"
)
"""Settings that are of a live run alone. A settings file may hold them, and the command line that records may not."""

LONGEST = 3600.0
"""Seconds. Nobody keeps a face at rest for longer."""


def add_rest_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what only this verb takes, and the settings."""
    parser.add_argument(
        "--save", type=os.path.expanduser, required=True, metavar="FILE", help="where the resting face goes"
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=5.0, metavar="S", help="how long, from the first image on (default: 5)"
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="save it although the face shows an expression: that is how it looks at rest",
    )
    add_settings(parser, hidden=OF_NO_USE)


def run_rest(
    options: argparse.Namespace, stop: threading.Event, progress: Progress, parts: Optional[Parts] = None
) -> int:
    """Carry out ``fer-edge rest``.

    Raises
    ------
    UsageError
        An option contradicts the purpose.
    RestNotSeen
        Nobody was in view, more than one face, or one that showed an expression; or it was ended early. Nothing was saved.
    OutputNotWritable, DiskFull
        The file cannot be written, or something else lies there.
    """
    given, _ = given_settings(options)
    _refuse_contradictions(given)
    settings = load_settings(given, file=settings_file(options.config))
    set_up_logging(settings.log.level, settings.log.format)
    with settings.located("model"):
        network = network_of(settings)
    _refuse_place(options.save)
    try:
        draft = Draft(options.save, OWNER_ONLY)
    except OSError as error:
        raise open_error(error, options.save, _WHAT) from error
    try:
        recording = _record(settings, options.seconds, stop, progress, parts)
        if recording.expression and not options.anyway:
            raise RestNotSeen(
                f"The face looked {recording.expression} and not at rest, so nothing was saved.",
                "Relax, and record it again; if it looks so at rest, add --anyway.",
            )
        _save(draft, options.save, recording, network)
    finally:
        draft.close()
    sys.stdout.write(_told(recording, options.save, settings))
    return 0


_WHAT = "resting face"


def _record(
    settings: Settings, seconds: float, stop: threading.Event, progress: Progress, parts: Optional[Parts]
) -> Recording:
    from fer_edge.app.parts import PROGRAM

    logger.info("recording a resting face from %s: look into the camera, and relax", mask(settings.cameras[0].source))
    try:
        recording = record_rest(settings, seconds, stop, progress, parts or PROGRAM)
    finally:
        progress("")
    if recording.expression:
        logger.warning("the face looked %s", recording.expression, extra={"event": "not_at_rest"})
    if recording.restless:
        logger.warning(
            "the face moved much while it was recorded: the middle of what it showed is taken; record it again if it talked",
            extra={"event": "not_at_rest"},
        )
    return recording


def _save(draft: Draft, path: str, recording: Recording, network: Network) -> None:
    try:
        draft.write(rest_file(recording.face, network, datetime.now(timezone.utc)))
        draft.finish()
        _refuse_place(path)  # what somebody has put there meanwhile
        draft.put()
    except OSError as error:
        raise write_error(error, path, _WHAT) from error


def _refuse_place(path: str) -> None:
    if standard_descriptor(path) is not None:
        raise OutputNotWritable(f"The {_WHAT} '{shown(path)}' is a stream of the program.", "Give the name of a file.")
    reason = refuse_to_replace(path)
    if reason:
        raise OutputNotWritable(
            f"'{shown(path)}' exists already, and is no resting face that could be replaced: {reason}.",
            "Give another name, or delete it yourself if nobody needs it.",
        )


def _told(recording: Recording, path: str, settings: Settings) -> str:
    face = recording.face
    shift = bounded_shift(face, TRUSTED)
    easier = f"happy is {-shift[HAPPY]:.1f} easier to reach" if shift[HAPPY] < 0 else ""
    harder = ", ".join(f"{label} {moved:.1f}" for label, moved in zip(LABELS, shift) if moved > 0)
    moves = "; ".join(filter(None, [easier, f"harder: {harder}" if harder else ""])) or "nothing is moved"
    pictures = "1 picture" if face.frames == 1 else f"{face.frames} pictures"
    watched = f"{face.seconds:.1f} s, {face.frames} frames" if face.seconds else pictures
    name = shlex.quote(shown(path))
    # A picture is read by itself, and not judged against anything.
    camera = shlex.quote(mask(settings.cameras[0].source)) if face.seconds else "0"
    return (
        f"the resting face of {watched} is in {shown(path)}\n"
        f"in log-odds: {moves}\n"
        f"use it with:  fer-edge --camera {camera} --rest {name}\n"
    )


def _refuse_contradictions(given: Mapping[str, Any]) -> None:
    for name in given:
        # Without a window it is anyway.
        if name in OF_NO_USE and (name, given[name]) != ("display", "none"):
            option = "--" + name.replace("_", "-")
            raise UsageError(
                f"fer-edge rest records a resting face and nothing else, and {option} is given.",
                f"Leave out {option}; --seconds says how long, and --save where it goes.",
            )


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(f"it must be a number above 0 and up to {LONGEST:g}, and {text!r} is none")
    return value
