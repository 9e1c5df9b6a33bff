"""Which meter an answer is from."""

from ..address import WILDCARD, SecondaryAddress, manufacturer_text
from ..application.header import Header, Identity


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


def is_as_added(
    selection: SecondaryAddress, expected: Identity | None, header: Header
) -> bool:
    """Say whether version and medium, where known, are those of the meter as it was added.

    The address has them from a header, or from a plate.
    """
    version, medium = selection.version, selection.medium
    if header.is_fixed:
        medium = None  # It tells another coding than it compares.
    if expected is not None:
        version = version if expected.version is None else expected.version
        medium = medium if expected.medium is None else expected.medium
    pairs = ((version, header.version), (medium, header.medium))
    return all(None in (own, other) or own == other for own, other in pairs)
