"""Where the header of a record ends and what its parts are (EN 13757-3, DIF, DIFE, VIF, VIFE)."""

from typing import Final

MOST_EXTENSIONS: Final = 10
"""A DIF has no more DIFEs, a VIF no more VIFEs."""

_MORE: Final = 0x80
_CODE: Final = 0x7F
_PLAIN_TEXT: Final = 0x7C
_LONGEST_TEXT: Final = 32


class TooManyExtensionsError(ValueError):
    """A record header with more DIFEs or VIFEs than there can be; `key` of PROBLEMS says which."""

    def __init__(self, key: str) -> None:
        """Keep which."""
        super().__init__(key)
        self.key = key


def header_end(data: bytes, start: int, text_last: bool = False) -> int:
    """Find the end of the record header that begins at `start`.

    The text of a plain text VIF follows the VIF itself, or with `text_last` all VIFEs: meters do
    either. Raises IndexError where the data end before.
    """
    end = start
    while data[end] & _MORE:
        end += 1
    end += 1
    if data[end] & _CODE == _PLAIN_TEXT:
        return _plain_text(data, end, text_last)[2]
    while data[end] & _MORE:
        end += 1
    return end + 1


def split_header(
    header: bytes, text_last: bool = False
) -> tuple[int, bytes, bytes, bytes | None]:
    """Take a whole record header apart: DIF, DIFEs, VIF with VIFEs, and the text of a plain text VIF.

    Raises TooManyExtensionsError.
    """
    vif = _chain_end(header, 0)
    vifs, text = header[vif:], None
    if header[vif] & _CODE == _PLAIN_TEXT:
        text, vifes, _ = _plain_text(header, vif, text_last)
        vifs = header[vif : vif + 1] + vifes
    if vif > MOST_EXTENSIONS + 1:
        raise TooManyExtensionsError("more_difes_than_allowed")
    if len(vifs) > MOST_EXTENSIONS + 1:
        raise TooManyExtensionsError("more_vifes_than_allowed")
    return header[0], header[1:vif], vifs, text


def _plain_text(data: bytes, vif: int, text_last: bool) -> tuple[bytes, bytes, int]:
    """Find text, VIFEs and end of the header with a plain text VIF."""
    extended = data[vif] & _MORE
    if not extended or (not text_last and _is_printable(data, vif + 1)):
        text, end = _text(data, vif + 1)
        start = end
        if extended:
            end = _chain_end(data, start)
        return text, data[start:end], end
    start = vif + 1
    end = _chain_end(data, start)
    vifes = data[start:end]
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


def _chain_end(data: bytes, start: int) -> int:
    """Find the end of bytes of which each says by its top bit that another one follows."""
    while data[start] & _MORE:
        start += 1
    return start + 1
