"""Where meters are installed, and what a connection has of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.util import dt as dt_util

from custom_components.mbus.const import CONF_BINDINGS, SUBENTRY_METER
from custom_components.mbus.flows.adding import bind, meter_subentry_data
from custom_components.mbus.meters.meter import meter_unique_id
from custom_components.mbus.profiles.catalogue import Catalogue
from custom_components.mbus.protocol import (
    Quirks,
    Readout,
    parse_address,
    parse_telegram,
)
from tests.simulator import Quantity, Sent, TruthfulMeter

from .reference import Rule
from .told import Told

_ENERGY = Quantity("energy", "04 03", unit="Wh", is_total=True)
_VOLUME = Quantity(
    "volume", "0C 13", coding="bcd", step=Decimal("0.001"), unit="m³", is_total=True
)
_POWER = Quantity("power", "04 2B", unit="W")
_FLOW = Quantity("flow", "02 5A", step=Decimal("0.1"), unit="°C")
_RETURN = Quantity("return", "02 5E", step=Decimal("0.1"), unit="°C")
_TARIFF_1 = Quantity("tariff 1", "84 10 03", unit="Wh", is_total=True)
_TARIFF_2 = Quantity("tariff 2", "84 20 03", unit="Wh", is_total=True)

KINDS: Sequence[Sequence[Sequence[Quantity]]] = (
    ((_ENERGY, _VOLUME, _POWER, _FLOW, _RETURN),),
    ((_ENERGY, _POWER), (_VOLUME, _FLOW), (_TARIFF_1, _TARIFF_2)),
    ((_VOLUME,),),
)
"""The telegrams of each kind of meter."""


@dataclass(eq=False, kw_only=True)
class Place:
    """Where a meter is installed: all that ever were by their number, the present one last, and its bindings by id.

    `number` is that of the meter that is configured, as far as the witness knows, `read_at` the last reading's time, `readings`
    what was sent for the last ones.
    """

    id: str
    by_secondary: bool
    meters: dict[str, TruthfulMeter] = field(default_factory=dict)
    bindings: dict[str, Told] = field(default_factory=dict)
    number: str = ""
    read_at: datetime | None = None
    readings: dict[datetime, list[Sent]] = field(default_factory=dict)

    @property
    def installed(self) -> TruthfulMeter:
        """The meter that is there now."""
        return [*self.meters.values()][-1]

    @property
    def address(self) -> str:
        """The address of the meter that is there now, as it is entered."""
        meter = self.installed
        if not self.by_secondary:
            return str(meter.address)
        number, version = meter.identification, f"{meter.version:02X}"
        code = meter.secondary_address[4:6].hex().upper()
        return f"{number}{code}{version}{meter.medium:02X}"

    def free_records(self) -> list[tuple[int, int]]:
        """Return telegram and index of each record that has no binding."""
        bound = {told.quantity.name for told in self.bindings.values()}
        return [
            (number, index)
            for number, telegram in enumerate(self.installed.places)
            for index, quantity in enumerate(telegram)
            if quantity.name not in bound
        ]

    def bind(
        self, telegram: int, index: int, period: timedelta | None, names: Sequence[str]
    ) -> dict[str, Any]:
        """Return what is stored of a new binding."""
        item = bind(self.readout().telegrams, telegram, index, names)
        quantity = self.installed.places[telegram][index]
        rule = Rule(rises=quantity.is_total, period=period)
        self.bindings[item["id"]] = Told(quantity=quantity, rule=rule)
        return item

    def readout(self) -> Readout:
        """Return what the meter would send, without asking it."""
        telegrams = tuple(map(parse_telegram, self.installed.peek()))
        return Readout(telegrams=telegrams, complete=True)

    def subentry(
        self, period: timedelta, wanted: float, random: Random
    ) -> ConfigSubentryDataWithId:
        """Return what is stored when the meter is added; `wanted` is the share of its records that are bound."""
        address = parse_address(self.address)
        names: list[str] = []
        bindings: list[dict[str, Any]] = []
        for telegram, index in self.free_records():
            if not bindings or random.random() < wanted:
                item = self.bind(telegram, index, period, names)
                names.append(item["name"])
                bindings.append(item)
        return ConfigSubentryDataWithId(
            subentry_id=self.id,
            subentry_type=SUBENTRY_METER,
            title=f"Meter {self.id}",
            unique_id=meter_unique_id(address),
            data=meter_subentry_data(
                address, self.readout(), bindings, Catalogue(profiles=()), Quirks()
            ),
        )


class Installer:
    """Makes meters, each with a number of its own."""

    def __init__(self, random: Random, time: Callable[[], datetime]) -> None:
        """Begin with the first number."""
        self._random = random
        self._time = time
        self._number = 10_000_000
        self._address = 0

    def place(self) -> Place:
        """Return a place with a meter, at the next address."""
        self._address += 1
        place = Place(
            id=f"meter{self._address}", by_secondary=self._random.random() < 0.3
        )
        self.install(place, self._address, self._random.choice(KINDS))
        place.number = place.installed.identification
        return place

    def exchange(self, place: Place) -> tuple[TruthfulMeter, TruthfulMeter]:
        """Put another meter in the place of the one that is there; return both."""
        old = place.installed
        self.install(place, old.address, old.places)
        for number in [*place.meters]:
            if number not in (place.number, place.installed.identification):
                del place.meters[number]
        return old, place.installed

    def install(
        self, place: Place, address: int, places: Sequence[Sequence[Quantity]]
    ) -> None:
        """Make a meter the present one of a place."""
        self._number += 1
        meter = TruthfulMeter(
            address,
            places,
            time=self._time,
            clock=self._standard_time,
            seed=self._random.randrange(1 << 32),
            identification=str(self._number),
            medium=0x04,
        )
        place.meters[meter.identification] = meter

    def _standard_time(self) -> datetime:
        """Return what the clocks of meters show, which know no summer time."""
        local = dt_util.as_local(self._time())
        return local.replace(tzinfo=None) - (local.dst() or timedelta())


def names_of(data: Mapping[str, Any]) -> list[str]:
    """Return the names of the bindings that are stored of a meter."""
    return [item["name"] for item in data[CONF_BINDINGS]]
