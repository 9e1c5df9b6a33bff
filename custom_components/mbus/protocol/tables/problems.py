"""Why data hold no value, or a telegram is not read to its end: keys, and what they say in English."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, override

PROBLEMS: Final[Mapping[str, str]] = {
    # Of any value.
    "no_data": "no data",
    "not_available": "not available",
    "not_numeric": "not numeric: {digits}",
    "not_a_number": "not a number: {number}",
    "all_bits_set": "all bits are set, which may stand for no value",
    # Of a point in time. A recurring one has stars where every year, month, day, hour … is meant.
    "invalid_time": "the meter says that its time is invalid",
    "no_such_time": "no such date or time: {time}",
    "recurring_time": "recurring: {time}",
    # Of a value that a meter codes in a way of its own.
    "during_error": "the meter marks this value as one during an error",
    "stands_for_none": "{number} stands for no value",
    "out_of_range": "{number} is out of range",
    "other_length": "there are {length} bytes",
    "no_resolution": "no {quantity} in the telegram, whose resolution is the factor",
    # Record errors (EN 13757-3, combinable VIFE table).
    "too_many_difes": "too many DIFEs",
    "storage_number_not_implemented": "storage number not implemented",
    "unit_number_not_implemented": "unit number not implemented",
    "tariff_number_not_implemented": "tariff number not implemented",
    "function_not_implemented": "function not implemented",
    "data_class_not_implemented": "data class not implemented",
    "data_size_not_implemented": "data size not implemented",
    "too_many_vifes": "too many VIFEs",
    "illegal_vif_group": "illegal VIF group",
    "illegal_vif_exponent": "illegal VIF exponent",
    "vif_dif_mismatch": "VIF/DIF mismatch",
    "unimplemented_action": "unimplemented action",
    "no_data_available": "no data available",
    "data_overflow": "data overflow",
    "data_underflow": "data underflow",
    "data_error": "data error",
    "premature_end_of_record": "premature end of record",
    # Of a telegram.
    "record_cut": "record {index} is cut",
    "more_difes_than_allowed": "record {index} has more than {most} DIFEs",
    "more_vifes_than_allowed": "record {index} has more than {most} VIFEs",
    "reserved_dif": "reserved DIF {code}",
    "reserved_length": "reserved length code {code}",
    "readout_request": "a readout request (DIF 7F) in a reply",
    "encrypted": "encrypted (mode {mode}), {length} bytes",
}
"""What each key says in English, with the names of its facts in braces."""

NO_DATA: Final = "no_data"
NOT_AVAILABLE: Final = "not_available"


@dataclass(frozen=True, slots=True)
class Problem:
    """A key of PROBLEMS and the facts that belong into its text. Prints as the English text."""

    key: str
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)

    @override
    def __str__(self) -> str:
        """Say it in English."""
        return PROBLEMS[self.key].format_map(self.facts)
