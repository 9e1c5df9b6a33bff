"""What went wrong in all attempts, named by what came instead of the answer."""

from collections.abc import Sequence
from typing import Any

from ..address import Address
from ..errors import MBusError
from ..line.reply import Discard, Reply
from .errors import (
    DamagedReplyError,
    ForeignReplyError,
    NoDataError,
    NoReplyError,
    OtherMeterError,
)
from .reading import Reading


def failure(
    address: Address, replies: Sequence[Reply[Any]], reading: Reading | None = None
) -> MBusError:
    """Give the error for replies none of which has an answer."""
    seen = {reason for reply in replies for reason in reply.discarded}
    if (
        reading is not None
        and reading.other is not None
        and Discard.OTHER_METER in seen
    ):
        return OtherMeterError(
            f"another meter answered at {address} ({reading.other})",
            address,
            reading.identity,
            reading.other,
        )
    if Discard.NOISE in seen or Discard.SECOND in seen:
        return DamagedReplyError(
            f"no sound reply from {address} in {len(replies)} attempts", address
        )
    if Discard.FOREIGN in seen:
        return ForeignReplyError(
            f"only other addresses reply to requests to {address}", address
        )
    if Discard.ANONYMOUS in seen:
        return ForeignReplyError(
            f"the reply from {address} doesn't say which meter it is", address
        )
    if Discard.ACKNOWLEDGEMENT in seen:
        return NoDataError(
            f"{address} acknowledges requests but sends no data", address
        )
    return NoReplyError(f"no reply from {address} in {len(replies)} attempts", address)
