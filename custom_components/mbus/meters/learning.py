"""What a reading tells of a meter that was not known when it was configured."""

from collections.abc import Mapping
from typing import Any

from ..const import CONF_BINDINGS, CONF_HAS_BATTERY, CONF_QUIRKS
from ..profiles.catalogue import AUTOMATIC, Catalogue
from ..protocol import Quirks
from .bound import bound_to
from .family import given_by, with_other_profile
from .meter import Meter, identity_data, stored_bindings
from .reading import Reading


def learnt_from(
    reading: Reading,
    quirks: Quirks,
    meter: Meter,
    data: Mapping[str, Any],
    catalogue: Catalogue,
    *,
    is_whole: bool,
) -> dict[str, Any]:
    """Return what of a meter's stored data a reading changes: empty where it tells nothing new.

    Bindings that were made by number alone are held from now on to what their record means, and the meter to the
    version and medium of its header. A meter that says its battery is low has one. `quirks` are what the next readout
    needs.
    """
    learnt = dict[str, Any]()
    unread = [
        (binding.id, binding.telegram, binding.index)
        for binding in meter.bindings.values()
        if binding.signature is None
        and binding.index is not None
        and binding.telegram < len(reading.telegrams)
        and binding.index < len(reading.telegrams[binding.telegram].records)
    ]
    if unread and not reading.error:
        telegrams = reading.telegrams
        meanings = catalogue.interpret(telegrams, meter.profile)
        bound = {
            binding_id: bound_to(telegrams, telegram, index, meanings)
            for binding_id, telegram, index in unread
        }
        learnt[CONF_BINDINGS] = [
            {**item, **bound.get(str(item.get("id")), {})}
            for item in stored_bindings(data)
        ]
    header = reading.header
    if (
        meter.identity is not None
        and meter.medium is None
        and header is not None
        and header.medium is not None
    ):
        learnt |= identity_data(header, meter.identity)
    if header is not None and header.power_low and not meter.has_battery:
        learnt[CONF_HAS_BATTERY] = True
    if meter.profile_quirks is None and is_whole:
        profile = catalogue.profile_for(reading.telegrams, meter.profile)
        learnt |= given_by(profile)
        if profile:
            quirks = with_other_profile(quirks, None, profile.quirks)
    if quirks != meter.quirks and CONF_QUIRKS not in meter.unread:
        learnt[CONF_QUIRKS] = quirks.as_dict()
    return learnt


def forgotten_of(old: Meter, meter: Meter) -> dict[str, Any]:
    """Return what of a meter's stored data was learnt of the one whose place it took, or belongs to that one's family."""
    forgotten, quirks = dict[str, Any](), meter.quirks.without_learnt()
    if meter.profile == AUTOMATIC and _family(old) != _family(meter):
        quirks = with_other_profile(quirks, meter.profile_quirks, Quirks())
        forgotten |= given_by(None, is_known=False)
    if quirks != meter.quirks:
        forgotten[CONF_QUIRKS] = quirks.as_dict()
    return forgotten


def _family(meter: Meter) -> tuple[Any, ...]:
    identity = meter.identity
    return identity and identity.manufacturer, meter.version, meter.medium
