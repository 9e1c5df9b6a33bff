"""Which meter an answer is from."""

from ..address import WILDCARD, SecondaryAddress, manufacturer_text
from ..application.header import Header


def is_selected_by(selection: SecondaryAddress, header: Header) -> bool:
    """Say whether a reply with this header can be that of a meter selected so.

    Version and medium are left out: some meters report others than they compare.
    """
    if header.identification is None:
        return False
    if selection.manufacturer is not None and header.manufacturer_code is not None:
        if selection.manufacturer != manufacturer_text(header.manufacturer_code):
            return False
    return all(
        own in (WILDCARD, other)
        for own, other in zip(
            selection.identification, header.identification, strict=True
        )
    )
