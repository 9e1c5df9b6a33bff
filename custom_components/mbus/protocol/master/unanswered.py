"""Why a request has no answer after all attempts: by what came instead."""

from collections.abc import Sequence
from typing import Any

from ..address import Address
from ..errors import MBusError
from ..line.reply import Discard, Reply
from .collector import Collector
from .errors import (
    AnonymousReplyError,
    DamagedReplyError,
    ForeignReplyError,
    InterruptedReplyError,
    LateReplyError,
    NoDataError,
    NoReplyError,
    OtherMeterError,
)


def unanswered(
    address: Address, replies: Sequence[Reply[Any]], collector: Collector | None = None
) -> MBusError:
    """Give the error for replies none of which has an answer."""
    seen = {reason for reply in replies for reason in reply.discarded}
    if collector is not None and collector.other and Discard.OTHER_METER in seen:
        return OtherMeterError(
            address=address, expected=collector.identity, found=collector.other
        )
    noisy = [reply for reply in replies if Discard.NOISE in reply.discarded]
    if noisy and all(reply.is_cut for reply in noisy):
        return InterruptedReplyError(address=address)
    if noisy or Discard.SECOND in seen:
        return DamagedReplyError(address=address)
    if Discard.FOREIGN in seen:
        return ForeignReplyError(address=address)
    if Discard.ANONYMOUS in seen:
        return AnonymousReplyError(address=address)
    kind: type[NoReplyError] = NoReplyError
    if Discard.ACKNOWLEDGEMENT in seen:
        # In the place of data, one that had been waited for in vain.
        is_late = any(reply.followed_late for reply in replies)
        kind = LateReplyError if is_late else NoDataError
    return kind(address=address, attempts=len(replies))
