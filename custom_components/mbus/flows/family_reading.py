"""Reading a new meter as its family is read, once its first telegrams say which one that is."""

from dataclasses import replace

from ..profiles.catalogue import Catalogue
from ..protocol import Address, Bus, MeterError, Quirks, Readout


async def async_read_as_family(
    bus: Bus, address: Address, readout: Readout, learnt: Quirks, catalogue: Catalogue
) -> tuple[Readout, Quirks]:
    """Return what a meter that was just read sends, and what it needs to be read.

    One whose family sends more when asked is read once more. Raises LinkError.
    """
    profile = catalogue.profile_for(readout.telegrams)
    if profile is None:
        return readout, learnt
    quirks = profile.quirks.with_learnt(learnt)
    if not quirks.requests and quirks.application_reset is None:
        return readout, quirks
    try:
        identity = readout.telegrams[0].identity
        readout = await bus.read(address, identity=identity, quirks=quirks)
    except MeterError:
        # It is not like the others of its family.
        quirks = replace(quirks, requests=(), application_reset=None)
    return readout, quirks
