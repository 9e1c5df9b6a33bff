"""What can be told to meters: write records, change addresses and rates, freeze (7.8 to 7.14).

A meter is known for certain before it is told anything where `identity` is given: it is read first.
Where the protocol allows it, what was written is read back: an acknowledgement alone proves little,
and a lost one disproves nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
import logging
import re

from ..address import BROADCAST, LAST_PRIMARY, Address, SecondaryAddress, link_address
from ..application.header import Identity
from ..application.record import Record, encode_value
from ..application.telegram import decode_telegram
from ..coding.values import EncodeError, Value
from ..errors import (
    ApplicationError,
    FrameError,
    LinkError,
    LinkRateFixedError,
    MBusError,
    PackageTooLongError,
)
from ..line.frame import Control, Frame, long_frame
from ..line.reply import judge_anything
from .errors import (
    AddressKeptError,
    AddressTakenError,
    BaudRateKeptError,
    BaudRateLostError,
    ClockError,
    DamagedReplyError,
    ErrorReplyError,
    FlowControlError,
    IdentificationKeptError,
    MeterError,
    NoReplyError,
    UnchangedError,
)
from .master import Master
from .reader import read
from .readout import Quirks, Readout
from .session import Session

_LOGGER = logging.getLogger(__name__)

BAUD_RATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
"""What CI B8 to BF set, in this order."""

_APPLICATION_RESET = 0x50
_DATA_SEND = 0x51
_SYNCHRONISE = 0x5C
_SYNCHRONISE_CLASSIC = 0x54
_SET_BAUD_RATE = {rate: 0xB8 + number for number, rate in enumerate(BAUD_RATES)}

_PRIMARY_ADDRESS = b"\x01\x7a"
_IDENTIFICATION = b"\x0c\x79"
_DATE_TIME = b"\x04\x6d"
_DATE_TIME_SECONDS = b"\x06\x6d"
_SELECTION_FOR_READOUT = 0x08

_perhaps_unheard = suppress(MeterError)
"""Around what is sent: a lost acknowledgement disproves nothing."""

_CLOCK_TOLERANCE = timedelta(minutes=2)
_CLOCK_PAUSE = 1.1


async def write_record(
    master: Master,
    address: Address,
    header: bytes,
    value: Value,
    *,
    identity: Identity | None = None,
) -> Record | None:
    """Write a value into the record with this header, coded as the header says.

    Returns the record as it is read afterwards, None if the meter doesn't send it. Raises EncodeError
    for a value that doesn't fit, RefusedError when the meter says so or still has what it had, and
    what Master.read raises.
    """
    data = encode_value(header, value)
    async with master.hold() as session:
        before = find_record(await _prepare(session, address, identity), header)
        try:
            await _send(session, address, _DATA_SEND, header + data)
        except MeterError:
            # The acknowledgement may be lost, the write not; only reading tells.
            if before is None:
                raise
        readout = await read(session, address, identity=identity)
    after = find_record(readout, header)
    if after is not None and data != after.raw == (before and before.raw):
        raise UnchangedError(address=address, value=after.value, written=value)
    return after


def find_record(readout: Readout, header: bytes) -> Record | None:
    """Give the record that has exactly this header."""
    for telegram in readout.telegrams:
        for record in telegram.records:
            if record.header == header:
                return record
    return None


async def send(
    master: Master,
    address: Address,
    control_information: int,
    data: bytes = b"",
) -> Frame | None:
    """Send data to a meter that was just read, reset or selected; return an answer with data.

    Raises RefusedError when the meter answers with an error, NoReplyError, DamagedReplyError,
    ForeignReplyError, PackageTooLongError, LinkError.
    """
    async with master.hold() as session:
        return await _send(session, address, control_information, data)


async def set_primary_address(
    master: Master,
    address: Address,
    new_address: int,
    *,
    identity: Identity | None = None,
) -> None:
    """Give a meter another primary address.

    Raises ValueError outside of 0 to 250, RefusedError when another meter has the address or this
    one doesn't answer at it afterwards, and what Master.read raises.
    """
    if not 0 <= new_address <= LAST_PRIMARY:
        raise ValueError(f"new_address {new_address} is not within 0 to {LAST_PRIMARY}")
    record = _PRIMARY_ADDRESS + bytes((new_address,))
    async with master.hold() as session:
        if await _answers(session, new_address):
            raise AddressTakenError(address=new_address)
        readout = await _prepare(session, address, identity, last_telegram=0)
        identity = identity or readout.telegrams[0].identity
        for _ in range(session.attempts):
            # Once is enough, as the meter may have moved; whether it has is asked at the new address.
            with _perhaps_unheard:
                await _send(session, address, _DATA_SEND, record, attempts=1)
            if await _is_there(session, new_address, identity):
                return
            await _prepare(session, address, identity, last_telegram=0)
    raise AddressKeptError(address=address)


async def set_identification(
    master: Master,
    address: Address,
    identification: str,
    *,
    identity: Identity | None = None,
) -> None:
    """Give a meter another identification of 8 digits, which its secondary address starts with.

    Raises EncodeError for anything else, RefusedError when the meter keeps its own, and what
    Master.read raises.
    """
    if not re.fullmatch("[0-9]{8}", identification):
        raise EncodeError("no_identification", value=repr(identification))
    data = encode_value(_IDENTIFICATION, identification)
    async with master.hold() as session:
        readout = await _prepare(session, address, identity, last_telegram=0)
        old = identity or readout.telegrams[0].identity
        with _perhaps_unheard:
            await _send(session, address, _DATA_SEND, _IDENTIFICATION + data)
        if isinstance(address, SecondaryAddress):
            address = replace(address, identification=identification)
        new = Identity(
            identification=identification,
            manufacturer=old.manufacturer if old else None,
        )
        if not await _is_there(session, address, new):
            raise IdentificationKeptError(address=address)


async def set_baud_rate(
    master: Master,
    address: Address,
    baud_rate: int,
    *,
    identity: Identity | None = None,
) -> None:
    """Let a meter speak at another rate, and go on at that rate with the link.

    When the meter doesn't answer at the new rate it is told the old one again, and the link goes
    back to it. Raises ValueError for a rate that there is no code for, RefusedError when the meter
    doesn't follow, LinkError when the link can't change its rate (that of a gateway can't), and
    what Master.read raises.
    """
    if baud_rate not in BAUD_RATES:
        raise ValueError(f"baud_rate {baud_rate} is not in {BAUD_RATES}")
    async with master.hold() as session:
        link, old_rate = session.line.link, session.line.link.baud_rate
        if not link.has_baud_rate:
            raise LinkRateFixedError(link=str(link.settings))
        await _prepare(session, address, identity, last_telegram=0)
        with _perhaps_unheard:
            await _send(session, address, _SET_BAUD_RATE[baud_rate])
        await link.set_baud_rate(baud_rate)
        try:
            if await _is_there(session, address, identity):
                return
            # It may have heard the new rate without being heard: tell it the old one there.
            frame = long_frame(
                Control.SND_UD, link_address(address), _SET_BAUD_RATE[old_rate]
            )
            await session.exchange(frame, judge_anything)
        except BaseException:
            await link.set_baud_rate(old_rate)
            raise
        await link.set_baud_rate(old_rate)
        if await _is_there(session, address, identity):
            raise BaudRateKeptError(address=address, baud_rate=old_rate)
    raise BaudRateLostError(
        address=address, baud_rate=baud_rate, old_baud_rate=old_rate
    )


async def application_reset(
    master: Master,
    address: Address,
    sub_code: int | None = None,
    *,
    identity: Identity | None = None,
) -> None:
    """Reset the application, or choose one by its sub-code; undoes a selection for readout.

    Raises ValueError for more than a byte, RefusedError and what Master.read raises.
    """
    if sub_code is not None and not 0 <= sub_code <= 0xFF:
        raise ValueError(f"sub_code {sub_code} is not within 0 to 255")
    data = b"" if sub_code is None else bytes((sub_code,))
    async with master.hold() as session:
        await _prepare(session, address, identity, last_telegram=0)
        await _send(session, address, _APPLICATION_RESET, data)


async def select_for_readout(
    master: Master,
    address: Address,
    headers: Sequence[bytes],
    *,
    identity: Identity | None = None,
) -> Readout:
    """Let a meter send only the records with these headers, and read them.

    Many meters acknowledge without doing so: see what comes. An application reset undoes it. Raises
    what Master.read raises, among it ApplicationError for a refusal.
    """
    data = b"".join(
        bytes((header[0] & 0xF0 | _SELECTION_FOR_READOUT,)) + header[1:]
        for header in headers
    )
    frame = long_frame(Control.SND_UD, link_address(address), _DATA_SEND, data)
    return await master.read(
        address, identity=identity, quirks=Quirks(initial_frames=(frame,))
    )


async def set_clock(
    master: Master,
    address: Address,
    moment: datetime,
    *,
    summer_time: bool = False,
    with_seconds: bool = False,
    identity: Identity | None = None,
) -> datetime | None:
    """Set date and time of a meter, as type F or, with seconds, type I.

    `moment` is what the meter's clock is to show at the time of the call, without a time zone: what
    passes until it is sent is added, and the sum rounded to the minute (type F) or second. Returns
    what it shows afterwards, None if the meter doesn't send it. Raises EncodeError for a year that
    can't be coded, ClockError when the clock is two minutes off, and what Master.read raises.
    """
    line, started = master.line, master.line.time
    header = _DATE_TIME_SECONDS if with_seconds else _DATE_TIME
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
        await _prepare(session, address, identity, last_telegram=0)
        with _perhaps_unheard:
            await _send(session, address, _DATA_SEND, record_now)
        await line.settle(line.time + _CLOCK_PAUSE)
        readout = await read(session, address, identity=identity)
    for shown in (_DATE_TIME, _DATE_TIME_SECONDS):
        record = find_record(readout, shown)
        if record is not None and isinstance(record.value, datetime):
            if abs(record.value - shown_now()) > _CLOCK_TOLERANCE:
                raise ClockError(address=address, shown=record.value)
            return record.value
    return None


async def synchronise(master: Master, *, classic: bool = False) -> None:
    """Tell all meters to freeze their values; none answers (CI 5C, before 2018 CI 54).

    Raises LinkError.
    """
    code = _SYNCHRONISE_CLASSIC if classic else _SYNCHRONISE
    frame = long_frame(Control.SND_UD, BROADCAST, code)
    async with master.hold() as session:
        await session.exchange(frame, judge_anything, wait=0.0)


async def send_raw(master: Master, data: bytes) -> bytes:
    """Send bytes as they are, and return all that comes until an answer is whole, or none is due.

    Raises LinkError.
    """
    async with master.hold() as session:
        reply = await session.exchange(data, judge_anything)
    return bytes(reply.raw)


async def _send(
    session: Session,
    address: Address,
    control_information: int,
    data: bytes | Callable[[], bytes] = b"",
    *,
    attempts: int | None = None,
) -> Frame | None:
    length = 1 + len(data() if callable(data) else data)
    if length > session.max_package_length:
        raise PackageTooLongError(length=length, limit=session.max_package_length)
    reply = await session.send_user_data(
        address, control_information, data, attempts=attempts
    )
    if not isinstance(reply.answer, Frame):
        return None
    try:
        decode_telegram(reply.answer)
    except ApplicationError as err:
        raise ErrorReplyError(address=address, reason=err.problem) from err
    except FrameError as err:
        _LOGGER.debug("Answer of %s that can't be read: %s", address, err)
    return reply.answer


async def _prepare(
    session: Session,
    address: Address,
    identity: Identity | None,
    *,
    last_telegram: int | None = None,
) -> Readout:
    """Read a meter before it is told anything; it is selected then, if that is how it is reached."""
    readout = await read(
        session, address, identity=identity, last_telegram=last_telegram
    )
    if any(Frame(telegram.frame).busy for telegram in readout.telegrams):
        raise FlowControlError(address=address)
    return readout


async def _answers(session: Session, address: int) -> bool:
    try:
        await session.reset(address)
    except NoReplyError:
        return False
    except DamagedReplyError:
        return True
    return True


async def _is_there(
    session: Session, address: Address, identity: Identity | None
) -> bool:
    """Say whether this very meter answers."""
    try:
        await read(session, address, identity=identity, last_telegram=0)
    except LinkError:
        raise
    except MBusError as err:
        _LOGGER.debug("%s is not there: %s", address, err)
        return False
    return True
