"""Certificates of the tests' own, made with openssl as the documents say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl (apt-get install openssl)")


class Pair(NamedTuple):
    """A certificate and its key."""

    cert: Path
    key: Path


def openssl(*arguments: object) -> None:
    done = subprocess.run(
        ["openssl", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def self_signed(folder: Path, name: str = "nano") -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    subject = ("-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl("req", "-x509", *curve, "-days", 825, *subject, "-keyout", pair.key, "-out", pair.cert)
    return pair


def signed(
    folder: Path, authority: Pair, names: str, end: str = "20991231235959Z", begin: str = "20200101000000Z"
) -> Pair:
    """Make a certificate with any dates, which only the command of an authority takes."""
    pair = Pair(folder / "signed.pem", folder / "signed.key")
    request, config = folder / "request.pem", folder / "ca.cnf"
    (folder / "index").write_text("")
    config.write_text(
        f"[ca]\ndefault_ca = x\n[x]\ndatabase = {folder}/index\nnew_certs_dir = {folder}\nrand_serial = yes\n"
        f"default_md = sha256\npolicy = p\nx509_extensions = e\n[p]\ncommonName = supplied\n"
        f"[e]\nsubjectAltName = {names}\n"
    )
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=signed", "-keyout", pair.key, "-out", request)
    dates = ("-startdate", begin, "-enddate", end)
    trust = ("-cert", authority.cert, "-keyfile", authority.key)
    openssl("ca", "-batch", "-notext", "-config", config, *trust, *dates, "-in", request, "-out", pair.cert)
    return pair
