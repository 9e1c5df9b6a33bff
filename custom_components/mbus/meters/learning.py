"""What a reading tells of a meter that was not known when it was configured."""

from collections.abc import Mapping
from typing import Any

from ..const import CONF_BINDINGS, CONF_QUIRKS
from ..protocol import Quirks
from .binding import bound_to
from .meter import Meter, identity_data
from .reading import Reading


def learnt_from(
    reading: Reading, quirks: Quirks, meter: Meter, data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what of a meter's stored data a reading changes: empty where it tells nothing new.

    Bindings that were made by number alone are held from now on to what their record means, and the meter to the
    version and medium of its header. `quirks` are what the next readout needs.
    """
    learnt = dict[str, Any]()
    bound = {
        binding.id: bound_to(reading.telegrams, binding.telegram, binding.index)
        for binding in meter.bindings.values()
        if binding.signature is None
        and binding.telegram < len(reading.telegrams)
        and binding.index < len(reading.telegrams[binding.telegram].records)
    }
    if bound and not reading.error:
        learnt[CONF_BINDINGS] = [
            {**item, **bound.get(item.get("id"), {})} for item in data[CONF_BINDINGS]
        ]
    header = reading.header
    if (
        meter.identity is not None
        and meter.medium is None
        and header is not None
        and header.medium is not None
    ):
        learnt |= identity_data(header, meter.identity)
    if quirks != meter.quirks:
        learnt[CONF_QUIRKS] = quirks.as_dict()
    return learnt
