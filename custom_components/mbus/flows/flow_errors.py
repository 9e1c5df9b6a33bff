"""What a flow shows for an error: which field it belongs to, and the key of its text."""

from homeassistant.const import CONF_ADDRESS, CONF_BASE, CONF_HOST, CONF_PORT

from ..const import TYPE_SERIAL, TYPE_TCP
from ..protocol import (
    ApplicationError,
    CollisionError,
    DamagedReplyError,
    ForeignReplyError,
    FrameError,
    InterruptedReplyError,
    LateReplyError,
    LinkBusyError,
    LinkError,
    LinkNotFoundError,
    LinkPermissionError,
    LinkRefusedError,
    LinkTimeoutError,
    MBusError,
    NoDataError,
    NoReplyError,
    OtherMeterError,
    PackageTooLongError,
)

type FieldErrors = dict[str, str]
type _Table = tuple[tuple[type[MBusError], str, str], ...]

# The first match counts.
_LINK: dict[str, _Table] = {
    TYPE_SERIAL: (
        (LinkNotFoundError, CONF_PORT, "no_such_port"),
        (LinkBusyError, CONF_PORT, "port_in_use"),
        (LinkPermissionError, CONF_PORT, "no_permission"),
        (LinkError, CONF_PORT, "cannot_connect"),
    ),
    TYPE_TCP: (
        (LinkNotFoundError, CONF_HOST, "unknown_host"),
        (LinkBusyError, CONF_PORT, "gateway_busy"),
        (LinkRefusedError, CONF_PORT, "connection_refused"),
        (LinkTimeoutError, CONF_HOST, "host_silent"),
        (LinkError, CONF_HOST, "cannot_connect"),
    ),
}

_METER: _Table = (
    (CollisionError, CONF_ADDRESS, "collision"),
    (InterruptedReplyError, CONF_ADDRESS, "interrupted_reply"),
    (DamagedReplyError, CONF_ADDRESS, "damaged_reply"),
    (ForeignReplyError, CONF_ADDRESS, "foreign_reply"),
    (LateReplyError, CONF_ADDRESS, "late_reply"),
    (NoDataError, CONF_ADDRESS, "no_data"),
    (NoReplyError, CONF_ADDRESS, "no_reply"),
    (OtherMeterError, CONF_ADDRESS, "other_meter"),
    (LinkError, CONF_BASE, "cannot_connect"),
    (PackageTooLongError, CONF_BASE, "package_too_long"),
    (ApplicationError, CONF_BASE, "application_error"),
    (FrameError, CONF_BASE, "unreadable_reply"),
    (MBusError, CONF_BASE, "read_failed"),
)


def link_error(link_type: str, err: LinkError) -> FieldErrors:
    """Return what the form of a link shows when it can't be opened."""
    return _first(_LINK[link_type], err)


def meter_error(err: MBusError) -> FieldErrors:
    """Return what a form that has an address shows when the meter can't be read."""
    return _first(_METER, err)


def _first(table: _Table, err: MBusError) -> FieldErrors:
    return next({field: key} for kind, field, key in table if isinstance(err, kind))
