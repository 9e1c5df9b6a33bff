"""The file of the store as it lies on the disk: cut anywhere or not to be written, it costs what is in it and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
import logging
from pathlib import Path
import resource
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.polling.store import MBusStore
from tests.simulator import SimulatedBus

from .conftest import CreateEntry, let_poll
from .test_connection import value_of
from .test_store import pass_time


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Let everything be stored for real."""
    return {}


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Return a folder that goes with the test."""
    return hass_tmp_config_dir


@pytest.fixture
async def entry(create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection with two meters that were read."""
    return await create_entry(1, 2)


def file_of(hass: HomeAssistant, entry: MockConfigEntry) -> Path:
    """Return where a connection's store is."""
    return Path(hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}"))


def readings_in(file: Path) -> dict[str, str]:
    """Return when each meter in a file was read."""
    meters = json.loads(file.read_bytes())["data"]["meters"]
    return {meter_id: meter["time"] for meter_id, meter in meters.items()}


TOLD_BY_HOME_ASSISTANT = ["homeassistant.util.json", "homeassistant.helpers.storage"]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return who warned of something; asyncio also does when the machine is busy."""
    return [
        record.name
        for record in caplog.records
        if record.levelno > logging.INFO and record.name != "asyncio"
    ]


async def test_cut_at_any_byte(
    hass: HomeAssistant, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is taken from it, that is said once, and a new file takes its place."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    file = file_of(hass, entry)
    whole = file.read_bytes()
    assert readings_in(file).keys() == {"meter1", "meter2"}

    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        caplog.clear()
        store = MBusStore(hass, entry.entry_id)
        await store.async_load()

        assert not store.reading("meter1")
        assert not store.due("meter2")
        assert store.running
        assert told(caplog) == TOLD_BY_HOME_ASSISTANT
        assert store.size == 0
        store.keep_running(False)
        await store.async_close()
        assert json.loads(file.read_bytes())["data"]["running"] is False


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
async def test_connection_with_a_cut_file(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    part: float,
) -> None:
    """It loads with all its entities, reads its meters at once and stores them again."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    file = file_of(hass, entry)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * part)])
    registry = er.async_get(hass)
    before = er.async_entries_for_config_entry(registry, entry.entry_id)
    caplog.clear()

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)

    assert er.async_entries_for_config_entry(registry, entry.entry_id) == before
    for meter in ("meter1", "meter2"):
        assert value_of(hass, entry, meter) != STATE_UNAVAILABLE
    assert told(caplog) == TOLD_BY_HOME_ASSISTANT
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert readings_in(file).keys() == {"meter1", "meter2"}


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow: what is written to one fails, whoever writes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_disk_that_is_full(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """Polling goes on, over a reload too; nothing is left about, and the readings are stored when there is room again."""
    large = {"origin": "as of hundreds of meters", "state": {"text": "x" * 200_000}}
    entry.runtime_data.store.keep_memory({"other": {"steps": {"1": large}}})
    await pass_time(hass, 61)
    file = file_of(hass, entry)
    written = file.read_bytes()
    others = {*file.parent.iterdir()}

    with full_disk():
        await let_poll(hass, 301)
        await pass_time(hass, 61)
        assert await hass.config_entries.async_reload(entry.entry_id)
        bus.requests.clear()
        await let_poll(hass, 301)
        assert bus.requests
        assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
        await pass_time(hass, 61)

    assert file.read_bytes() == written
    assert {*file.parent.iterdir()} == others
    await let_poll(hass, 301)
    await pass_time(hass, 61)
    assert (
        readings_in(file)["meter1"]
        > json.loads(written)["data"]["meters"]["meter1"]["time"]
    )
