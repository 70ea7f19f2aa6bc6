"""What recordings are encoded as here."""

from __future__ import annotations

from typing import List

from fer_edge.doctor.finding import NOTE, OK, WARNING, Finding
from fer_edge.doctor.probe import Probe
from fer_edge.system.installation import pip_install

TRY_RECORDING = """
from fer_edge.sinks.video.encoders import look
facts = look()
"""


def recording_findings(trial: Probe) -> List[Finding]:
    """Return whether something here encodes H.264, and what would.

    Parameters
    ----------
    trial : Probe
        Of `TRY_RECORDING`: the encoder's name, empty for none, and by kind why it is none.
    """
    topic, subject = "recording", "encoder"
    if trial.facts is None:
        return [Finding(topic, subject, "cannot be tried", WARNING, f"{trial.reason}. Recordings may fail.")]
    name, reasons = trial.facts
    if name:
        return [
            Finding(
                topic, subject, f"H.264, {name}", OK, "Recordings (--record out.mp4) play in browsers and on phones."
            )
        ]
    why = " ".join(f"{kind}: {reason}." for kind, reason in reasons.items())
    meaning = (
        f"Recordings (--record out.mp4) play in VLC and the like, but not in browsers and on phones. For H.264:  "
        f"{pip_install('media')}  or  sudo apt install ffmpeg  {why}"
    )
    return [Finding(topic, subject, "MPEG-4 Part 2", NOTE, meaning)]
