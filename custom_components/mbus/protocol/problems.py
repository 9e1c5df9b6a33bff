"""What is wrong with data, a telegram, a frame or a value to write: keys, and what they say in English."""

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
    "no_profile": "the bytes are no compact profile",
    "no_base": "the value that the profile counts from is missing",
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
    # Of bytes that are no reply.
    "no_bytes": "no bytes",
    "no_start": "a frame starts with 10 or 68, not {byte}",
    "no_frame": "the start {start} is not that of a frame",
    "no_stop": "the last byte is {byte} instead of 16",
    "wrong_length": "{length} bytes instead of {expected}",
    "wrong_checksum": "checksum {checksum} instead of {expected}",
    "frame_too_long": "{length} bytes of data do not fit in a frame of at most {most}",
    "short_frame": "a short frame holds no telegram",
    "request": "a request, not a reply",
    "header_cut": "the header ends after {length} of {whole} bytes",
    "not_decoded": "CI {code} is not decoded",
    # What a meter answers instead of data (EN 13757-3, application errors).
    "unspecified_error": "unspecified error",
    "ci_not_implemented": "the CI field is not implemented (code {code})",
    "buffer_too_long": "buffer too long, truncated (code {code})",
    "too_many_records": "too many records (code {code})",
    "premature_end": "premature end of record (code {code})",
    "more_than_10_difes": "more than 10 DIFEs (code {code})",
    "more_than_10_vifes": "more than 10 VIFEs (code {code})",
    "too_busy": "too busy for a readout (code {code})",
    "too_many_readouts": "too many readouts (code {code})",
    "access_denied": "access denied (code {code})",
    "unknown_command": "application or command unknown (code {code})",
    "wrong_parameter": "parameter missing or wrong (code {code})",
    "unknown_receiver": "unknown receiver address (code {code})",
    "decryption_failed": "decryption key failed (code {code})",
    "encryption_not_supported": "encryption method not supported (code {code})",
    "signature_not_supported": "signature method not supported (code {code})",
    "dynamic_error": "dynamic application error (code {code})",
    "reserved_error": "reserved or manufacturer specific error (code {code})",
    # Of a value that can't be written.
    "no_number": "{value} is not a number",
    "not_codable": "{value} can't be coded",
    "no_multiple": "{value} is no multiple of {step}",
    "not_within": "{value} is not within {minimum} to {maximum}",
    "means_no_value": "{value} would be read as no value",
    "too_large": "{value} is too large",
    "no_date": "{value} is not a date",
    "no_time_of_day": "{value} is not a time of day",
    "no_date_and_time": "{value} is no date and time",
    "takes_no_value": "a record without data takes no value",
    "too_many_digits": "{value} is not a number of at most {most} digits",
    "no_number_of_length": "{value} is not a number of {length} bytes",
    "no_whole_address": "{value} is not an address of 16 hex digits",
    "no_manufacturer": "{value} is not a manufacturer of three letters",
    "not_so_many_bytes": "{value} is not {length} bytes",
    "no_such_characters": "{value} has characters that M-Bus can't send",
    "not_sendable": "{value} can't be sent in this record",
    "text_too_long": "{length} characters are more than {most}",
    "no_record_header": "{header} is not the header of a record",
    "no_identification": "{value} is no identification of 8 digits",
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
