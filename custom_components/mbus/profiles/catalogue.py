"""The profiles there are, read once and kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..protocol import Telegram
from .block import BlockField, BlockPlace
from .common import COMMON
from .interpretation import Interpretation, Place
from .matching import best_profile, block_fields, interpretations
from .mistake import ProfileError
from .profile import Profile
from .reader import FAMILIES, read_folder

AUTOMATIC: Final = "automatic"
"""The choice of the profile that is the best for the meter."""
NO_PROFILE: Final = "none"
"""The choice of no profile."""
OWN_FOLDER: Final = "mbus_profiles"
"""The folder in Home Assistant's configuration where a user's own profiles lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All profiles, and what is wrong with the files that hold none."""

    profiles: tuple[Profile, ...]
    errors: tuple[ProfileError, ...] = ()

    def profile_for(
        self, telegrams: Sequence[Telegram], choice: str = AUTOMATIC
    ) -> Profile | None:
        """Return the profile of a meter that sent these; one chosen that is gone is none."""
        if choice == AUTOMATIC:
            return best_profile(self.profiles, telegrams)
        return next((one for one in self.profiles if one.id == choice), None)

    def has(self, profile_id: str) -> bool:
        """Say whether there is a profile of this id, or the rules that need none."""
        return profile_id == COMMON or any(
            profile.id == profile_id for profile in self.profiles
        )

    def interpret(
        self, telegrams: Sequence[Telegram], choice: str = AUTOMATIC
    ) -> dict[Place, Interpretation]:
        """Return what the records of a readout mean by the profile chosen for the meter."""
        return interpretations(self.profile_for(telegrams, choice), telegrams)

    def block_fields(
        self, telegrams: Sequence[Telegram], choice: str = AUTOMATIC
    ) -> dict[BlockPlace, BlockField]:
        """Return what can be shown of the manufacturer's bytes in a readout."""
        return block_fields(self.profile_for(telegrams, choice), telegrams)


_CATALOGUE: Final = HassKey[asyncio.Future[Catalogue]]("mbus_profiles")


async def async_get_catalogue(hass: HomeAssistant) -> Catalogue:
    """Return the profiles, which are read from their files the first time."""
    if (loading := hass.data.get(_CATALOGUE)) is None:
        loading = hass.data[_CATALOGUE] = hass.loop.create_future()
        try:
            loading.set_result(await _async_read(hass))
        except BaseException:
            del hass.data[_CATALOGUE]
            loading.cancel()
            raise
    return await asyncio.shield(loading)


async def async_reload_catalogue(hass: HomeAssistant) -> Catalogue:
    """Read the files anew; until then the profiles are those there were."""
    catalogue = await _async_read(hass)
    hass.data[_CATALOGUE] = loading = hass.loop.create_future()
    loading.set_result(catalogue)
    return catalogue


@callback
def cached_catalogue(hass: HomeAssistant) -> Catalogue:
    """Return the profiles, which are read by the time that a connection is set up."""
    return hass.data[_CATALOGUE].result()


async def _async_read(hass: HomeAssistant) -> Catalogue:
    own = Path(hass.config.path(OWN_FOLDER))
    return await hass.async_add_executor_job(read_catalogue, own)


def read_catalogue(own: Path | None = None) -> Catalogue:
    """Read all profiles from their files; a user's own takes the place of ours of the same name."""
    ours, _ = read_folder(FAMILIES)
    taken = {AUTOMATIC, NO_PROFILE, COMMON}
    theirs, errors = read_folder(own, is_own=True, taken=taken) if own else ([], [])
    replaced = {profile.id for profile in theirs}
    kept = [profile for profile in ours if profile.id not in replaced]
    return Catalogue(profiles=(*theirs, *kept), errors=tuple(errors))
