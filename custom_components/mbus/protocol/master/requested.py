"""Reading what a meter sends only on a request of its own."""

from ..address import link_address
from .collector import Collector
from .readout import Quirks
from .session import Session, ways_to_send


async def read_requested(
    session: Session, collector: Collector, quirks: Quirks, attempts: int
) -> None:
    """Ask a meter whose own telegrams were read for what it needs a request for. Raises what `unanswered` gives."""
    collector.expect_others()
    field = link_address(collector.address)
    for request in quirks.requests:
        reply = await session.ask(
            collector.address,
            ways_to_send(field, request[0], request[1:]),
            collector.judge,
            attempts=attempts,
            wait=quirks.first_byte_timeout,
        )
        if reply.answer is not None:
            collector.take(reply.answer)
