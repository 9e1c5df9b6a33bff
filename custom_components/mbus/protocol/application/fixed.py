"""The fixed data structure of the oldest meters: two counters (EN 1434-3, fixed data structure)."""

from functools import lru_cache
from typing import Final

from ..tables.vif import BALANCE, COUNT, TEMPERATURE, UNKNOWN, DataType, Vif, decades
from .header import Header
from .meaning import Meaning, build_meaning, row_of
from .record import Record

FIXED_LENGTH: Final = 16

# Unit codes. 00 and 01 are h,m,s and D,M,Y in a layout that no source tells; 3A to 3D are reserved.
UNIT_CODES: Final[dict[int, Vif]] = {
    **decades(0x02, 9, "energy", "Wh", 0, BALANCE),
    **decades(0x0B, 9, "energy", "J", 3, BALANCE),
    **decades(0x14, 9, "power", "W", 0),
    **decades(0x1D, 9, "power", "J/h", 3),
    **decades(0x26, 9, "volume", "m³", -6, COUNT),
    **decades(0x2F, 9, "volume_flow", "m³/h", -6),
    **decades(0x38, 1, TEMPERATURE, "°C", -3),
    0x39: Vif(quantity="hca_units", data_type=DataType.COUNT),
    0x3F: Vif(quantity="dimensionless"),
}
_SAME_BUT_HISTORIC: Final = 0x3E

# Medium by its four bits, as device types of the header. Codes from A on send counters high byte first.
_MEDIA: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0F, 3, 4, 6, 7, 8, 0x0F)
_HIGH_FIRST_MEDIA: Final = range(0xA, 0xF)

_BINARY: Final = 0x01
_HISTORIC: Final = 0x02

_INTEGER: Final = 0x4
_BCD: Final = 0xC


def read_fixed(
    data: bytes, *, high_first: bool = False
) -> tuple[Header, tuple[Record, ...]]:
    """Read the 16 bytes of a fixed data structure, `high_first` with the high byte first (CI 77)."""
    identification = data[:4] if high_first else data[3::-1]
    status = data[5]
    units = data[6] & 0x3F, data[7] & 0x3F
    medium = data[6] >> 6 | data[7] >> 6 << 2
    header = Header(
        identification=identification.hex().upper(),
        medium=_MEDIA[medium],
        access_number=data[4],
        status=status,
        is_fixed=True,
    )
    order = -1 if high_first or medium in _HIGH_FIRST_MEDIA else 1
    return header, tuple(
        Record(index, _meaning(index, units, status), raw[::order])
        for index, raw in enumerate((data[8:12], data[12:16]))
    )


@lru_cache(maxsize=256)
def _meaning(index: int, units: tuple[int, int], status: int) -> Meaning:
    """Say what a counter counts: what the one before it does where its unit code says so."""
    code, historic = units[index], bool(status & _HISTORIC)
    if index and code == _SAME_BUT_HISTORIC:
        code, historic = units[0], True
    modifiers: tuple[str, ...] = (f"counter_{index + 1}",)
    unit_code = UNIT_CODES.get(code)
    if unit_code is None:
        unit_code = Vif(quantity=UNKNOWN)
        modifiers = (f"fixed_unit_{code:02x}", *modifiers)
    return build_meaning(
        header=bytes((units[index],)),
        data_field=_INTEGER if status & _BINARY else _BCD,
        row=row_of(unit_code),
        modifiers=modifiers,
        storage_number=int(historic),
    )
