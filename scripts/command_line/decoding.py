"""Explaining bytes without a bus: `decode`."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
import os
from pathlib import Path
from typing import Any

from .arguments import UsageError
from .output import ExitCode, Result, as_hex, describe_telegram, show
from .package import protocol

_BYTES_IN_LINE = 12
_LONGEST_NAME = 60
_STANDARD_INPUT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decoded:
    """One frame, or what is none; `error` says what is wrong with it."""

    raw: bytes
    frame: protocol.Frame | None = None
    telegram: protocol.Telegram | None = None
    error: str | None = None


def decode(options: Namespace) -> ExitCode:
    """Explain every byte. Raises UsageError for what are no bytes."""
    data = _read_source(options.source)
    reader = protocol.FrameReader()
    decoded = [_decode(item) for item in (*reader.feed(data), *reader.flush())]
    errors = [one.error for one in decoded if one.error]
    if not decoded:
        errors.append("there are no bytes")
    result = Result(
        complete=not errors,
        error="; ".join(errors) or None,
        is_empty=all(one.telegram is None and one.error for one in decoded),
        content={"telegrams": [_describe(one) for one in decoded]},
        lines=[line for one in decoded for line in _lines(one)],
    )
    return show(result, as_json=options.json)


def _read_source(words: Sequence[str]) -> bytes:
    """Read hex digits: those typed, or those in a file."""
    text = "".join(words)
    name = text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
    kind = "neither a file nor"
    try:
        if words == ["-"]:
            name, kind = "the standard input", "not"
            with os.fdopen(_STANDARD_INPUT, "rb", closefd=False) as file:
                text = file.read().decode("utf-8-sig")
        elif text and len(words) == 1 and Path(text).exists():
            kind = "not"
            text = Path(text).read_bytes().decode("utf-8-sig")
        return bytes.fromhex(text)
    except OSError as err:
        raise UsageError(f"{name} can't be read: {err.strerror}") from err
    except ValueError as err:
        raise UsageError(f"{name} is {kind} pairs of hex digits") from err


def _decode(item: protocol.Frame | protocol.Single | protocol.Garbage) -> _Decoded:
    match item:
        case protocol.Single():
            return _Decoded(raw=bytes((item,)))
        case protocol.Garbage():
            return _Decoded(raw=item.data, error=_problem(item.data))
    if item.from_master:
        return _Decoded(raw=item.raw, frame=item)
    try:
        telegram = protocol.decode_telegram(item)
    except protocol.IncompleteTelegramError as err:
        return _Decoded(raw=item.raw, telegram=err.telegram, error=str(err))
    except protocol.FrameError as err:
        return _Decoded(raw=item.raw, frame=item, error=str(err))
    error = str(telegram.problem) if telegram.problem else None
    return _Decoded(raw=item.raw, telegram=telegram, error=error)


def _problem(garbage: bytes) -> str:
    """Say why bytes are no frame."""
    try:
        protocol.parse_frame(garbage)
    except protocol.FrameError as err:
        return str(err)
    return "no frame"


def _explanation(decoded: _Decoded) -> Iterator[tuple[bytes, str]]:
    """Say of all bytes what they are."""
    if decoded.telegram is not None:
        return protocol.explain(decoded.telegram)
    if decoded.frame is not None:
        return protocol.explain_frame(decoded.frame)
    return iter([(decoded.raw, decoded.error or "acknowledgement")])


def _describe(decoded: _Decoded) -> dict[str, Any]:
    telegram = decoded.telegram
    return {
        "raw": as_hex(decoded.raw),
        "header": None,
        **(describe_telegram(telegram) if telegram else {}),
        "error": decoded.error,
        "explanation": [
            {"raw": as_hex(part), "meaning": meaning}
            for part, meaning in _explanation(decoded)
        ],
    }


def _lines(decoded: _Decoded) -> Iterator[str]:
    """Give the bytes on the left and what they mean on the right."""
    for part, meaning in _explanation(decoded):
        text = meaning
        for piece in batched(part, _BYTES_IN_LINE):
            yield f"{as_hex(bytes(piece)):<{3 * _BYTES_IN_LINE}}  {text}".rstrip()
            text = ""
