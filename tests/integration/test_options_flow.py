"""How a connection uses its bus, changed by its dialogs."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest

from custom_components.mbus.const import DEFAULT_OPTIONS
from tests.simulator import HeatMeter, SimulatedBus, TcpGateway

from .conftest import FAST, CreateEntry
from .dialogs import SERIAL_LINE, change_options

BACKUP_LINE = {"baud_rate": 2400, "parity": "E", "data_bits": 8, "stop_bits": 1}


@pytest.fixture
async def pty() -> AsyncIterator[str]:
    """Return the serial port of a bus with a heat meter at 1."""
    async with SimulatedBus([HeatMeter(1)]) as simulated:
        yield await simulated.serve_pty()


def connections(bus: SimulatedBus) -> int:
    """Return how many connections the bus has now."""
    [gateway] = bus.gateways
    assert isinstance(gateway, TcpGateway)
    return gateway.connections


LINE = {"attempts": 5, "max_package_length": 100, "line_delay_ratio": 2.5}


@pytest.mark.parametrize(
    ("step", "form", "changes"),
    [
        (
            "polling",
            {"period": {"days": 1, "minutes": 10}, "support_for_group_requests": True},
            {"period": 87_000_000, "support_for_group_requests": True},
        ),
        (
            "line",
            LINE | {"timeout": {"seconds": 5}, "shutdown_timeout": {"seconds": 1}},
            LINE | {"timeout": 5000, "shutdown_timeout": 1000},
        ),
        (
            "limits",
            {"memory_limit": 1.5, "trace_length": 0},
            {"memory_limit": 1_572_864, "trace_length": 0},
        ),
    ],
)
async def test_change_options(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    step: str,
    form: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    """Each form changes its own options and no other; the connection goes on with them."""
    entry = await create_entry(1)
    meters = {key: meter.as_dict() for key, meter in entry.subentries.items()}
    dialog = await change_options(hass, entry)
    await dialog.choose(step)
    result = await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == FAST | changes
    assert [type(entry.options[key]) for key in changes] == [
        type(value) for value in changes.values()
    ]
    assert entry.state is ConfigEntryState.LOADED
    assert {key: meter.as_dict() for key, meter in entry.subentries.items()} == meters


async def test_options_show_what_is_stored(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """A form comes with the present options, or the defaults where none was ever set."""
    entry = await create_entry()
    shown: dict[str, Any] = {}
    for step in ("polling", "line", "limits"):
        dialog = await change_options(hass, entry)
        await dialog.choose(step)
        shown |= dialog.result["data_schema"]({})
        dialog.close()

    assert shown == DEFAULT_OPTIONS | FAST


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        (
            "polling",
            {"period": {"milliseconds": 999}, "support_for_group_requests": False},
        ),
        ("limits", {"memory_limit": 0.01, "trace_length": 1000}),
        ("limits", {"memory_limit": 1, "trace_length": -1}),
        ("line", {"max_package_length": 254}),
        ("line", {"line_delay_ratio": 0}),
        ("line", {"shutdown_timeout": {"seconds": -1}}),
        ("line", {"shutdown_timeout": {"seconds": 61}}),
    ],
)
async def test_options_out_of_range(
    hass: HomeAssistant, create_entry: CreateEntry, step: str, wrong: dict[str, Any]
) -> None:
    """A value outside of its limits is refused on its own field."""
    entry = await create_entry()
    dialog = await change_options(hass, entry)
    await dialog.choose(step)
    with pytest.raises(InvalidData) as refused:
        await dialog.submit(wrong)

    assert set(refused.value.schema_errors) < wrong.keys() | {"base"}
    assert set(refused.value.schema_errors) & wrong.keys()
    assert entry.options == FAST


async def test_short_period_is_asked_for_once_more(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """A period below a minute is stored only when it was meant."""
    entry = await create_entry()
    dialog = await change_options(hass, entry)
    await dialog.choose("polling")
    form = {
        "period": {"seconds": 59, "milliseconds": 999},
        "support_for_group_requests": True,
    }
    stored = form | {"period": 59_999}
    result = await dialog.submit(form)
    assert result["step_id"] == "short_period"
    assert result["description_placeholders"] == {"seconds": "59.999"}
    assert entry.options == FAST

    await dialog.choose("polling")
    assert dialog.result["data_schema"]({}) == stored
    await dialog.submit(form)
    await dialog.choose("use_short_period")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert entry.options == FAST | stored
    assert entry.state is ConfigEntryState.LOADED


async def test_a_minute_is_long_enough(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """From a minute on nothing is asked again."""
    entry = await create_entry()
    dialog = await change_options(hass, entry)
    await dialog.choose("polling")
    form = {"period": {"minutes": 1}, "support_for_group_requests": False}
    result = await dialog.submit(form)

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_backup_over_a_serial_port(
    hass: HomeAssistant, create_entry: CreateEntry, pty: str
) -> None:
    """A serial port becomes the backup, is shown when asked for again, and can be dropped."""
    entry = await create_entry(1)
    dialog = await change_options(hass, entry)
    await dialog.choose("backup")
    await dialog.choose("serial")
    result = await dialog.submit({"port": pty, "line": SERIAL_LINE})
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["backup"] == {"type": "serial", "port": pty} | BACKUP_LINE
    assert entry.state is ConfigEntryState.LOADED

    dialog = await change_options(hass, entry)
    await dialog.choose("backup")
    result = await dialog.choose("serial")
    suggested = {
        str(marker): marker.description["suggested_value"]
        for marker in result["data_schema"].schema
        if marker.description
    }
    assert suggested == {"port": pty}
    dialog.close()

    dialog = await change_options(hass, entry)
    await dialog.choose("backup")
    await dialog.choose("no_backup")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.options == FAST
    assert entry.state is ConfigEntryState.LOADED


async def test_backup_over_a_gateway(
    hass: HomeAssistant, create_entry: CreateEntry, bus: SimulatedBus, port: int
) -> None:
    """A second gateway becomes the backup after errors were put right; the first one stays in use."""
    entry = await create_entry(1)
    async with SimulatedBus([HeatMeter(1)]) as second:
        other_port = await second.serve_tcp()
        dialog = await change_options(hass, entry)
        await dialog.choose("backup")
        await dialog.choose("tcp")
        line = {"line": {"baud_rate": "300"}}

        result = await dialog.submit({"host": "127.0.0.1", "port": 1} | line)
        assert result["errors"] == {"port": "connection_refused"}
        result = await dialog.submit({"host": "127.0.0.1", "port": port} | line)
        assert result["errors"] == {"host": "same_link"}
        assert entry.options == FAST
        result = await dialog.submit({"host": "127.0.0.1", "port": other_port} | line)
        await hass.async_block_till_done(wait_background_tasks=True)

        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert entry.options["backup"] == {
            "type": "tcp",
            "host": "127.0.0.1",
            "port": other_port,
            "baud_rate": 300,
        }
        assert entry.state is ConfigEntryState.LOADED
        assert connections(bus) == 1
        await hass.config_entries.async_unload(entry.entry_id)


async def test_backup_of_another_connection(
    hass: HomeAssistant, create_entry: CreateEntry, pty: str
) -> None:
    """A way that another connection has can't be a backup."""
    entry = await create_entry(
        options={"backup": {"type": "serial", "port": pty} | BACKUP_LINE}
    )
    other = await create_entry(setup=False)
    hass.config_entries.async_update_entry(other, unique_id="other", title="Other")
    dialog = await change_options(hass, other)
    await dialog.choose("backup")
    await dialog.choose("serial")
    result = await dialog.submit({"port": pty, "line": SERIAL_LINE})

    assert result["errors"] == {"port": "already_configured"}
    assert result["description_placeholders"] == {"title": entry.title}


async def test_line_settings_of_the_backup_in_use(
    hass: HomeAssistant, create_entry: CreateEntry, bus: SimulatedBus, pty: str
) -> None:
    """The connection lets go of its backup while other line settings of it are tested, and comes back on it."""
    backup = {"type": "serial", "port": pty} | BACKUP_LINE
    entry = await create_entry(options={"backup": backup}, setup=False)
    await bus.close()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED

    form = {"port": pty, "line": SERIAL_LINE | {"baud_rate": "300"}}
    dialog = await change_options(hass, entry)
    await dialog.choose("backup")
    await dialog.choose("serial")
    with patch(
        "custom_components.mbus.flows.link_form.open_link",
        side_effect=ZeroDivisionError,
    ):
        result = await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert result["errors"] == {"base": "unknown"}
    assert entry.state is ConfigEntryState.LOADED

    result = await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["backup"]["baud_rate"] == 300
    assert entry.state is ConfigEntryState.LOADED
