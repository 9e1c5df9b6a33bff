"""The first readout of a meter by its address, of which nothing else is known."""

from contextlib import suppress

from ..address import Address
from .bus import Bus
from .errors import LateReplyError, MeterError, NoDataError, NoReplyError
from .readout import Quirks, Readout


async def read_new(bus: Bus, address: Address) -> tuple[Readout, Quirks]:
    """Read a meter, and say what it needs to be read.

    Where it is silent, the last attempt goes without a reset, which some meters don't answer.
    Raises what Bus.read raises.
    """
    try:
        return _learnt(await bus.read(address))
    except NoReplyError as err:
        if isinstance(err, NoDataError | LateReplyError) or not isinstance(
            address, int
        ):
            raise
        quirks = Quirks(reset="never")
        try:
            readout = await bus.read(address, attempts=1, quirks=quirks)
        except MeterError:
            raise err from None
        master = await bus.master()
        with suppress(NoReplyError):
            await master.reset(address)
            # It had only missed the resets before.
            return _learnt(await bus.read(address))
        return readout, quirks


def _learnt(readout: Readout) -> tuple[Readout, Quirks]:
    return readout, Quirks().learnt_from(readout)
