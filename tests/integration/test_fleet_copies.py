"""What is exported and imported of meters is a copy, which shares nothing with what it was made of."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .meter_dialogs import bindings_of
from .test_fleet import entry, exported, other
from .test_readings import call

__all__ = ["entry", "other"]


async def test_answer_is_a_copy(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """What somebody makes of it changes nothing that is stored."""
    meters = await exported(hass, entry)
    meters["meters"][0]["identity"]["identification"] = "99999999"
    meters["meters"][0]["bindings"][0]["signature"]["tariff"] = 5
    again = await exported(hass, entry)
    assert again["meters"][0]["identity"]["identification"] == "77777777"
    assert again["meters"][0]["bindings"][0]["signature"]["tariff"] == 0


async def test_steps_that_were_copied(
    hass: HomeAssistant, entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """Each remembers its own last value, whatever ids the file has, or none."""
    damper: dict[str, Any] = {"type": "damper", "lag": 60}
    meters = await exported(hass, entry)
    [binding, _] = meters["meters"][0]["bindings"]
    for one in ({"id": "1"}, {}):
        binding["transformations"] = [{**damper, **one}] * 2
        await call(
            hass,
            "import_meters",
            config_entry_id=other.entry_id,
            meters=meters,
            apply=True,
        )
        [flat] = (one for one in other.subentries.values() if one.title == "Flat 1")
        steps = bindings_of(other, flat.subentry_id)["energy"]["transformations"]
        assert len({step["id"] for step in steps}) == 2
        hass.config_entries.async_remove_subentry(other, flat.subentry_id)
        await hass.async_block_till_done()


async def test_imported_twice_at_once(
    hass: HomeAssistant, entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """What the first adds is there for the second, which adds nothing."""
    meters = await exported(hass, entry)
    answers = await asyncio.gather(
        *(
            call(
                hass,
                "import_meters",
                config_entry_id=other.entry_id,
                meters=meters,
                apply=True,
            )
            for _ in range(2)
        )
    )
    told = [[one["outcome"] for one in answer["meters"]] for answer in answers]
    assert told == [["add", "add"], ["present", "present"]]
    assert len(other.subentries) == 2
