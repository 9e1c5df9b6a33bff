"""What a meter has to say beside its data: an alarm, which it announces in its telegrams (ACD)."""

from contextlib import suppress

from ..address import link_address
from ..application.telegram import Telegram, decode_telegram
from ..errors import MBusError
from ..line.frame import Control, Frame, Received, Single, short_frame
from ..line.reply import Discard, judge_acknowledgement
from .collector import Collector
from .readout import Quirks
from .session import Session

_ALARM = 0x71


async def read_alarm(
    session: Session, collector: Collector, quirks: Quirks
) -> Telegram | None:
    """Ask a meter once for the alarm that its last telegram announces; None where it has none to tell.

    For a meter that is reset before each readout: some take the FCB of this request for one of those
    for data.
    """
    if not (collector.telegrams and Frame(collector.telegrams[-1].frame).access_demand):
        return None
    slave = collector.slave

    def judge(item: Received) -> Telegram | Single | Discard:
        if not isinstance(item, Frame) or item.from_master:
            return judge_acknowledgement(item)
        if item.address != collector.telegrams[-1].address:
            return Discard.FOREIGN
        if item.control_information != _ALARM:
            return Discard.OUT_OF_ORDER
        return decode_telegram(item)

    request = short_frame(
        Control.REQ_UD1 | slave.frame_count, link_address(collector.address)
    )
    with suppress(MBusError):
        wait = quirks.first_byte_timeout or 0.0
        reply = await session.exchange(Frame(request), judge, wait=wait)
        if isinstance(reply.answer, Telegram) and reply.answer.alarm:
            return reply.answer
    return None
