"""Parting what a secondary address selects, so that its meters are told apart (EN 13757-7)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ..address import WILDCARD, SecondaryAddress
from ..tables.medium import MEDIA

_NO_DIGIT = "A"
_NO_CODE = 0xFE
_NO_MANUFACTURER = "FFFE"

VERSIONS = range(_NO_CODE)

type Parting = Callable[[SecondaryAddress], list[SecondaryAddress]]
"""Gives the parts of an address, none where it leaves nothing open."""

_DECIMAL = "0123456789"
_FAULTY = "ABCDE"


def has_open_digits(address: SecondaryAddress) -> bool:
    """Say whether the identification leaves a digit open."""
    return WILDCARD in address.identification


def by_digit(address: SecondaryAddress) -> list[SecondaryAddress]:
    """Part by the next digit of the identification."""
    return _by_identification(address, _DECIMAL)


def by_any_digit(address: SecondaryAddress) -> list[SecondaryAddress]:
    """Part by the next digit of the identification, even one that no sound meter has."""
    return _by_identification(address, _DECIMAL + _FAULTY)


def beyond_identification(
    manufacturers: Iterable[str], *, are_alike: bool
) -> Sequence[Parting]:
    """Give the ways to part meters of one identification, to be tried in turn.

    The first part of each is one that no meter has: whoever answers to it compares nothing of it.
    Meters that answer at the same moment are alike, as in one housing: of one version and manufacturer.
    """
    known = (_NO_MANUFACTURER, *sorted(manufacturers))
    of_all = (_by_fabrication_number, _by_medium)
    if are_alike:
        return of_all
    return (
        *of_all,
        _by_version,
        lambda address: [
            replace(address, manufacturer=name)
            for name in known
            if address.manufacturer is None
        ],
    )


def _by_identification(
    address: SecondaryAddress, digits: str
) -> list[SecondaryAddress]:
    number = address.identification
    return [
        replace(address, identification=number.replace(WILDCARD, digit, 1))
        for digit in digits
    ]


def _by_fabrication_number(address: SecondaryAddress) -> list[SecondaryAddress]:
    number = address.fabrication_number or WILDCARD * 8
    if WILDCARD not in number:
        return []
    return [
        replace(address, fabrication_number=number.replace(WILDCARD, digit, 1))
        for digit in _NO_DIGIT + _DECIMAL
    ]


def _by_medium(address: SecondaryAddress) -> list[SecondaryAddress]:
    if address.medium is not None:
        return []
    return [replace(address, medium=medium) for medium in (_NO_CODE, *MEDIA)]


def _by_version(address: SecondaryAddress) -> list[SecondaryAddress]:
    if address.version is not None:
        return []
    return [replace(address, version=version) for version in (_NO_CODE, *VERSIONS)]
