"""EN 13757-2/-3 wired M-Bus: frames, telegrams, links and a master. Free of Home Assistant."""

from .address import LAST_PRIMARY, Address, SecondaryAddress, parse_address
from .bus import Bus, Way
from .errors import (
    ApplicationError,
    CollisionError,
    DamagedReplyError,
    ForeignReplyError,
    FrameError,
    IncompleteTelegramError,
    LinkBusyError,
    LinkError,
    LinkNotFoundError,
    MBusError,
    MeterError,
    NoDataError,
    NoReplyError,
    OtherMeterError,
    PackageTooLongError,
    RefusedError,
    UnsupportedError,
)
from .frame import (
    ACK,
    Frame,
    FrameReader,
    Garbage,
    Single,
    long_frame,
    parse_frame,
    short_frame,
)
from .header import Header, Identity
from .line import Discard, Exchange, Statistics
from .link import (
    Link,
    LinkSettings,
    SerialSettings,
    TcpSettings,
    open_link,
    parse_link_url,
)
from .master import Master
from .medium import MEDIA, medium_name
from .readout import Quirks, Readout
from .record import Record, encode_value, limits
from .search import Found, SearchStep
from .signature import Function, Signature
from .telegram import Telegram, decode_telegram, parse_telegram
from .units import UNITS, convert_unit, dimension
from .values import EncodeError, Limits, Value
from .vif import QUANTITIES, SECRET_QUANTITIES
from .vife import MODIFIER_PREFIXES, MODIFIERS, VALUE_FLAGS

__all__ = [
    "ACK",
    "LAST_PRIMARY",
    "MEDIA",
    "MODIFIERS",
    "MODIFIER_PREFIXES",
    "QUANTITIES",
    "SECRET_QUANTITIES",
    "UNITS",
    "VALUE_FLAGS",
    "Address",
    "ApplicationError",
    "Bus",
    "CollisionError",
    "DamagedReplyError",
    "Discard",
    "EncodeError",
    "Exchange",
    "ForeignReplyError",
    "Found",
    "Frame",
    "FrameError",
    "FrameReader",
    "Function",
    "Garbage",
    "Header",
    "Identity",
    "IncompleteTelegramError",
    "Limits",
    "Link",
    "LinkBusyError",
    "LinkError",
    "LinkNotFoundError",
    "LinkSettings",
    "MBusError",
    "Master",
    "MeterError",
    "NoDataError",
    "NoReplyError",
    "OtherMeterError",
    "PackageTooLongError",
    "Quirks",
    "Readout",
    "Record",
    "RefusedError",
    "SearchStep",
    "SecondaryAddress",
    "SerialSettings",
    "Signature",
    "Single",
    "Statistics",
    "TcpSettings",
    "Telegram",
    "UnsupportedError",
    "Value",
    "Way",
    "convert_unit",
    "decode_telegram",
    "dimension",
    "encode_value",
    "limits",
    "long_frame",
    "medium_name",
    "open_link",
    "parse_address",
    "parse_frame",
    "parse_link_url",
    "parse_telegram",
    "short_frame",
]
