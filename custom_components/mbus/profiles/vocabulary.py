"""The words of profiles that the standard's tables don't have."""

from typing import Final

from ..protocol import MODIFIERS, QUANTITIES, UNITS

PROFILE_QUANTITIES: Final = frozenset(
    {
        "active_tariff", "alarm_flags", "battery_level", "co2_emission", "cost", "current_transformer_ratio",
        "error_time", "information_flags", "outage_time", "percentage", "phase_angle_current", "phase_angle_power", "power_factor", "power_failures",
        "pulse_count", "pulse_denominator", "pulse_numerator", "quadrant", "transformer_ratio",
        "voltage_transformer_ratio", "warning_flags",
    }
)  # fmt: skip
"""Quantities that only profiles and the rules without a maker give."""

MONTHS_AGO: Final = frozenset(f"months_ago_{number}" for number in range(3, 61))
"""What was kept at the end of a month, counted back from the last one, which is `last_month`."""

PAST: Final = MONTHS_AGO | {
    "due_date_before_last", "last_due_date", "last_month", "month_before_last",
}  # fmt: skip
"""Modifiers that say what a kept value was kept for."""

PROFILE_MODIFIERS: Final = PAST | {
    "average_line_to_line", "average_line_to_neutral", "backward", "block", "capacitive", "cooling", "day_average",
    "demand", "denominator", "forward", "heating", "hour_average", "inductive", "input_1", "input_2", "input_3", "input_4", "numerator",
    "output_1", "output_2", "output_3", "output_4", "primary", "resettable", "secondary", "system", "was_on",
}  # fmt: skip
"""Modifiers that only profiles and the rules without a maker give."""

KNOWN_QUANTITIES: Final = QUANTITIES | PROFILE_QUANTITIES
KNOWN_MODIFIERS: Final = MODIFIERS | PROFILE_MODIFIERS
KNOWN_UNITS: Final = UNITS.keys() | {"m³·°C"}
