"""Constants for the M-Bus integration."""

import logging
from typing import Final

DOMAIN: Final = "mbus"
LOGGER: Final = logging.getLogger(__package__)

CONFIG_ENTRY_VERSION: Final = 1
CONFIG_ENTRY_MINOR_VERSION: Final = 2
"""Of what is stored in entries and subentries; goes up when an older release could no longer read it."""

SUBENTRY_METER: Final = "meter"

TYPE_SERIAL: Final = "serial"
TYPE_TCP: Final = "tcp"

# The connection: how the bus is reached (entry data), and how it is used (entry options).
CONF_ATTEMPTS: Final = "attempts"
CONF_BACKUP: Final = "backup"
CONF_BAUD_RATE: Final = "baud_rate"
CONF_DATA_BITS: Final = "data_bits"
CONF_GROUP_REQUESTS: Final = "support_for_group_requests"
CONF_LINE_DELAY_RATIO: Final = "line_delay_ratio"
CONF_MAX_PACKAGE_LENGTH: Final = "max_package_length"
CONF_MEMORY_LIMIT: Final = "memory_limit"
CONF_PARITY: Final = "parity"
CONF_PERIOD: Final = "period"
CONF_SHUTDOWN_TIMEOUT: Final = "shutdown_timeout"
CONF_STOP_BITS: Final = "stop_bits"
CONF_TIMEOUT: Final = "timeout"
CONF_TRACE_LENGTH: Final = "trace_length"

DEFAULT_BAUD_RATE: Final = 2400

DEFAULT_OPTIONS: Final = {
    CONF_TIMEOUT: 3000,
    CONF_ATTEMPTS: 3,
    CONF_PERIOD: 300_000,
    CONF_SHUTDOWN_TIMEOUT: 5000,
    CONF_GROUP_REQUESTS: False,
    CONF_MAX_PACKAGE_LENGTH: 250,
    CONF_LINE_DELAY_RATIO: 1.0,
    CONF_MEMORY_LIMIT: 67_108_864,
    CONF_TRACE_LENGTH: 1000,
}
"""What a connection does unless told otherwise; times in milliseconds, memory in bytes."""

# The meter (subentry data).
CONF_BINDINGS: Final = "bindings"
CONF_HAS_BATTERY: Final = "has_battery"
CONF_IDENTITY: Final = "identity"
CONF_MEDIUM: Final = "medium"
CONF_METER_CLOCK: Final = "meter_clock"
CONF_ON_DEMAND: Final = "on_demand"
CONF_PROFILE: Final = "profile"
CONF_PROFILE_QUIRKS: Final = "profile_quirks"
CONF_SHORTEST_PERIOD: Final = "shortest_period"
CONF_QUIRKS: Final = "quirks"
CONF_VERSION: Final = "version"

METER_CLOCK_STANDARD: Final = "standard_time"
METER_CLOCK_SUMMER: Final = "summer_time"

# The binding (an item of the meter's bindings).
CONF_ACCESS: Final = "access"
CONF_INDEX: Final = "index"
CONF_TELEGRAM: Final = "telegram"
CONF_TITLE: Final = "title"
CONF_TRANSFORMATIONS: Final = "transformations"

SIGNAL_METER_CHANGED: Final = "mbus_meter_changed_{}"
"""Sent with the meter's coordinator when a meter was added or its bindings changed; per entry."""
SIGNAL_CLOCK_SET: Final = "mbus_clock_set_{}"
"""Sent with the time when a meter's clock was set to it; per meter."""
SIGNAL_CONNECTION_UPDATED: Final = "mbus_connection_updated_{}"
"""Sent when something happened on the bus that the connection's own entities show; per entry."""
