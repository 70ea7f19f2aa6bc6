"""What a camera's refusal means, and what to do about it (status codes of RFC 2326, 11, and RFC 7826, 17)."""

from __future__ import annotations

from fer_edge.capture.address import CameraAddress
from fer_edge.errors import SourceUnreachable
from fer_edge.system.masking import mask, printable

_PATH = "Look up the path of the camera's stream."
_OTHERS = "Close other programs that watch it, or choose its smaller stream (substream)."
_ADVICE = {
    400: f"It does not understand the address or the request. {_PATH}",
    403: "The user may not see this stream, or this machine is not let in: look at the user's rights and at the list of "
    "addresses in the camera, and at USER:PASSWORD@ before the host in the address.",
    404: _PATH,
    405: "It offers no video at this path. " + _PATH,
    406: "It offers no video at this path. " + _PATH,
    408: "It took the request for too slow: check the network between.",
    410: f"The stream is gone. {_PATH}",
    415: "It does not send video of this kind: choose H.264 or H.265 in the camera.",
    429: "It was asked too often: wait for a minute; some cameras lock a user out for longer.",
    451: f"It does not understand a parameter of the address. {_PATH}",
    453: f"It has too many viewers, or its network does not carry one more stream. {_OTHERS}",
    454: "It lost the session: check that no device between ends connections, and restart the camera if it stays so.",
    455: "It cannot play this stream now: check in the camera that the stream is switched on. " + _PATH,
    457: f"It cannot play from where it was asked to, as for a recording. {_PATH}",
    459: _PATH,
    460: _PATH,
    462: "Its packets do not reach this machine: use --transport tcp, or open the firewall for UDP.",
    463: "It wants its pictures encrypted in a way that cannot be read: switch SRTP off in the camera, or use rtsps://.",
    500: "Something went wrong within the camera: restart it. " + _PATH,
    501: f"It does not know a request that players send: is it RTSP what it serves there? {_PATH}",
    502: "What passes its stream on does not reach the camera: check the recorder or proxy.",
    503: f"It is busy, or starting: wait a minute. {_OTHERS}",
    504: "What passes its stream on gets no answer from the camera: check the recorder or proxy.",
    505: "It speaks another version of RTSP, which cannot be read.",
    551: "It lacks something that players ask for: use --transport tcp, or another of the camera's streams.",
}
_TRANSPORT = {
    "tcp": "It does not send over TCP: use --transport udp, or auto, which takes what the camera offers.",
    "udp": "It does not send over UDP: use --transport tcp, or auto, which takes what the camera offers.",
    "tcp+udp": "It sends neither over TCP nor over UDP to one receiver alone: look for unicast in the camera's settings.",
}


def refused(address: CameraAddress, status: int, reason: str, transport: str = "") -> SourceUnreachable:
    """Return the error for a status of 400 or above.

    Parameters
    ----------
    reason : str
        The camera's own words.
    transport : str
        What was asked for, as FFmpeg calls it; ``tcp+udp`` where both were tried.
    """
    words = printable(mask(f"{status} {reason.strip()}".strip()))
    return SourceUnreachable(f"{address.name} answers: {words}.", _advice(address, status, transport))


def _advice(address: CameraAddress, status: int, transport: str) -> str:
    if status == 401:
        if address.user or address.password:
            return (
                "The user or the password is wrong, or this user may not see the stream: check USER:PASSWORD@ in the address. "
                "Some cameras lock a user out for some minutes after wrong ones."
            )
        return "It wants a user and a password: write USER:PASSWORD@ before the host in the address."
    if status == 461:
        return _TRANSPORT.get(transport, "Choose another transport: --transport tcp, udp or auto.")
    return _ADVICE.get(status, _PATH if status < 500 else _ADVICE[500])
