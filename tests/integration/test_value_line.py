"""The way of a value, from its telegram to the state of its entity."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import sys
from types import CodeType
from typing import Any

from homeassistant.core import HomeAssistant

from custom_components.mbus import protocol
from custom_components.mbus.meters.reading import Result
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .controls import bind_record, sensor_of, state_of
from .test_guards import Meter

ROOT = Path(protocol.__file__).parents[1]
TELEGRAM = ("protocol/application/", "protocol/coding/")
"""Where the telegram and its records are, which decode their values when these are asked for."""
READ, SUM, SHOWN = 12_345_670, 24_691_340, 24_691.34
"""What the record says (Wh), what the chain makes of it (Wh), and what is shown (kWh)."""


def is_it(thing: Any) -> bool:
    """Match the value at each stage, and the result that carries it."""
    if isinstance(thing, Result):
        return getattr(thing, "raw", None) == READ
    return isinstance(thing, int | float) and thing in (READ, SUM, SHOWN)


@contextmanager
def calls_with_the_value() -> Iterator[Counter[tuple[str, str]]]:
    """Count the calls of the integration's functions that are given the value or give it, by file and function."""
    calls = Counter[tuple[str, str]]()
    monitoring, events = sys.monitoring, sys.monitoring.events

    def path_of(code: CodeType) -> str | None:
        path = Path(code.co_filename)
        return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else None

    def note_start(code: CodeType, _offset: int) -> object:
        if (path := path_of(code)) is None:
            return monitoring.DISABLE
        given = sys._getframe(1).f_locals
        count = code.co_argcount + code.co_kwonlyargcount
        if any(is_it(given.get(name)) for name in code.co_varnames[:count]):
            calls[path, code.co_qualname] += 1
        return None

    def note_return(code: CodeType, _offset: int, returned: object) -> object:
        if (path := path_of(code)) is None:
            return monitoring.DISABLE
        if is_it(returned):
            calls[path, code.co_qualname] += 0
        return None

    tool = next(tool for tool in range(3, 6) if monitoring.get_tool(tool) is None)
    monitoring.use_tool_id(tool, "the way of a value")
    monitoring.register_callback(tool, events.PY_START, note_start)
    monitoring.register_callback(tool, events.PY_RETURN, note_return)
    monitoring.restart_events()
    monitoring.set_events(tool, events.PY_START | events.PY_RETURN)
    try:
        yield calls
    finally:
        monitoring.set_events(tool, events.NO_EVENTS)
        monitoring.free_tool_id(tool)


async def test_seven_files_from_telegram_to_state(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Whoever looks for where a number went wrong reads no more: even if it is a total, converted, and has a chain."""
    meter = Meter(7, identification="12345678")
    bus.meters = [meter]
    entry = await create_entry(7)
    meter.records = [integer("04 04", 1)]  # 10 Wh
    doubling = {"id": "1", "type": "scaling", "factor": 2, "shift": 0}
    binding = await bind_record(
        hass, entry, meter, "04 04", "R", transformations=[doubling]
    )
    meter.records = [integer("04 04", READ // 10)]

    with calls_with_the_value() as calls:
        await let_poll(hass, 301)

    entity_id = sensor_of(hass, binding)
    assert entity_id is not None
    assert state_of(hass, entity_id) == str(SHOWN)
    files = {file for file, _ in calls if not file.startswith(TELEGRAM)}
    assert {"meters/evaluation.py", "sensor.py"} <= files
    assert len(files) <= 7, files
    assert calls["presentation/display.py", "native_value"] == 1
