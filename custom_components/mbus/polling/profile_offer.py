"""Whether a meter's bindings would mean more by what is known of its family, asked again only where that may have changed."""

from collections.abc import Sequence
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..meters.meter import Meter
from ..meters.reinterpretation import reinterpret
from ..profiles.catalogue import cached_catalogue
from ..protocol import Telegram
from .issues import report_profile


class ProfileOffer:
    """Keeps the repair of one meter that offers it a profile."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Know nothing of the meter yet."""
        self._hass = hass
        self._entry = entry
        self._known: tuple[Any, ...] = ()

    @callback
    def async_look(self, meter: Meter, telegrams: Sequence[Telegram]) -> None:
        """Offer what is known of the meter's family, or withdraw the offer; a whole readout tells."""
        catalogue = cached_catalogue(self._hass)
        known = catalogue, meter, [*map(_shape, telegrams)]
        if known == self._known:
            return
        self._known = known
        name = None
        if reinterpret(meter, telegrams, catalogue).changed:
            profile = catalogue.profile_for(telegrams, meter.profile)
            name = profile.name if profile else "–"
        report_profile(self._hass, self._entry, meter, name)


def _shape(telegram: Telegram) -> tuple[Any, ...]:
    """Return what of a telegram a profile looks at: all but the values of numbers."""
    header = telegram.header
    return (
        header and (header.manufacturer, header.version, header.medium),
        [
            (record.header, record.value if isinstance(record.value, str) else None)
            for record in telegram.records
        ],
    )
