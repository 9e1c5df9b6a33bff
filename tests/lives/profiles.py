"""A profile of one's own that comes, changes and goes, and meters that it is taken for or not."""

from random import Random

from custom_components.mbus.const import CONF_PROFILE, DOMAIN
from custom_components.mbus.profiles.catalogue import AUTOMATIC, NO_PROFILE, OWN_FOLDER

from .life import Life
from .places import Place
from .table import action

_PROFILE = """
name: Larger than it says
match:
  - {{manufacturer: SIM}}
records:
  - {{key: larger, is: energy, unit: Wh, factor: {factor}}}
  - {{key: stronger, is: power, unit: W, factor: {factor}}}
"""


@action(3)
async def write_profile(life: Life, random: Random) -> None:
    """Write a file of one's own, or take it away."""
    folder = life.folder / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    file, factor = folder / "own.yaml", random.choice((None, 2, 10, 1000))
    if factor is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(_PROFILE.format(factor=factor))
    if life.is_loaded:
        await life.hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)


@action(2)
async def choose_profile(life: Life, random: Random) -> None:
    """Want none for a meter, or whichever fits."""
    choice = random.choice((NO_PROFILE, AUTOMATIC))
    life.store(random.choice(life.places), **{CONF_PROFILE: choice})


@action(5)
async def take_profile(life: Life, random: Random) -> None:
    """Let the records of a meter mean what its profile says."""
    await confirm_profile(life, random.choice(life.places))


async def confirm_profile(life: Life, place: Place) -> None:
    """Go through the repair that offers a meter its profile."""
    await life.repair(f"profile_offered_{place.id}", {})
    life.note_meanings(place)
