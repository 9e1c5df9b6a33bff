"""Reading what a meter sends only on a request of its own."""

from ..address import link_address
from ..line.frame import FRAME_COUNT_BIT, Control, long_frame
from .collector import Collector
from .readout import Quirks
from .session import Session


async def read_requested(
    session: Session, reading: Collector, quirks: Quirks, attempts: int
) -> None:
    """Ask a meter whose own telegrams were read for what it needs a request for. Raises MeterError or LinkError."""
    reading.is_in_order = False
    field = link_address(reading.address)
    for request in quirks.requests:
        ways = [
            long_frame(control, field, request[0], request[1:])
            for control in (Control.SND_UD, Control.SND_UD | FRAME_COUNT_BIT)
        ]
        reply = await session.ask(
            reading.address,
            ways,
            reading.judge,
            attempts=attempts,
            wait=quirks.first_byte_timeout,
        )
        if reply.answer is not None:
            reading.take(reply.answer)
