"""What kind of picture a file holds, told by its first bytes: names lie."""

from __future__ import annotations

HEAD = 512
"""Bytes that are looked at."""

JPEG, PNG, GIF, WEBP, TIFF, HEIF, AVIF, OTHER = "JPEG", "PNG", "GIF", "WebP", "TIFF", "HEIC", "AVIF", "other"
"""Kinds; `OTHER` is a picture of which nothing more needs to be known (BMP, PPM, JPEG 2000)."""

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
"""ISO/IEC 23008-12, annex B, and the AVIF specification, section 6; a video has none of them."""

_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_OTHER_HEADS = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"P7\n")


def picture_kind(head: bytes) -> str:
    r"""Return the kind of picture that begins with these bytes; empty for anything else.

    Examples
    --------
    >>> picture_kind(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic")
    'HEIC'
    """
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(_TIFF_HEADS):
        return TIFF
    if head[4:8] == b"ftyp":
        return _boxed_kind(head)
    is_pnm = head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace()
    is_bmp = head.startswith(b"BM") and head[6:10] == bytes(4) and len(head) > 26
    return OTHER if is_pnm or is_bmp or head.startswith(_OTHER_HEADS) else ""


def _boxed_kind(head: bytes) -> str:
    end = min(len(head), int.from_bytes(head[:4], "big"))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIF if brands & _HEIF_BRANDS else ""
