"""A real RTSP server for the tests; run by a Python that has GStreamer's bindings: ``rtsp_server.py MODE [PORT]``.

Prints its port, and serves ``/cam``. MODE: ``live``; ``moving``, where no picture is like the one before; ``short``, which
ends after ten frames; ``locked``, which wants the user "eileen" with the password "secret"; ``digest``, which
wants them hashed.
"""

from __future__ import annotations

import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402


def main(mode: str, port: str = "0") -> None:
    Gst.init(None)
    server: Any = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    limit = "num-buffers=10" if mode == "short" else ""
    pattern = "ball" if mode == "moving" else "red"
    factory.set_launch(
        f"( videotestsrc is-live=true pattern={pattern} {limit} ! video/x-raw,format=I420,width=320,height=240,framerate=20/1 "
        "! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
    )
    factory.set_shared(True)
    if mode in ("locked", "digest"):
        guard = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        if mode == "digest":
            guard.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            guard.add_digest("eileen", "secret", token)
        else:
            guard.add_basic(GstRtspServer.RTSPAuth.make_basic("eileen", "secret"), token)
        server.set_auth(guard)
        factory.add_role_from_structure(
            Gst.Structure.from_string(
                "viewer, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
            )[0]
        )
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
