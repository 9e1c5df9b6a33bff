"""Writing a meter's records (CI 51) and setting its clock; what came of it is read afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..address import Address
from ..application.header import Identity
from ..application.record import Record, encode_value
from ..coding.values import Value
from .errors import ClockError, MeterError, UnchangedError
from .master import Master
from .reader import read
from .readout import Quirks, Readout
from .telling import DATA_SEND, perhaps_unheard, prepare, tell

CLOCK = (b"\x04\x6d", b"\x06\x6d")
"""The headers of what a meter's clock shows: without seconds (type F), and with them (type I)."""

_CLOCK_TOLERANCE = timedelta(minutes=2)
_CLOCK_PAUSE = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a meter says after records were sent to it.

    `error` is why it did not acknowledge them: whether they were taken, only the readout tells.
    """

    readout: Readout
    error: MeterError | None = None


async def write_data(
    master: Master,
    address: Address,
    encode: Callable[[Readout], bytes],
    *,
    identity: Identity | None = None,
    quirks: Quirks | None = None,
) -> Written:
    """Send records to a meter, and read all that it says then.

    `encode` gives headers and data, from what is read before. Raises what it raises, FlowControlError,
    PackageTooLongError, and what Master.read raises.
    """
    async with master.hold() as session:
        data = encode(await prepare(session, address, identity, quirks))
        error: MeterError | None = None
        try:
            await tell(session, address, DATA_SEND, data)
        except MeterError as err:
            error = err
        readout = await read(session, address, identity=identity, quirks=quirks)
    return Written(readout=readout, error=error)


async def write_record(
    master: Master,
    address: Address,
    header: bytes,
    value: Value,
    *,
    identity: Identity | None = None,
    quirks: Quirks | None = None,
) -> Readout:
    """Write a value into the record with this header, coded as the header says.

    Returns what is read afterwards. Raises EncodeError for a value that doesn't fit, RefusedError when
    the meter says so or still has what it had, and what Master.read raises.
    """
    data = encode_value(header, value)
    before: Record | None = None

    def encode(readout: Readout) -> bytes:
        nonlocal before
        before = find_record(readout, header)
        return header + data

    written = await write_data(
        master, address, encode, identity=identity, quirks=quirks
    )
    after = find_record(written.readout, header)
    if written.error and None in (before, after):
        raise written.error
    if after is not None and data != after.raw == (before and before.raw):
        raise UnchangedError(address=address, value=after.value, written=value)
    return written.readout


def find_record(readout: Readout, header: bytes) -> Record | None:
    """Give the record that has exactly this header."""
    for telegram in readout.telegrams:
        for record in telegram.records:
            if record.header == header:
                return record
    return None


async def set_clock(
    master: Master,
    address: Address,
    moment: datetime,
    *,
    summer_time: bool = False,
    with_seconds: bool = False,
    identity: Identity | None = None,
    quirks: Quirks | None = None,
) -> Readout:
    """Set date and time of a meter, as type F or, with seconds, type I.

    `moment` is what the meter's clock is to show at the time of the call, without a time zone: what
    passes until it is sent is added, and the sum rounded to the minute (type F) or second. Returns
    what is read afterwards. Raises EncodeError for a year that can't be coded or a moment with a time
    zone, ClockError when the clock is two minutes off, and what Master.read raises.
    """
    line, started = master.line, master.line.time
    header = CLOCK[with_seconds]
    half_a_step = timedelta(seconds=0.5 if with_seconds else 30)
    encode_value(header, moment)

    def shown_now() -> datetime:
        return moment + timedelta(seconds=line.time - started)

    def record_now() -> bytes:
        data = bytearray(encode_value(header, shown_now() + half_a_step))
        if summer_time:
            # The bit SU: of the hour in type F, of the second in type I.
            data[0 if with_seconds else 1] |= 0x40 if with_seconds else 0x80
        return header + data

    async with master.hold() as session:
        await prepare(session, address, identity, quirks, last_telegram=0)
        with perhaps_unheard:
            await tell(session, address, DATA_SEND, record_now)
        await line.settle(line.time + _CLOCK_PAUSE)
        readout = await read(session, address, identity=identity, quirks=quirks)
    shown = next(filter(None, (find_record(readout, one) for one in CLOCK)), None)
    if shown is not None and isinstance(shown.value, datetime):
        if abs(shown.value - shown_now()) > _CLOCK_TOLERANCE:
            raise ClockError(address=address, shown=shown.value)
    return readout
