"""Meters that a reset doesn't bring to their first telegram, over restarts of Home Assistant."""

from decimal import Decimal
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import CONF_QUIRKS, DOMAIN, SUBENTRY_METER
from custom_components.mbus.flows.adding import bind, meter_subentry_data
from custom_components.mbus.profiles.catalogue import Catalogue
from custom_components.mbus.protocol import Quirks, Readout, parse_telegram
from tests.simulator import (
    AfterReset,
    Quantity,
    Quirks as Ways,
    SimulatedBus,
    TruthfulMeter,
)

from .conftest import CreateEntry, let_poll

ASK = bytes.fromhex("10 7B 07 82 16"), bytes.fromhex("10 5B 07 62 16")


def volumes(telegrams: int) -> list[list[Quantity]]:
    """Return what a meter sends: telegrams that differ in nothing but the value."""
    return [
        [
            Quantity(
                f"volume {number}",
                "04 13",
                step=Decimal("0.001"),
                unit="m³",
                is_total=True,
            )
        ]
        for number in range(telegrams)
    ]


def subentry_of(meter: TruthfulMeter, quirks: Quirks = Quirks()) -> ConfigSubentry:
    """Return the meter as it was stored by a release that knew nothing of frame counts, each telegram bound."""
    telegrams = tuple(map(parse_telegram, meter.peek()))
    bindings: list[dict[str, Any]] = []
    for telegram in range(len(telegrams)):
        names = [binding["name"] for binding in bindings]
        bindings.append(
            bind(telegrams, telegram, 0, names) | {"id": f"binding{telegram}"}
        )
    readout = Readout(telegrams=telegrams, complete=True)
    return ConfigSubentry(
        subentry_id="meter7",
        subentry_type=SUBENTRY_METER,
        title="Meter",
        unique_id="meter-7",
        data=MappingProxyType(
            meter_subentry_data(7, readout, bindings, Catalogue(profiles=()), quirks)
        ),
    )


def shown(hass: HomeAssistant) -> list[Decimal]:
    """Return what is shown of each telegram."""
    states = [
        hass.states.get(entity_id)
        for entity_id in sorted(hass.states.async_entity_ids("sensor"))
        if "volume" in entity_id
    ]
    return [Decimal(state.state) for state in states if state]


def check(hass: HomeAssistant, entry: MockConfigEntry, meter: TruthfulMeter) -> None:
    """See that each telegram's value is shown as that telegram's, and is the latest."""
    assert shown(hass) == [*meter.history[-1].values.values()]


@pytest.mark.parametrize("telegrams", [1, 3])
@pytest.mark.parametrize("asked", [0, 1, 2, 3])
@pytest.mark.parametrize("after_reset", list(AfterReset))
async def test_restarts(
    hass: HomeAssistant,
    bus: SimulatedBus,
    port: int,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
    telegrams: int,
    asked: int,
    after_reset: AfterReset,
) -> None:
    """Whatever the meter was asked for by another master while Home Assistant was away, each value is where it belongs."""
    meter = TruthfulMeter(
        7,
        volumes(telegrams),
        time=dt_util.utcnow,
        identification="12345678",
        quirks=Ways(after_reset=after_reset),
    )
    bus.meters[:] = [meter]
    entry = await create_entry(setup=False)
    hass.config_entries.async_add_subentry(entry, subentry_of(meter))
    for number in range(asked):
        meter.receive(ASK[number % 2])

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    check(hass, entry, meter)
    quirks = entry.subentries["meter7"].data[CONF_QUIRKS]
    assert quirks["keeps_frame_count"] is (after_reset is not AfterReset.BEGINS)

    for _ in range(2):
        assert await hass.config_entries.async_unload(entry.entry_id)
        hass_storage.pop(f"{DOMAIN}.{entry.entry_id}")
        meter.receive(ASK[0])
        bus.requests.clear()
        assert await hass.config_entries.async_setup(entry.entry_id)
        await let_poll(hass)
        check(hass, entry, meter)
        await let_poll(hass, 301)
        check(hass, entry, meter)
    if after_reset is AfterReset.BEGINS and telegrams == 1:
        assert len(bus.requests) == 2 * (1 + telegrams)


@pytest.mark.parametrize(
    "learnt",
    [Quirks(ring=2, keeps_frame_count=False), Quirks(keeps_frame_count=False)],
)
async def test_what_was_learnt_of_the_meter_before(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    learnt: Quirks,
) -> None:
    """It is nothing of the one that is adopted, which keeps its frame count and marks its end."""
    old, new = (
        TruthfulMeter(
            7,
            volumes(3),
            time=dt_util.utcnow,
            identification=number,
            quirks=Ways(after_reset=after_reset),
        )
        for number, after_reset in (
            ("12345678", AfterReset.BEGINS),
            ("87654321", AfterReset.GOES_ON),
        )
    )
    entry = await create_entry(setup=False)
    hass.config_entries.async_add_subentry(entry, subentry_of(old, learnt))
    bus.meters[:] = [new]
    new.receive(ASK[0])
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)

    subentry = entry.subentries["meter7"]
    identity = {**subentry.data["identity"], "identification": "87654321"}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "identity": identity}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    await let_poll(hass)
    check(hass, entry, new)
    quirks = Quirks.from_dict(entry.subentries["meter7"].data[CONF_QUIRKS])
    assert quirks == Quirks(keeps_frame_count=True)


async def test_ring_after_an_adoption(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Neither the meter before nor the one adopted marks its end, and they have different numbers of telegrams."""
    tariffs = [
        [
            Quantity(
                f"volume {number}",
                f"84 {number}0 13",
                step=Decimal("0.001"),
                unit="m³",
                is_total=True,
            )
        ]
        for number in (1, 2, 3)
    ]
    old, new = (
        TruthfulMeter(
            7,
            tariffs[:telegrams],
            time=dt_util.utcnow,
            identification=number,
            quirks=Ways(endless=True),
        )
        for number, telegrams in (("12345678", 2), ("87654321", 3))
    )
    entry = await create_entry(setup=False)
    hass.config_entries.async_add_subentry(entry, subentry_of(old))
    bus.meters[:] = [old]
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)

    async def ring() -> int | None:
        """Read all there is, and return what is stored then."""
        await entry.runtime_data.coordinators["meter7"].async_read_now()
        stored = entry.subentries["meter7"].data[CONF_QUIRKS]
        return Quirks.from_dict(stored).ring

    def check_last(meter: TruthfulMeter) -> None:
        """See that what is shown was sent in one go: a ring that is not known yet is gone round more than once."""
        rounds = [[*sent.values.values()][:2] for sent in meter.history]
        assert shown(hass) in rounds

    assert await ring() == 2
    check_last(old)
    bus.meters[:] = [new]
    subentry = entry.subentries["meter7"]
    identity = {**subentry.data["identity"], "identification": "87654321"}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "identity": identity}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    for _ in range(2):
        await let_poll(hass, 301)
        assert await ring() == 3
        check_last(new)
