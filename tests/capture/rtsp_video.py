"""A small RTSP camera that sends video which the test encodes: where it is joined, how it is slow, and over what, is chosen."""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Callable, Iterator, List, Sequence, Tuple

import av
import numpy as np
from rtsp_camera import listening, requests

WIDTH, HEIGHT = 128, 96
_LARGEST = 1200
_FIRST_STAMP = 123456789


def picture(index: int) -> np.ndarray:
    """Return an image whose left half is dark, whose right half is bright, and in which a bar moves."""
    image = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    image[:, WIDTH // 2 :] = 220
    row = 4 * index % HEIGHT
    image[row : row + 8] = 120
    return image


def is_whole(image: np.ndarray) -> bool:
    """Tell whether an image has both halves, as no image has that FFmpeg made up for a missing one."""
    half = image.shape[1] // 2
    return bool(np.median(image[:, : half - 8]) < 60 and np.median(image[:, half + 8 :]) > 190)


def encoded(
    count: int, gop: int, codec: str = "libx264", pixel: Tuple[int, int] = (1, 1), **parameters: str
) -> List[bytes]:
    """Return the access units (H.264 or H.265, Annex B) of a video with a key frame every `gop` images."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 10), Fraction(10)
    context.sample_aspect_ratio = Fraction(*pixel)
    context.gop_size = gop
    name = "x265-params" if codec == "libx265" else "x264-params"
    every = {
        "keyint": str(gop),
        "min-keyint": str(gop),
        "scenecut": "0",
        "bframes": "0",
        "repeat-headers": "1",
        **parameters,
    }
    every = {"log-level": "none", **every} if codec == "libx265" else every
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        name: ":".join(f"{key}={value}" for key, value in every.items()),
    }
    units = []
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(picture(index), format="bgr24").reformat(format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, 10)
        units += [bytes(packet) for packet in context.encode(frame)]
    return units + [bytes(packet) for packet in context.encode(None)]


def nal_units(unit: bytes) -> List[bytes]:
    return [nal for nal in re.split(b"\0\0\0\1|\0\0\1", unit) if nal]


@dataclass(frozen=True)
class Video:
    """What the camera sends.

    Attributes
    ----------
    units : sequence of bytes
        Access units; again and again.
    first : int
        The one at which everybody joins.
    gap : float
        Seconds between two.
    most : int
        How many it sends; then it is silent.
    hevc : bool
        Whether they are of H.265.
    describes : bool
        Whether the session's description holds the parameter sets.
    transports : tuple of str
        What it grants.
    before_answer : callable
        Called before it describes its stream.
    """

    units: Sequence[bytes]
    first: int = 0
    gap: float = 0.05
    most: int = 1 << 30
    hevc: bool = False
    describes: bool = True
    transports: Tuple[str, ...] = ("tcp", "udp")
    before_answer: Callable[[], None] = lambda: None

    def description(self) -> str:
        kinds = (32, 33, 34) if self.hevc else (7, 8)
        nals = {self._kind(nal): nal for unit in self.units for nal in nal_units(unit)}
        sets = [b64encode(nals[kind]).decode() for kind in kinds if kind in nals]
        names = ("sprop-vps", "sprop-sps", "sprop-pps")
        told = (
            ";".join(f"{name}={value}" for name, value in zip(names, sets))
            if self.hevc
            else f"packetization-mode=1;sprop-parameter-sets={','.join(sets)}"
        )
        parameters = f"a=fmtp:96 {told}\r\n" if self.describes else ""
        return (
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=cam\r\nt=0 0\r\n"
            "m=audio 0 RTP/AVP 0\r\na=control:sound\r\nm=video 0 RTP/AVP 96\r\n"
            f"a=rtpmap:96 {'H265' if self.hevc else 'H264'}/90000\r\n{parameters}a=control:video\r\n"
        )

    def payloads(self, unit: bytes) -> List[bytes]:
        """Return what RTP carries of an access unit (RFC 6184 and RFC 7798)."""
        found: List[bytes] = []
        for nal in nal_units(unit):
            if len(nal) <= _LARGEST:
                found.append(nal)
                continue
            length = 2 if self.hevc else 1
            parts = [nal[at : at + _LARGEST] for at in range(length, len(nal), _LARGEST)]
            for number, part in enumerate(parts):
                edge = (0x80 if number == 0 else 0) | (0x40 if number == len(parts) - 1 else 0)
                if self.hevc:
                    head = bytes([nal[0] & 0x81 | 49 << 1, nal[1], edge | self._kind(nal)])
                else:
                    head = bytes([nal[0] & 0xE0 | 28, edge | self._kind(nal)])
                found.append(head + part)
        return found

    def _kind(self, nal: bytes) -> int:
        return nal[0] >> 1 & 63 if self.hevc else nal[0] & 31


@contextmanager
def video_camera(video: Video, asked: List[str]) -> Iterator[str]:
    """Serve a video to everybody who plays it, and note the requests in `asked`; gives host and port."""

    def handle(connection: socket.socket) -> None:
        send = None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(("127.0.0.1", 0))
            for request in requests(connection):
                asked.append(request)
                method = request.partition(" ")[0]
                answer, body = "200 OK\r\nSession: 1", ""
                if method == "OPTIONS":
                    answer += "\r\nPublic: DESCRIBE, SETUP, PLAY, TEARDOWN"
                elif method == "DESCRIBE":
                    video.before_answer()
                    body = video.description()
                    answer += f"\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}"
                elif method == "SETUP":
                    transport, send = _granted(request, video.transports, connection, datagrams)
                    answer = f"{answer}\r\nTransport: {transport}" if transport else "461 Unsupported Transport"
                number = request.partition("CSeq: ")[2].split("\r")[0]
                connection.sendall(f"RTSP/1.0 {answer}\r\nCSeq: {number}\r\n\r\n{body}".encode())
                if method == "TEARDOWN":
                    return
                if method == "PLAY" and send is not None:
                    _play(video, connection, send)
                    return

    with listening(handle) as place:
        yield place


def _granted(
    request: str, transports: Tuple[str, ...], connection: socket.socket, datagrams: socket.socket
) -> Tuple[str, Callable[[bytes], object]]:
    ports = re.search(r"client_port=(\d+)-(\d+)", request)
    if ports is None and "tcp" in transports:
        return (
            "RTP/AVP/TCP;unicast;interleaved=0-1",
            lambda packet: connection.sendall(b"$\0" + struct.pack(">H", len(packet)) + packet),
        )
    if ports is not None and "udp" in transports:
        target, own = int(ports.group(1)), datagrams.getsockname()[1]
        return (
            f"RTP/AVP;unicast;client_port={ports.group(1)}-{ports.group(2)};server_port={own}-{own + 1}",
            lambda packet: datagrams.sendto(packet, ("127.0.0.1", target)),
        )
    return "", lambda packet: None


def _play(video: Video, connection: socket.socket, send: Callable[[bytes], object]) -> None:
    """Send images until the viewer goes away."""
    number = 0
    begun = time.monotonic()
    for count in range(video.most):
        payloads = video.payloads(video.units[(video.first + count) % len(video.units)])
        for at, payload in enumerate(payloads):
            marker = 0x80 if at == len(payloads) - 1 else 0
            stamp = _FIRST_STAMP + int(90000 * video.gap * count) & 0xFFFFFFFF
            send(struct.pack(">BBHII", 0x80, marker | 96, number & 0xFFFF, stamp, 7) + payload)
            number += 1
        wait = max(0.0, begun + (count + 1) * video.gap - time.monotonic())
        if select.select([connection], [], [], wait)[0] and not connection.recv(65536):
            return
    while connection.recv(65536):
        pass
