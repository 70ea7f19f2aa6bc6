"""What of an address may be shown: nothing that could be a password, wherever cameras and recorders put theirs.

Everything is hidden that is not known to be harmless, since every maker has other names for its secrets.
"""

from __future__ import annotations

import os
import re
from typing import Iterator, List, Tuple, Union

from fer_edge.system.user_info import split_user_info

PLACEHOLDER = "USER:PASSWORD@"
"""What messages write where a user and a password belong; it is left as it is."""

_HIDDEN = "***"
_SHOWN = 120
_LONGEST_PATH = 4096

_HARMLESS = (
    "action|angle|bitrate|camera|camera_?id|cameranum|cam|ch|channel|channel_?id|channels|chn|codec|compression|device|encoding|"
    "fmt|format|fps|framerate|height|id|imagesize|index|inst|n|no|proto|protocol|quality|res|resolution|rotation|size|source|"
    "stream|stream_?id|stream_?type|streamtype|subtype|sub|subtype|track|trackid|transport|type|unicast|video|videocodec|view|w|h|"
    "width|x|y|channelid|profile|snapshot|av_stream"
)
"""Names of parameters that choose an image, and no person."""

_KNOWN = "user|usr|username|userid|login|account|password|passwd|passwort|pass|pwd|psw|pw|pin|p|u|token|auth|key|secret"
"""Names behind which a secret stands; they may be shown themselves."""

_VALUE = re.compile(
    r"(?i)(?:[0-9]{1,5}(?:[x.][0-9]{1,5})?|all|av_stream|false|h26[45]|hevc|high|jpe?g|live|low|main|mjpe?g|mpeg4|multicast|off|"
    r"on|no|sub|snapshot|stream|tcp|third|true|udp|unicast|vga|cif|d1|hd|video|yes|real_stream)(?:\.(?:sdp|cgi|jpe?g|mjpe?g))?"
)
"""What a harmless parameter may say; anything else could be a secret under an innocent name."""

_WORD = re.compile(r"(?i)(?:av_stream|inst|live|mjpe?g|multicast|real_stream|stream|tcp|udp|unicast)")
"""What may stand alone where a parameter is expected."""

_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,24}")
_PAIR = re.compile(rf"(?i)(?:^|(?<=[/_&;,]))({_HARMLESS}|{_KNOWN})=")
_IS_HARMLESS = re.compile(rf"(?i)(?:{_HARMLESS})")
_IS_KNOWN = re.compile(rf"(?i)(?:{_KNOWN})")

_LOGIN = re.compile(r"(?i)[^/:;=]+(?::|%3A)[^/]")
"""A user and a password in a path, of which nobody knows where it ends."""

_END = re.compile(r"[)\]}>'\",.;:!?]{1,2}$")
_ITEM = re.compile(
    r"(?P<quote>[\"'])(?P<quoted>[^\s\"']*//[^\"'\n]*)(?P=quote)"
    r"|//(?P<url>(?:\\.|\S)+)"
    r"|(?P<login>(?<!\S)[^\s/@:=\"']{1,100}:(?!//)\S{1,200}@(?=[^\s@]))"
    r"|(?P<name>(?<![\w-])[A-Za-z][\w-]{0,40}) ?= ?"
)
"""A URL, a user and a password without one, or a setting such as a GStreamer element's."""

_PIPELINE = re.compile(r"(?<![^\s='\"])gst:")
_WINDOW = 300
_BEHIND_SPACE = re.compile(r"(?<!\*\*\*)(?<!USER:PASSWORD)@(?=\[|[^\W_])")
"""The end of a password with a space in it, of which nothing tells but that a host follows."""

_WORD_OF_TEXT = re.compile(r"\S*")

_VALUE_OF_SETTING = re.compile(r"(?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\\.|[^\s\"'\\])+(?:[\"'].*)?|[\"'].*")
_SECRET = re.compile(
    r"(?i)pass|pwd|psw|secret|token|credential|auth|login|cookie|header|user|usr|account|"
    r"(?:^|[-_])(?:pw|pin|key|keys|apikey|sig|signature)(?:$|[-_])"
)


def mask(text: str) -> str:
    """Return `text` without user names, passwords and tokens of its URLs, and of the elements of a GStreamer pipeline."""
    pieces: List[str] = []
    at = 0
    is_pipeline = _PIPELINE.search(text) is not None
    while True:
        found = _ITEM.search(text, at)
        if found is None:
            return "".join([*pieces, text[at:]])
        pieces.append(text[at : found.start()])
        at = found.end()
        if found["quoted"] is not None:
            before, slashes, word = found["quoted"].partition("//")
            masked, end = _mask_login_with_space(text, word, at, is_pipeline)
            pieces += [found["quote"], before, slashes, masked or _mask_word(word) + found["quote"]]
            at = end
        elif found["url"] is not None:
            masked, end = _mask_login_with_space(text, found["url"], at, is_pipeline)
            pieces += ["//", masked or _mask_word(found["url"])]
            at = end
        elif found["login"] is not None:
            masked, at = _mask_login_with_space(text, found["login"], at, is_pipeline)
            pieces.append(masked or f"{_HIDDEN}@")
        else:
            pieces.append(found.group())
            value = _VALUE_OF_SETTING.match(text, at) if _SECRET.search(found["name"]) else None
            if value:
                pieces.append(_HIDDEN)
                at = value.end()


def printable(text: str, most: int = _SHOWN) -> str:
    """Return what a stranger sent as a message may show it: its start, without what would control a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:most])


def shown(path: Union[str, os.PathLike[str]]) -> str:
    """Return a file's name as a message may show it; whoever named the file may be a stranger."""
    return printable(os.fspath(path), _LONGEST_PATH)


def _mask_login_with_space(text: str, word: str, at: int, is_pipeline: bool) -> Tuple[str, int]:
    """Mask a URL whose password goes on behind the word that ends at `at`; return it, empty if there is none, and its end."""
    if (
        is_pipeline
        or word.startswith((f"{_HIDDEN}@", PLACEHOLDER))
        or ":" not in re.split("[/?#]", word, maxsplit=1)[0]
    ):
        return "", at
    ends = list(_BEHIND_SPACE.finditer(text, at, at + _WINDOW))
    if not ends or "\n" in text[at : ends[-1].end()]:
        return "", at
    rest = _WORD_OF_TEXT.match(text, ends[-1].end())
    return (_mask_word(f"{_HIDDEN}@{rest.group()}"), rest.end()) if rest else ("", at)


def _mask_word(word: str) -> str:
    """Mask what stands behind the two slashes of a URL."""
    end = _END.search(word)
    closing = end.group() if end else ""
    word = word[: len(word) - len(closing)]
    if word.startswith(PLACEHOLDER) and "@" not in word[len(PLACEHOLDER) :]:
        return PLACEHOLDER + _mask_rest(word[len(PLACEHOLDER) :]) + closing
    info = split_user_info(word)
    if info is None:
        return _HIDDEN + closing
    if info.text is not None:
        return f"{_HIDDEN}@{_mask_rest(info.rest)}{closing}"
    user, at, rest = word.rpartition("@")
    if at and ":" in user:
        # A password may hold any sign, so rather too much is hidden. Behind a port, the @ may as well be a parameter's.
        authority = re.split("[/?#]", word, maxsplit=1)[0]
        is_user = "=" not in user and not re.fullmatch(r"[^:]*(?::[0-9]*)?", authority)
        return f"{_HIDDEN}@{_mask_rest(rest)}{closing}" if is_user else _HIDDEN + closing
    return _mask_rest(word) + closing


def _mask_rest(text: str) -> str:
    """Mask host, path, query and fragment."""
    host = re.match(r"(?:\[[0-9A-Fa-f:.%]*\]|[^/?#:]*)(:[^/?#]*)?", text)
    place = host.group() if host else ""
    port = host.group(1) if host else None
    if port and not re.fullmatch(r":[0-9]*", port):
        place = _HIDDEN  # a user and a password whose @ was forgotten or is cut off
    rest = text[host.end() if host else 0 :]
    rest, mark, fragment = rest.partition("#")
    path, question, query = rest.partition("?")
    parts = re.split(r"([&;?]+)", query)
    shown = "".join(part[0] if index % 2 else _mask_parameter(part) for index, part in enumerate(parts))
    return place + _mask_path(path) + question + shown + mark + (_HIDDEN if fragment else "")


def _mask_parameter(part: str) -> str:
    name, sign, value = part.partition("=")
    if not sign:
        return part if not part or _WORD.fullmatch(part) else _HIDDEN
    if not value:
        return part if _may_be_shown(name) else f"{_HIDDEN}="
    if _IS_HARMLESS.fullmatch(name) and _VALUE.fullmatch(value):
        return part
    return f"{name if _may_be_shown(name) else _HIDDEN}={_HIDDEN}"


def _may_be_shown(name: str) -> bool:
    """Return whether a name is one, and not a piece of a password with an equals sign in it."""
    if _IS_HARMLESS.fullmatch(name) or _IS_KNOWN.fullmatch(name):
        return True
    return bool(_NAME.fullmatch(name) and _SECRET.search(name))


def _mask_path(path: str) -> str:
    """Mask what a path has of the form ``user=admin_password=..._channel=1_stream=0.sdp`` and ``;pw=...``.

    A password may hold the signs that divide such parts, so one reaches to the next name that is known.
    """
    return "".join(_mask_pieces(path))


def _mask_pieces(path: str) -> Iterator[str]:
    pairs = list(_PAIR.finditer(path))
    yield _mask_prefix(path[: pairs[0].start()] if pairs else path)
    for index, pair in enumerate(pairs):
        last = index + 1 == len(pairs)
        value, divider = _divided(path[pair.end() : None if last else pairs[index + 1].start()], last)
        harmless = _IS_HARMLESS.fullmatch(pair.group(1)) and _VALUE.fullmatch(value)
        yield pair.group() + (value if harmless or not value else _HIDDEN) + divider


def _divided(value: str, is_last: bool) -> Tuple[str, str]:
    return (value, "") if is_last else (value[:-1], value[-1:])


def _mask_prefix(path: str) -> str:
    """Show a path up to the first thing in it that is no name of a folder."""
    first = re.search(r"[;=]", path)
    login = _LOGIN.search(path, 0, first.start() if first else len(path))
    if login is not None:
        return path[: login.start()] + _HIDDEN
    if first is None:
        return path
    parameter = path[first.end() :]
    if first.group() == ";":
        name, sign, _ = parameter.partition("=")
        if sign and _may_be_shown(name):
            return f"{path[: first.end()]}{name}={_HIDDEN}"
        return path if not parameter else path[: first.end()] + _HIDDEN
    return path if not parameter else path[: first.end()] + _HIDDEN
