"""Choosing a profile: the best one for the meter, none, or a certain one."""

from collections.abc import Sequence

from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import SelectOptionDict

from ..presentation.texts import async_get_texts, option_key
from ..profiles.catalogue import AUTOMATIC, NO_PROFILE, async_get_catalogue
from ..profiles.profile import Profile
from ..protocol import Telegram


async def async_profile_options(
    hass: HomeAssistant, telegrams: Sequence[Telegram], chosen: str
) -> list[SelectOptionDict]:
    """Return what can be chosen for a meter that sent these, its maker's first; one chosen that is gone is there by its id."""
    texts, catalogue = await async_get_texts(hass), await async_get_catalogue(hass)
    best = catalogue.profile_for(telegrams)
    header = telegrams[0].header if telegrams else None

    def order(profile: Profile) -> tuple[bool, str]:
        makers = {match.manufacturer for match in profile.matches}
        is_others = header is None or header.manufacturer not in makers
        return is_others, profile.name.casefold()

    none = texts[option_key("profile", NO_PROFILE)]
    automatic = texts[option_key("profile", AUTOMATIC)]
    name = best.name if best else none if telegrams else "–"
    labels = {
        AUTOMATIC: automatic.format(name=name),
        NO_PROFILE: none,
        **{
            profile.id: profile.name
            for profile in sorted(catalogue.profiles, key=order)
        },
    }
    labels.setdefault(chosen, chosen)
    return [SelectOptionDict(value=key, label=label) for key, label in labels.items()]
