"""What can be told to meters beside records: addresses, baud rates, applications, freezing.

A meter is known for certain before it is told anything where `identity` is given: it is read first,
as its `quirks` demand. Where the protocol allows it, what was told is checked: an acknowledgement
alone proves little, and a lost one disproves nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
import logging
import re

from ..address import (
    BROADCAST,
    LAST_PRIMARY,
    Address,
    SecondaryAddress,
    check_address,
    link_address,
)
from ..application.header import Identity
from ..application.record import encode_value, limits
from ..coding.values import EncodeError
from ..errors import LinkError, LinkRateFixedError, MBusError
from ..line.frame import Control, Frame, long_frame
from ..line.reply import judge_anything
from .errors import (
    AddressKeptError,
    AddressTakenError,
    BaudRateKeptError,
    BaudRateLostError,
    DamagedReplyError,
    IdentificationKeptError,
    NoReplyError,
)
from .master import Master
from .reader import read
from .readout import Quirks, Readout
from .session import Session
from .telling import DATA_SEND, perhaps_unheard, prepare, tell

_LOGGER = logging.getLogger(__name__)

BAUD_RATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
"""What CI B8 to BF set, in this order."""

_APPLICATION_RESET = 0x50
_SYNCHRONISE = 0x5C
_SYNCHRONISE_CLASSIC = 0x54
_SET_BAUD_RATE = {rate: 0xB8 + number for number, rate in enumerate(BAUD_RATES)}

_PRIMARY_ADDRESS = b"\x01\x7a"
_IDENTIFICATION = b"\x0c\x79"
_SELECTION_FOR_READOUT = 0x08


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
        return await tell(session, address, control_information, data)


async def set_primary_address(
    master: Master,
    address: Address,
    new_address: int,
    *,
    identity: Identity | None = None,
    quirks: Quirks | None = None,
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
        readout = await prepare(session, address, identity, quirks, last_telegram=0)
        identity = identity or readout.telegrams[0].identity
        for _ in range(session.attempts):
            # Once is enough, as the meter may have moved; whether it has is asked at the new address.
            with perhaps_unheard:
                await tell(session, address, DATA_SEND, record, attempts=1)
            session.moved(address, new_address)
            if await _is_there(session, new_address, identity, quirks):
                return
            await prepare(session, address, identity, quirks, last_telegram=0)
    raise AddressKeptError(address=address)


async def set_identification(
    master: Master,
    address: Address,
    identification: str,
    *,
    identity: Identity | None = None,
    quirks: Quirks | None = None,
) -> None:
    """Give a meter another identification of 8 digits, which its secondary address starts with.

    Raises EncodeError for anything else, RefusedError when the meter keeps its own, and what
    Master.read raises.
    """
    if not re.fullmatch("[0-9]{8}", identification):
        raise EncodeError("no_identification", value=repr(identification))
    data = encode_value(_IDENTIFICATION, identification)
    async with master.hold() as session:
        readout = await prepare(session, address, identity, quirks, last_telegram=0)
        old = identity or readout.telegrams[0].identity
        with perhaps_unheard:
            await tell(session, address, DATA_SEND, _IDENTIFICATION + data)
        if isinstance(address, SecondaryAddress):
            address = replace(address, identification=identification)
        new = Identity(
            identification=identification,
            manufacturer=old.manufacturer if old else None,
        )
        if not await _is_there(session, address, new, quirks):
            raise IdentificationKeptError(address=address)


async def set_baud_rate(
    master: Master,
    address: Address,
    baud_rate: int,
    *,
    identity: Identity | None = None,
    quirks: Quirks | None = None,
) -> None:
    """Let a meter speak at another rate, and go on at that rate with the link.

    When the meter doesn't answer at the new rate it is told the old one again, if there is a code for
    that, and the link goes back to it. Raises ValueError for a rate that there is no code for, RefusedError when the meter
    doesn't follow, LinkError when the link can't change its rate (that of a gateway can't), and
    what Master.read raises.
    """
    if baud_rate not in BAUD_RATES:
        raise ValueError(f"baud_rate {baud_rate} is not in {BAUD_RATES}")
    async with master.hold() as session:
        link, old_rate = session.line.link, session.line.link.baud_rate
        if not link.has_baud_rate:
            raise LinkRateFixedError(link=str(link.settings))
        await prepare(session, address, identity, quirks, last_telegram=0)
        with perhaps_unheard:
            await tell(session, address, _SET_BAUD_RATE[baud_rate])
        await link.set_baud_rate(baud_rate)
        try:
            if await _is_there(session, address, identity, quirks):
                return
            # It may have heard the new rate without being heard: tell it the old one there.
            if code := _SET_BAUD_RATE.get(old_rate):
                frame = long_frame(Control.SND_UD, link_address(address), code)
                await session.exchange(Frame(frame), judge_anything)
        except BaseException:
            await link.set_baud_rate(old_rate)
            raise
        await link.set_baud_rate(old_rate)
        if await _is_there(session, address, identity, quirks):
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
    quirks: Quirks | None = None,
) -> None:
    """Reset the application, or choose one by its sub-code; undoes a selection for readout.

    Raises ValueError for more than a byte, RefusedError and what Master.read raises.
    """
    if sub_code is not None and not 0 <= sub_code <= 0xFF:
        raise ValueError(f"sub_code {sub_code} is not within 0 to 255")
    data = b"" if sub_code is None else bytes((sub_code,))
    async with master.hold() as session:
        await prepare(session, address, identity, quirks, last_telegram=0)
        await tell(session, address, _APPLICATION_RESET, data)


async def select_for_readout(
    master: Master,
    address: Address,
    headers: Sequence[bytes],
    *,
    identity: Identity | None = None,
    quirks: Quirks | None = None,
) -> Readout:
    """Let a meter send only the records with these headers, and read them.

    Many meters acknowledge without doing so: see what comes. An application reset undoes it. Raises
    ValueError for none, EncodeError for what is no header, PackageTooLongError, and what Master.read
    raises, among it ApplicationError for a refusal.
    """
    check_address(address)
    if not headers:
        raise ValueError("headers are empty")
    for header in headers:
        limits(header)
    data = b"".join(
        bytes((header[0] & 0xF0 | _SELECTION_FOR_READOUT,)) + header[1:]
        for header in headers
    )
    frame = long_frame(Control.SND_UD, link_address(address), DATA_SEND, data)
    quirks = quirks or Quirks()
    frames = (*quirks.initial_frames, frame)
    return await master.read(
        address, identity=identity, quirks=replace(quirks, initial_frames=frames)
    )


async def synchronise(master: Master, *, classic: bool = False) -> None:
    """Tell all meters to freeze their values; none answers (CI 5C, before 2018 CI 54).

    Raises LinkError.
    """
    code = _SYNCHRONISE_CLASSIC if classic else _SYNCHRONISE
    frame = long_frame(Control.SND_UD, BROADCAST, code)
    async with master.hold() as session:
        await session.exchange(Frame(frame), judge_anything, wait=0.0)


async def send_raw(master: Master, data: bytes) -> bytes:
    """Send bytes as they are, and return all that comes until an answer is whole, or none is due.

    Raises ValueError for none, PackageTooLongError, LinkError.
    """
    if not data:
        raise ValueError("data are empty")
    async with master.hold() as session:
        reply = await session.exchange(data, judge_anything)
    return bytes(reply.raw)


async def _answers(session: Session, address: int) -> bool:
    try:
        await session.reset(address)
    except NoReplyError:
        return False
    except DamagedReplyError:
        return True
    return True


async def _is_there(
    session: Session,
    address: Address,
    identity: Identity | None,
    quirks: Quirks | None,
) -> bool:
    """Say whether this very meter answers."""
    try:
        await read(session, address, identity=identity, quirks=quirks, last_telegram=0)
    except LinkError:
        raise
    except MBusError as err:
        _LOGGER.debug("%s is not there: %s", address, err)
        return False
    return True
