"""The limits of a connection: the memory that readings and trace take, and the period in which all meters are to be read."""

from homeassistant.core import HomeAssistant, callback

from ..const import CONF_MEMORY_LIMIT
from .connection import STOPPED_BY_MEMORY_LIMIT, all_options
from .coordinator import MBusConfigEntry
from .issues import report_cycle, report_memory


@callback
def async_check_limits(hass: HomeAssistant, entry: MBusConfigEntry) -> None:
    """Keep within the memory limit: the oldest trace goes first, then the connection stops.

    Say so, and when the readings don't fit into the period.
    """
    data, limit = entry.runtime_data, all_options(entry.options)[CONF_MEMORY_LIMIT]
    connection, figures = data.connection, data.schedule.figures
    while len(connection.trace) and data.memory_in_use > limit:
        connection.trace.drop_oldest()
    if data.memory_in_use > limit and connection.stopped is None:
        data.async_stop(STOPPED_BY_MEMORY_LIMIT)
    is_full = connection.stopped == STOPPED_BY_MEMORY_LIMIT
    report_memory(hass, entry, data.store.size, limit, is_full=is_full)
    report_cycle(hass, entry, figures.poll_duration, figures.bus_load)
