"""A meter as it is configured: the subentry's data as one typed value."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_ADDRESS

from ..const import (
    CONF_BINDINGS,
    CONF_HAS_BATTERY,
    CONF_IDENTITY,
    CONF_MEDIUM,
    CONF_METER_CLOCK,
    CONF_ON_DEMAND,
    CONF_PERIOD,
    CONF_PROFILE,
    CONF_PROFILE_QUIRKS,
    CONF_QUIRKS,
    CONF_SHORTEST_PERIOD,
    CONF_VERSION,
    METER_CLOCK_STANDARD,
)
from ..profiles.catalogue import AUTOMATIC
from ..protocol import Address, Header, Identity, Quirks, parse_address
from .binding import Binding


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A slave on the bus, by the address it was configured with, and its bindings by id.

    `period` is its own; without one it is the connection's, but not less than `shortest_period`, which saves a battery.
    `has_battery`: one is known of. `profile_quirks` are those that its profile gave; None: its next whole reading tells.
    `unread` are the keys of what is stored in a way that this release can't read.
    """

    id: str
    title: str
    address: Address
    identity: Identity | None = None
    version: int | None = None
    medium: int | None = None
    period: timedelta | None = None
    shortest_period: timedelta = timedelta()
    has_battery: bool = False
    on_demand: bool = False
    clock: str = METER_CLOCK_STANDARD
    profile: str = AUTOMATIC
    quirks: Quirks = field(default_factory=Quirks)
    profile_quirks: Quirks | None = field(default_factory=Quirks)
    bindings: Mapping[str, Binding] = field(default_factory=dict)

    unread: tuple[str, ...] = ()

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Self:
        """Return the meter stored in a subentry; what another release stored in another way is as if it was not there.

        Without knowing where it is and who it is, there is no meter: raises AttributeError, LookupError, TypeError or
        ValueError.
        """
        data, unread = subentry.data, list[str]()

        def read[T](key: str, kind: Callable[[Any], T], default: T) -> T:
            if key not in data:
                return default
            try:
                return kind(data[key])
            except AttributeError, LookupError, TypeError, ValueError:
                unread.append(key)
                return default

        shortest_period = read(CONF_SHORTEST_PERIOD, _seconds, timedelta())
        return cls(
            id=subentry.subentry_id,
            title=subentry.title,
            address=parse_address(str(data[CONF_ADDRESS])),
            identity=_identity(data),
            version=data.get(CONF_VERSION),
            medium=data.get(CONF_MEDIUM),
            period=read(CONF_PERIOD, _milliseconds, None),
            shortest_period=shortest_period,
            has_battery=data.get(CONF_HAS_BATTERY, bool(shortest_period)),
            on_demand=data.get(CONF_ON_DEMAND, False),
            profile=data.get(CONF_PROFILE, AUTOMATIC),
            clock=data.get(CONF_METER_CLOCK, METER_CLOCK_STANDARD),
            quirks=read(CONF_QUIRKS, Quirks.from_dict, Quirks()),
            profile_quirks=read(CONF_PROFILE_QUIRKS, _maybe_quirks, _NO_QUIRKS),
            bindings=read(CONF_BINDINGS, bindings_from, {}),
            unread=tuple(unread),
        )


def stored_bindings(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a meter's bindings as they are stored: none where another release stored something else there."""
    stored = data.get(CONF_BINDINGS)
    return [*stored] if isinstance(stored, list | tuple) else []


_NO_QUIRKS: Quirks | None = Quirks()


def _maybe_quirks(stored: Mapping[str, Any] | None) -> Quirks | None:
    return None if stored is None else Quirks.from_dict(stored)


def _seconds(stored: float | None) -> timedelta:
    return timedelta(seconds=stored or 0)


def _milliseconds(stored: float | None) -> timedelta | None:
    return timedelta(milliseconds=stored) if stored else None


def meter_unique_id(address: Address) -> str:
    """Return the unique id of the subentry of the meter at an address."""
    return f"meter-{address}"


def readable(subentries: Iterable[ConfigSubentry]) -> Iterator[Meter]:
    """Return the meters stored in subentries, without those that another release stored in another way."""
    for subentry in subentries:
        with suppress(AttributeError, LookupError, TypeError, ValueError):
            yield Meter.from_subentry(subentry)


def configured_as(
    subentries: Mapping[str, ConfigSubentry], found: Identity, own_id: str | None
) -> str | None:
    """Return what another configured meter is called that has just this identity, version and medium too."""
    for meter in readable(subentries.values()):
        known = meter.identity
        if (
            meter.id != own_id
            and known is not None
            and known.matches(found)
            and (known.version, known.medium) == (found.version, found.medium)
        ):
            return meter.title
    return None


def identity_data(header: Header | None, identity: Identity | None) -> dict[str, Any]:
    """Return what a subentry stores of the meter that answered."""
    stored = identity.as_dict() if identity else None
    return {
        CONF_IDENTITY: stored
        and {key: stored[key] for key in stored.keys() - {CONF_VERSION, CONF_MEDIUM}},
        CONF_VERSION: header.version if header else None,
        CONF_MEDIUM: header.medium if header else None,
    }


def _identity(data: Mapping[str, Any]) -> Identity | None:
    if (stored := data.get(CONF_IDENTITY)) is None:
        return None
    known = {CONF_VERSION: data.get(CONF_VERSION), CONF_MEDIUM: data.get(CONF_MEDIUM)}
    return Identity.from_dict({**stored, **known})


def bindings_from(stored: Iterable[Mapping[str, Any]]) -> dict[str, Binding]:
    """Return the bindings by id; one that another release stored in another way stays stored and is left out."""
    bindings = dict[str, Binding]()
    for item in stored:
        with suppress(AttributeError, LookupError, TypeError, ValueError):
            bindings[item["id"]] = Binding.from_dict(item)
    return bindings
