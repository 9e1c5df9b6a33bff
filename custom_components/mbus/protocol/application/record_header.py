"""Where the header of a record ends and what its parts are (EN 13757-3, DIF, DIFE, VIF, VIFE)."""

from typing import Final, NamedTuple

MOST_EXTENSIONS: Final = 10
"""A DIF has no more DIFEs, a VIF no more VIFEs."""

_MORE: Final = 0x80
_PLAIN_TEXT: Final = 0x7C
_LONGEST_TEXT: Final = 32


class TooManyExtensionsError(ValueError):
    """A record header with more DIFEs or VIFEs than there can be."""


class RecordHeader(NamedTuple):
    """The parts of a record header; `text` is None but for a plain text VIF."""

    dif: int
    difes: bytes
    vif: int
    vifes: bytes
    text: bytes | None


def header_end(data: bytes, start: int, text_last: bool = False) -> int:
    """Find the end of the record header that begins at `start`.

    The text of a plain text VIF follows the VIF itself, or with `text_last` all VIFEs: meters do
    either. Raises IndexError where the data end before, and TooManyExtensionsError.
    """
    vif = start
    while data[vif] & _MORE:
        vif += 1
    vif += 1
    if vif - start > MOST_EXTENSIONS + 1:
        raise TooManyExtensionsError(f"more than {MOST_EXTENSIONS} DIFEs")
    if data[vif] & ~_MORE == _PLAIN_TEXT:
        return _plain_text(data, vif, text_last)[2]
    end = vif
    while data[end] & _MORE:
        end += 1
    if end - vif > MOST_EXTENSIONS:
        raise TooManyExtensionsError(f"more than {MOST_EXTENSIONS} VIFEs")
    return end + 1


def split_header(header: bytes, text_last: bool = False) -> RecordHeader:
    """Take a whole record header apart. Raises what `header_end` does."""
    vif = _chain_end(header, 0)
    vifes, text = header[vif + 1 :], None
    if header[vif] & ~_MORE == _PLAIN_TEXT:
        text, vifes, _ = _plain_text(header, vif, text_last)
    return RecordHeader(header[0], header[1:vif], header[vif], vifes, text)


def _plain_text(data: bytes, vif: int, text_last: bool) -> tuple[bytes, bytes, int]:
    """Find text, VIFEs and end of the header with a plain text VIF."""
    extended = data[vif] & _MORE
    if not extended or (not text_last and _is_printable(data, vif + 1)):
        text, end = _text(data, vif + 1)
        start = end
        if extended:
            end = _chain_end(data, start)
        return text, _checked(data[start:end]), end
    start = vif + 1
    end = _chain_end(data, start)
    vifes = _checked(data[start:end])
    text, end = _text(data, end)
    return text, vifes, end


def _text(data: bytes, start: int) -> tuple[bytes, int]:
    end = start + 1 + data[start]
    if end > len(data):
        raise IndexError
    return data[start + 1 : end], end


def _is_printable(data: bytes, start: int) -> bool:
    """Say whether a text may begin here, which a VIFE is not taken for."""
    length = data[start]
    text = data[start + 1 : start + 1 + length]
    return length <= _LONGEST_TEXT and all(
        0x20 <= char <= 0x7E or char >= 0xA0 for char in text
    )


def _checked(vifes: bytes) -> bytes:
    if len(vifes) > MOST_EXTENSIONS:
        raise TooManyExtensionsError(f"more than {MOST_EXTENSIONS} VIFEs")
    return vifes


def _chain_end(data: bytes, start: int) -> int:
    """Find the end of bytes of which each says by its top bit that another one follows."""
    while data[start] & _MORE:
        start += 1
    return start + 1
