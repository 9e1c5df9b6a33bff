"""Adding a connection and reconfiguring it, by its dialogs, on real ports."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
import socket
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN, TYPE_TCP
from custom_components.mbus.flows.link_form import link_data, way
from tests.simulator import HeatMeter, SimulatedBus, TcpGateway

from .conftest import CreateEntry
from .dialogs import (
    SERIAL_LINE,
    TIMING,
    Dialog,
    add_connection,
    change_options,
    reconfigure,
    serial_form,
    tcp_form,
)


@pytest.fixture
async def pty() -> AsyncIterator[str]:
    """Return the serial port of a bus with a heat meter at 1."""
    async with SimulatedBus([HeatMeter(1)]) as simulated:
        yield await simulated.serve_pty()


@pytest.fixture
async def tcp_dialog(hass: HomeAssistant) -> Dialog:
    """Return the dialog at the form of a gateway."""
    dialog = await add_connection(hass)
    await dialog.choose("tcp")
    return dialog


@pytest.fixture
async def serial_dialog(hass: HomeAssistant) -> Dialog:
    """Return the dialog at the form of a serial port."""
    dialog = await add_connection(hass)
    await dialog.choose("serial")
    return dialog


async def test_add_gateway(
    hass: HomeAssistant, bus: SimulatedBus, port: int, tcp_dialog: Dialog
) -> None:
    """A gateway becomes a connection, without a word on the bus until meters are there."""
    await tcp_dialog.submit(tcp_form(port, host=" 127.0.0.1 "))
    result = await tcp_dialog.choose("later")

    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.title, entry.unique_id) == ("Cellar", f"tcp:127.0.0.1:{port}")
    assert entry.data == {
        "type": "tcp",
        "name": "Cellar",
        "host": "127.0.0.1",
        "port": port,
        "baud_rate": 2400,
    }
    assert type(entry.data["port"]) is int
    assert entry.options == {
        "timeout": 300,
        "attempts": 2,
        "line_delay_ratio": 1.0,
    }
    assert not entry.subentries
    assert not bus.requests


async def test_add_serial_port(
    hass: HomeAssistant, pty: str, serial_dialog: Dialog
) -> None:
    """A serial port becomes a connection with the line settings that were chosen."""
    line = {"baud_rate": "9600", "parity": "n", "data_bits": "8", "stop_bits": "2"}
    await serial_dialog.submit(serial_form(pty, line=line))
    result = await serial_dialog.choose("later")

    assert result["type"] is FlowResultType.CREATE_ENTRY
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert (entry.title, entry.unique_id) == ("Attic", f"serial:{pty}")
    assert entry.data == {
        "type": "serial",
        "name": "Attic",
        "port": pty,
        "baud_rate": 9600,
        "parity": "N",
        "data_bits": 8,
        "stop_bits": 2,
    }


async def test_forms_are_filled_in(tcp_dialog: Dialog, serial_dialog: Dialog) -> None:
    """What nearly everyone has need not be typed: 2400 8E1, 3000 ms, 3 attempts."""
    assert tcp_dialog.result["data_schema"](
        {"name": "Cellar", "host": "gateway", "port": 8000.0, "line": {}, "timing": {}}
    ) == {
        "name": "Cellar",
        "host": "gateway",
        "port": 8000,
        "search": True,
        "line": {"baud_rate": "2400"},
        "timing": {"timeout": 3000, "attempts": 3, "line_delay_ratio": 1.0},
    }
    assert (
        serial_dialog.result["data_schema"](
            {"name": "Cellar", "port": "/dev/ttyUSB0", "line": {}, "timing": {}}
        )["line"]
        == SERIAL_LINE
    )


@pytest.mark.parametrize(
    "change",
    [
        {"port": 0},
        {"port": 65536},
        {"host": "  "},
        {"name": ""},
        {"timing": {"timeout": {"milliseconds": 99}, "attempts": 3}},
        {"timing": {"timeout": {"seconds": 61}, "attempts": 3}},
        {"timing": {"timeout": {"seconds": 3}, "attempts": 0}},
        {"timing": {"timeout": {"seconds": 3}, "attempts": 21}},
        {"timing": TIMING | {"line_delay_ratio": 11}},
    ],
)
async def test_form_refuses_what_cannot_be(
    tcp_dialog: Dialog, change: dict[str, object]
) -> None:
    """Values outside of their limits are refused at their field or section by the form, which stays open."""
    with pytest.raises(InvalidData) as refused:
        await tcp_dialog.submit(tcp_form(8000) | change)

    assert refused.value.schema_errors.keys() == change.keys()
    assert (await tcp_dialog.refresh())["step_id"] == "tcp"


async def assert_error_then_recovery(
    hass: HomeAssistant, dialog: Dialog, errors: dict[str, str], form: dict[str, object]
) -> None:
    """Check that the form shows errors, keeps what was typed, stores nothing, and goes on when corrected."""
    assert dialog.result["type"] is FlowResultType.FORM
    assert dialog.result["errors"] == errors
    suggested = {
        str(marker): marker.description["suggested_value"]
        for marker in dialog.result["data_schema"].schema
        if marker.description
    }
    assert suggested["port"]
    assert not hass.config_entries.async_loaded_entries(DOMAIN)

    await dialog.submit(form)
    result = await dialog.choose("later")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_unknown_host(hass: HomeAssistant, port: int, tcp_dialog: Dialog) -> None:
    """A host that can't be resolved is named on the host's field."""
    with patch("socket.getaddrinfo", side_effect=socket.gaierror(-2, "not known")):
        await tcp_dialog.submit(tcp_form(port, host="no-such-host.invalid"))

    await assert_error_then_recovery(
        hass, tcp_dialog, {"host": "unknown_host"}, tcp_form(port)
    )


async def test_closed_port(
    hass: HomeAssistant, port: int, tcp_dialog: Dialog, unused_tcp_port: int
) -> None:
    """A port on which nobody listens is named on the port's field."""
    await tcp_dialog.submit(tcp_form(unused_tcp_port))

    await assert_error_then_recovery(
        hass, tcp_dialog, {"port": "connection_refused"}, tcp_form(port)
    )


async def test_silent_host(hass: HomeAssistant, port: int, tcp_dialog: Dialog) -> None:
    """A host that doesn't answer is named on the host's field."""
    with patch(
        "asyncio.BaseEventLoop.create_connection", side_effect=TimeoutError
    ) as connect:
        await tcp_dialog.submit(tcp_form(port))
    assert connect.called

    await assert_error_then_recovery(
        hass, tcp_dialog, {"host": "host_silent"}, tcp_form(port)
    )


async def test_unreachable_host(
    hass: HomeAssistant, port: int, tcp_dialog: Dialog
) -> None:
    """Whatever else the system says of a host is passed on."""
    error = OSError(113, "No route to host")
    with patch("asyncio.BaseEventLoop.create_connection", side_effect=error):
        result = await tcp_dialog.submit(tcp_form(port))

    assert "No route to host" in result["description_placeholders"]["error"]
    await assert_error_then_recovery(
        hass, tcp_dialog, {"host": "cannot_connect"}, tcp_form(port)
    )


@pytest.mark.usefixtures("socket_enabled")
async def test_busy_gateway(hass: HomeAssistant, tcp_dialog: Dialog) -> None:
    """A gateway that closes the connection at once serves someone else."""
    async with SimulatedBus() as simulated:
        port = await simulated.serve_tcp(second_client="refuse")
        _, other = await asyncio.open_connection("127.0.0.1", port)
        await tcp_dialog.submit(tcp_form(port))
        other.close()
        await other.wait_closed()

        await assert_error_then_recovery(
            hass, tcp_dialog, {"port": "gateway_busy"}, tcp_form(port)
        )
        await unload_all(hass)


async def test_missing_serial_port(
    hass: HomeAssistant, pty: str, serial_dialog: Dialog
) -> None:
    """A converter that isn't plugged in is named on the port's field."""
    await serial_dialog.submit(serial_form("/dev/ttyUSB99"))

    await assert_error_then_recovery(
        hass, serial_dialog, {"port": "no_such_port"}, serial_form(pty)
    )


async def test_serial_port_in_use(
    hass: HomeAssistant, pty: str, serial_dialog: Dialog
) -> None:
    """A port that another program has open is named on the port's field."""
    error = OSError(16, "Device or resource busy")
    with patch("serialx.create_serial_connection", side_effect=error):
        await serial_dialog.submit(serial_form(pty))

    await assert_error_then_recovery(
        hass, serial_dialog, {"port": "port_in_use"}, serial_form(pty)
    )


async def test_forbidden_serial_port(
    hass: HomeAssistant, pty: str, serial_dialog: Dialog
) -> None:
    """A port that Home Assistant may not open is named on the port's field."""
    error = PermissionError(13, "Permission denied")
    with patch("serialx.create_serial_connection", side_effect=error):
        await serial_dialog.submit(serial_form(pty))

    await assert_error_then_recovery(
        hass, serial_dialog, {"port": "no_permission"}, serial_form(pty)
    )


async def test_file_in_place_of_a_serial_port(
    hass: HomeAssistant, pty: str, serial_dialog: Dialog, tmp_path: Path
) -> None:
    """Something that is no serial port at all is named on the port's field."""
    file = tmp_path / "file"
    file.touch()
    await serial_dialog.submit(serial_form(str(file)))

    await assert_error_then_recovery(
        hass, serial_dialog, {"port": "no_such_port"}, serial_form(pty)
    )


async def test_unexpected_error(
    hass: HomeAssistant,
    port: int,
    tcp_dialog: Dialog,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An error that nobody thought of is logged with its traceback, and the form stays open."""
    with patch(
        "custom_components.mbus.flows.link_form.open_link",
        side_effect=ZeroDivisionError,
    ):
        await tcp_dialog.submit(tcp_form(port))

    assert "ZeroDivisionError" in caplog.text
    await assert_error_then_recovery(
        hass, tcp_dialog, {"base": "unknown"}, tcp_form(port)
    )


async def test_name_is_unique(
    hass: HomeAssistant, create_entry: CreateEntry, pty: str, serial_dialog: Dialog
) -> None:
    """Two connections can't have one name; the form proposes one that is free."""
    await create_entry()
    result = await serial_dialog.submit(serial_form(pty, name="Cellar "))

    assert result["errors"] == {"name": "name_exists"}
    await serial_dialog.submit(serial_form(pty))
    result = await serial_dialog.choose("later")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_proposed_names(
    hass: HomeAssistant, port: int, pty: str, tcp_dialog: Dialog
) -> None:
    """The name that the form proposes is always free."""

    def proposed(dialog: Dialog) -> str:
        [name] = [key for key in dialog.result["data_schema"].schema if key == "name"]
        return str(name.description["suggested_value"])

    assert proposed(tcp_dialog) == "M-Bus"
    await tcp_dialog.submit(tcp_form(port, name="M-Bus"))
    await tcp_dialog.choose("later")

    dialog = await add_connection(hass)
    await dialog.choose("serial")
    assert proposed(dialog) == "M-Bus 2"


async def test_bus_is_configured_once(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    port: int,
    pty: str,
    tcp_dialog: Dialog,
) -> None:
    """A gateway that a connection has can't be added again, however it is spelt."""
    entry = await create_entry(setup=False)
    data = {**entry.data, "host": "Gateway.example"}
    hass.config_entries.async_update_entry(entry, data=data)
    form = tcp_form(port, name="Second", host="gateway.EXAMPLE")
    result = await tcp_dialog.submit(form)

    assert result["errors"] == {"host": "already_configured"}
    assert result["description_placeholders"] == {"title": "Cellar"}
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("127.0.0.1", "localhost"),
        ("localhost", "127.0.0.1"),
        ("localhost", "::1"),
        ("::1", "LOCALHOST"),
        ("[::1]", "localhost."),
        ("fe80::1", "FE80:0:0:0::1"),
        ("gateway.lan", "Gateway.LAN."),
    ],
)
async def test_one_gateway_has_many_spellings(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    port: int,
    tcp_dialog: Dialog,
    stored: str,
    typed: str,
) -> None:
    """All names of one gateway are one gateway, also where an earlier release stored it as it was typed."""
    entry = await create_entry(setup=False)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "host": stored}, unique_id=f"tcp:{stored}:{port}"
    )
    result = await tcp_dialog.submit(tcp_form(port, name="Second", host=typed))

    assert result["errors"] == {"host": "already_configured"}


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("as_backup", [False, True])
async def test_bus_that_another_connection_took_meanwhile(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    tcp_dialog: Dialog,
    as_backup: bool,
) -> None:
    """A dialog that waited at its last question takes nothing from the connection that uses the bus by then."""
    entry = await create_entry(1)
    meters = {key: meter.as_dict() for key, meter in entry.subentries.items()}
    async with SimulatedBus([HeatMeter(1)]) as other:
        port = await other.serve_tcp()
        await tcp_dialog.submit(tcp_form(port, name="Second"))
        form = tcp_form(port)
        del form["timing"], form["search"]
        if as_backup:
            quicker = await change_options(hass, entry)
            await quicker.choose("backup")
            del form["name"]
        else:
            quicker = await reconfigure(hass, entry)
        await quicker.choose("tcp")
        await quicker.submit(form)
        await hass.async_block_till_done(wait_background_tasks=True)

        result = await tcp_dialog.choose("later")

        assert (result["type"], result["reason"]) == (
            FlowResultType.ABORT,
            "already_configured",
        )
        assert hass.config_entries.async_entries(DOMAIN) == [entry]
        assert {
            key: meter.as_dict() for key, meter in entry.subentries.items()
        } == meters
        await unload_all(hass)


@pytest.mark.parametrize("url", ["socket://localhost:{}", "rfc2217://127.0.0.1:{}"])
async def test_gateway_as_a_serial_port(
    create_entry: CreateEntry, port: int, serial_dialog: Dialog, url: str
) -> None:
    """A gateway that a connection has can't be added as a serial port that is reached over the network."""
    await create_entry()
    result = await serial_dialog.submit(serial_form(url.format(port)))
    assert result["errors"] == {"port": "already_configured"}


async def test_two_dialogs_with_one_name(
    hass: HomeAssistant, bus: SimulatedBus
) -> None:
    """The slower one's connection gets another name."""
    dialogs = [await add_connection(hass) for _ in range(2)]
    for dialog in dialogs:
        await dialog.choose("tcp")
        await dialog.submit(tcp_form(await bus.serve_tcp(), name="Cellar"))
    for dialog in dialogs:
        await dialog.choose("later")
    await hass.async_block_till_done(wait_background_tasks=True)
    entries = hass.config_entries.async_entries(DOMAIN)
    assert [entry.data["name"] for entry in entries] == ["Cellar", "Cellar 2"]


async def test_backup_is_configured_once(
    hass: HomeAssistant, create_entry: CreateEntry, pty: str, serial_dialog: Dialog
) -> None:
    """A way that is another connection's backup can't be added as a connection of its own."""
    backup = {"type": "serial", "port": pty, "baud_rate": 2400}
    line = {"parity": "E", "data_bits": 8, "stop_bits": 1}
    await create_entry(options={"backup": backup | line})
    result = await serial_dialog.submit(serial_form(pty))

    assert result["errors"] == {"port": "already_configured"}


async def test_same_bus_in_two_dialogs(
    hass: HomeAssistant, port: int, tcp_dialog: Dialog
) -> None:
    """The dialog that ends first wins; the other one is closed."""
    await tcp_dialog.submit(tcp_form(port))
    second = await add_connection(hass)
    await second.choose("tcp")
    await second.submit(tcp_form(port))
    await second.choose("later")

    assert not hass.config_entries.flow.async_progress()
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_link_is_free_while_a_form_waits(
    bus: SimulatedBus, port: int, tcp_dialog: Dialog
) -> None:
    """The gateway serves others again as soon as the link was tested."""
    await tcp_dialog.submit(tcp_form(port))
    assert tcp_dialog.result["step_id"] == "meters"

    [gateway] = bus.gateways
    assert isinstance(gateway, TcpGateway)
    async with asyncio.timeout(5):
        while gateway.connections:
            await asyncio.sleep(0.001)


async def test_enter_an_address(
    hass: HomeAssistant, port: int, tcp_dialog: Dialog
) -> None:
    """The connection is created, and the dialog goes on to the address of its first meter."""
    await tcp_dialog.submit(tcp_form(port))
    result = await tcp_dialog.choose("address")

    assert result["type"] is FlowResultType.CREATE_ENTRY
    flow_type, flow_id = result["next_flow"]
    assert flow_type == "config_subentries_flow"
    following = hass.config_entries.subentries.async_get(flow_id)
    assert following["step_id"] == "address"


async def test_enter_an_address_of_a_bus_that_just_went(
    hass: HomeAssistant, bus: SimulatedBus, port: int, tcp_dialog: Dialog
) -> None:
    """Where the connection doesn't come up, its address can't be asked for yet."""
    await tcp_dialog.submit(tcp_form(port))
    await bus.close()
    result = await tcp_dialog.choose("address")

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def unload_all(hass: HomeAssistant) -> None:
    """Unload the connections, before the bus they are on goes away."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        await hass.config_entries.async_unload(entry.entry_id)


# Reconfigure


async def test_reconfigure_to_another_gateway(
    hass: HomeAssistant, create_entry: CreateEntry, port: int
) -> None:
    """Another address of the gateway leaves the meters and their bindings as they are."""
    entry = await create_entry(1)
    meters = {key: meter.as_dict() for key, meter in entry.subentries.items()}
    options = dict(entry.options)
    async with SimulatedBus([HeatMeter(1)]) as other:
        new_port = await other.serve_tcp()
        dialog = await reconfigure(hass, entry)
        await dialog.choose("tcp")
        form = tcp_form(new_port)
        del form["timing"], form["search"]
        result = await dialog.submit(form)
        await hass.async_block_till_done(wait_background_tasks=True)

        assert (result["type"], result["reason"]) == (
            FlowResultType.ABORT,
            "reconfigure_successful",
        )
        assert entry.state is ConfigEntryState.LOADED
        assert entry.unique_id == f"tcp:127.0.0.1:{new_port}"
        assert entry.data["port"] == new_port
        assert dict(entry.options) == options
        assert {
            key: meter.as_dict() for key, meter in entry.subentries.items()
        } == meters
        await unload_all(hass)


@pytest.mark.parametrize("is_shared", ["name", "port"])
async def test_two_reconfigured_at_one_moment(
    hass: HomeAssistant, bus: SimulatedBus, is_shared: str
) -> None:
    """The slower one is told what the quicker one took, be it the name or the gateway."""
    dialogs = []
    for name in ("First", "Second"):
        data = link_data(TYPE_TCP, tcp_form(await bus.serve_tcp()))
        entry = MockConfigEntry(
            domain=DOMAIN, unique_id=way(data), data=data | {"name": name}
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        dialogs.append(await reconfigure(hass, entry))
        await dialogs[-1].choose("tcp")

    forms = [
        tcp_form(await bus.serve_tcp(), name="Third"),
        tcp_form(await bus.serve_tcp(), name="Fourth"),
    ]
    forms[1][is_shared] = forms[0][is_shared]
    for form in forms:
        del form["timing"], form["search"]
    results = await asyncio.gather(
        *(dialog.submit(form) for dialog, form in zip(dialogs, forms, strict=True))
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    field, error = {
        "name": ("name", "name_exists"),
        "port": ("host", "already_configured"),
    }[is_shared]
    assert sorted(result["type"] for result in results) == ["abort", "form"]
    (refused,) = (one for one in results if one["type"] is FlowResultType.FORM)
    assert refused["errors"] == {field: error}
    entries = hass.config_entries.async_entries(DOMAIN)
    assert all(entry.state is ConfigEntryState.LOADED for entry in entries)
    assert len({entry.data[is_shared] for entry in entries}) == 2
    await unload_all(hass)


async def test_reconfigure_shows_what_is_stored(
    hass: HomeAssistant, create_entry: CreateEntry, port: int
) -> None:
    """The form comes with the present settings; an own title is among them."""
    entry = await create_entry()
    hass.config_entries.async_update_entry(entry, title="Heating cellar")
    await hass.async_block_till_done(wait_background_tasks=True)
    dialog = await reconfigure(hass, entry)
    result = await dialog.choose("tcp")

    suggested = {
        str(marker): marker.description["suggested_value"]
        for marker in result["data_schema"].schema
        if marker.description
    }
    assert suggested == {
        "name": "Cellar",
        "title": "Heating cellar",
        "host": "127.0.0.1",
        "port": port,
    }
    assert "timing" not in result["data_schema"].schema


async def test_rename_keeps_the_link(
    hass: HomeAssistant, create_entry: CreateEntry, bus: SimulatedBus, port: int
) -> None:
    """Another name and title need no test of the link."""
    entry = await create_entry()
    dialog = await reconfigure(hass, entry)
    await dialog.choose("tcp")
    form = tcp_form(port, name="Basement", title="Heat of the house")
    del form["timing"], form["search"]
    with patch("custom_components.mbus.flows.link_form.open_link") as opened:
        await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not opened.called
    assert (entry.title, entry.data["name"]) == ("Heat of the house", "Basement")
    assert entry.state is ConfigEntryState.LOADED


async def test_reconfigure_to_a_serial_port(
    hass: HomeAssistant, create_entry: CreateEntry, pty: str
) -> None:
    """A serial port can take the place of a gateway."""
    entry = await create_entry(1)
    dialog = await reconfigure(hass, entry)
    result = await dialog.choose("serial")
    form = serial_form(pty, name="Cellar")
    del form["timing"], form["search"]
    result = await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["reason"] == "reconfigure_successful"
    assert entry.state is ConfigEntryState.LOADED
    assert entry.unique_id == f"serial:{pty}"
    assert entry.data["type"] == "serial"
    assert "host" not in entry.data


async def test_line_settings_of_a_port_in_use(hass: HomeAssistant, pty: str) -> None:
    """The connection lets go of its port while other line settings of it are tested."""
    dialog = await add_connection(hass)
    await dialog.choose("serial")
    await dialog.submit(serial_form(pty))
    await dialog.choose("later")
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED

    dialog = await reconfigure(hass, entry)
    await dialog.choose("serial")
    form = serial_form(pty, line=SERIAL_LINE | {"baud_rate": "300"})
    del form["timing"], form["search"]
    result = await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["reason"] == "reconfigure_successful"
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["baud_rate"] == 300


async def test_failed_reconfigure_changes_nothing(
    hass: HomeAssistant, create_entry: CreateEntry, port: int
) -> None:
    """What doesn't work isn't stored, and a connection that was let go for the test comes back."""
    entry = await create_entry(1)
    before = dict(entry.data)
    dialog = await reconfigure(hass, entry)
    await dialog.choose("tcp")
    form = tcp_form(port, line={"baud_rate": "9600"})
    del form["timing"], form["search"]
    with patch(
        "custom_components.mbus.flows.link_form.open_link",
        side_effect=ZeroDivisionError,
    ):
        result = await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["errors"] == {"base": "unknown"}
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data == before


async def test_reconfigure_a_connection_that_failed(
    hass: HomeAssistant, create_entry: CreateEntry, bus: SimulatedBus
) -> None:
    """A connection that waits to try again is set up at once with what works."""
    entry = await create_entry(setup=False)
    await bus.close()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    port = await bus.serve_tcp()
    dialog = await reconfigure(hass, entry)
    await dialog.choose("tcp")
    form = tcp_form(port)
    del form["timing"], form["search"]
    result = await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["reason"] == "reconfigure_successful"
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]


async def test_reconfigure_to_the_own_backup(
    hass: HomeAssistant, create_entry: CreateEntry, pty: str
) -> None:
    """The two ways of a connection have to be different."""
    backup = {"type": "serial", "port": pty, "baud_rate": 2400}
    line = {"parity": "E", "data_bits": 8, "stop_bits": 1}
    entry = await create_entry(options={"backup": backup | line})
    dialog = await reconfigure(hass, entry)
    await dialog.choose("serial")
    form = serial_form(pty, name="Cellar")
    del form["timing"], form["search"]
    result = await dialog.submit(form)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["errors"] == {"port": "same_link"}
    assert entry.state is ConfigEntryState.LOADED
