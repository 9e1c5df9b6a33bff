"""Runs whole lives, each from a list of steps, and says what was wrong with one and after which steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from homeassistant.core import HomeAssistant

from .actions import enable_all, mend, press_read_now, switch, take_in
from .clock import Clock
from .life import RELOADED, RETRIED, SET_UP_AGAIN, Life, Setting
from .places import Place
from .profiles import confirm_profile
from .table import ACTIONS
from .troubles import calm

STEPS = 30


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens; `number` is what it draws by."""

    action: str
    number: int


class LifeError(AssertionError):
    """Something was wrong in a life."""

    def __init__(self, seed: int, steps: Sequence[Step], faults: Sequence[str]) -> None:
        """Say what was wrong and after which steps, so that it can be lived again."""
        lines = [*faults, f"in the life of seed {seed} after:", *map(repr, steps)]
        super().__init__("\n".join(lines))


def plan(seed: int, length: int = STEPS) -> list[Step]:
    """Draw the steps of a life."""
    random = Random(seed)
    names = [*ACTIONS]
    weights = [weight for _, weight in ACTIONS.values()]
    return [
        Step(name, random.randrange(1 << 32))
        for name in random.choices(names, weights, k=length)
    ]


async def live(
    hass: HomeAssistant,
    clock: Clock,
    storage: dict[str, Any],
    seed: int,
    steps: Sequence[Step],
    setting: Setting = Setting(),
) -> Life:
    """Live a whole life: everything is well at its end, and nothing is left of it. Raises LifeError."""
    life = Life(hass, clock, storage, seed, setting)
    made = 0
    try:
        await life.begin()
        for step in steps:
            made += 1
            await take(life, step)
            if life.witness.faults:
                break
        else:
            await settle(life)
    except Exception as err:
        raise LifeError(seed, steps[:made], [repr(err)]) from err
    finally:
        await life.end()
    if life.witness.faults:
        raise LifeError(seed, steps[:made], life.witness.faults)
    return life


async def take(life: Life, step: Step) -> None:
    """Let a step happen."""
    function, _ = ACTIONS[step.action]
    await function(life, Random(step.number))
    await life.hass.async_block_till_done()


def shortest(
    steps: Sequence[Step], fails: Callable[[Sequence[Step]], object]
) -> Sequence[Step]:
    """Leave out of the steps of a life that fails what it fails without."""
    size = len(steps) // 2
    while size:
        start = 0
        while start < len(steps):
            fewer = [*steps[:start], *steps[start + size :]]
            if fails(fewer):
                steps = fewer
            else:
                start += size
        size //= 2
    return steps


async def settle(life: Life) -> None:
    """End all that is wrong, and see each meter back within a period."""
    random = Random(0)
    for task in [*life.tasks]:
        await task
    await calm(life, random)
    for place in life.places:
        place.installed.invalid.clear()
    if not life.is_loaded:
        await life.pass_time(SET_UP_AGAIN)
    if life.is_stopped:
        await switch(life, on=True)
    enable_all(life)
    await life.pass_time(RELOADED)
    await see_back(
        life,
        [
            place
            for place in life.places
            if place.number == place.installed.identification and life.is_bound(place)
        ],
    )
    for place in life.places:
        if place.number != place.installed.identification:
            await take_in(life, place, random)
    await see_back(life, [])
    for place in life.places:
        await mend(life, place)
        await confirm_profile(life, place)
    await see_back(life, life.places)


async def see_back(life: Life, places: Sequence[Place]) -> None:
    """Wait for the longest period, and see that these meters were read meanwhile and that nothing is wrong with them."""
    began = life.clock.now()
    periods = [period for place in life.places if (period := life.period(place))]
    await life.pass_time(max(periods, default=timedelta()) + RETRIED)
    for place in life.places:
        if life.period(place) is None:
            await press_read_now(life, place)
        is_there = place.number == place.installed.identification
        while is_there and life.witness.has_fallen(place):
            # It is believed at the second reading.
            await press_read_now(life, place)
    await life.hass.async_block_till_done(wait_background_tasks=True)
    for place in places:
        life.witness.check_back(place, began)
