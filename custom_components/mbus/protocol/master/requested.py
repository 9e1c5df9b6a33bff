"""Reading what a meter sends only on a request of its own."""

from ..address import link_address
from .collector import Collector
from .readout import Quirks
from .session import Session, ways_to_send


async def read_requested(
    session: Session, reading: Collector, quirks: Quirks, attempts: int
) -> None:
    """Ask a meter whose own telegrams were read for what it needs a request for. Raises what `unanswered` gives."""
    reading.is_in_order = False
    field = link_address(reading.address)
    for request in quirks.requests:
        reply = await session.ask(
            reading.address,
            ways_to_send(field, request[0], request[1:]),
            reading.judge,
            attempts=attempts,
            wait=quirks.first_byte_timeout,
        )
        if reply.answer is not None:
            reading.take(reply.answer)
