"""A chain can make a total fall: Home Assistant must not take that for a meter that began anew. With the real recorder."""

from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus.const import CONF_BINDINGS
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .recorder import compile_statistics, rows, window
from .test_guards import Meter, entity_of, meter as meter_at_7, state_of

meter = meter_at_7
INVALID = bytes.fromhex("04 06 00 00 00 80")


@pytest.fixture(autouse=True)
def custom_integrations(
    recorder_mock: Recorder, enable_custom_integrations: None
) -> None:
    """Let Home Assistant record, which it must before anything else, and load the integration."""


@pytest.mark.freeze_time("2026-01-10 12:01:00", tick=True, real_asyncio=True)
@pytest.mark.parametrize(
    ("chain", "second", "shown", "counted"),
    [
        (
            [{"type": "default_value", "value": "3", "when": "missing"}],
            INVALID,
            ["12345", "0.003", "12350"],
            5,
        ),
        (
            [{"type": "script", "template": "{{ 3 if value == 12347000 else value }}"}],
            integer("04 06", 12_347),
            ["12345", "0.003", "12350"],
            5,
        ),
        (
            [{"type": "scaling", "factor": -1, "shift": 0}],
            integer("04 06", 12_347),
            ["-12345", "-12347", "-12350"],
            -5,
        ),
        (
            [
                {"type": "default_value", "value": "3", "when": "missing"},
                {"type": "damper", "lag": 1e-6},
            ],
            INVALID,
            ["12345.0", "0.003", "12350.0"],
            5,
        ),
    ],
    ids=["default value", "script", "negative factor", "damper"],
)
async def test_falls_and_rises(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    chain: list[dict[str, Any]],
    second: bytes,
    shown: list[str],
    counted: int,
) -> None:
    """What a total is more at the end than it was in the beginning is all that is counted."""
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    energy, *others = subentry.data[CONF_BINDINGS]
    steps = [{**step, "id": str(place)} for place, step in enumerate(chain)]
    bindings = [{**energy, "transformations": steps}, *others]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    for record, state in zip(
        (integer("04 06", 12_345), second, integer("04 06", 12_350)),
        shown,
        strict=True,
    ):
        meter.records[0] = record
        await let_poll(hass, 301)
        assert state_of(hass, "energy") == state
    await compile_statistics(hass, start := window())
    (row,) = await rows(hass, entity_of(hass, "energy"), "5minute", "sum", since=start)
    assert row["sum"] == pytest.approx(counted)
