"""Telling a meter something: it is known for certain before, and its answer is heeded."""

from collections.abc import Callable
from contextlib import suppress
import logging

from ..address import Address
from ..application.header import Identity
from ..application.telegram import decode_telegram
from ..errors import ApplicationError, FrameError
from ..line.frame import Frame
from .errors import ErrorReplyError, FlowControlError, MeterError
from .reader import read
from .readout import Quirks, Readout
from .session import Session

_LOGGER = logging.getLogger(__name__)

DATA_SEND = 0x51
"""CI of what follows as records."""

perhaps_unheard = suppress(MeterError)
"""Around what is told: a lost acknowledgement disproves nothing."""


async def prepare(
    session: Session,
    address: Address,
    identity: Identity | None,
    quirks: Quirks | None,
    *,
    last_telegram: int | None = None,
) -> Readout:
    """Read a meter before it is told anything; it is selected then, if that is how it is reached.

    Raises FlowControlError where it has no room for data, and what Master.read raises.
    """
    readout = await read(
        session,
        address,
        identity=identity,
        quirks=quirks,
        last_telegram=last_telegram,
    )
    if any(Frame(telegram.frame).busy for telegram in readout.telegrams):
        raise FlowControlError(address=address)
    return readout


async def tell(
    session: Session,
    address: Address,
    control_information: int,
    data: bytes | Callable[[], bytes] = b"",
    *,
    attempts: int | None = None,
) -> Frame | None:
    """Send data to a meter that was just read, reset or selected; return an answer with data.

    Raises what `send` raises.
    """
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
