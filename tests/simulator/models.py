"""Models of meters whose values move as those of real ones do: counters only rise."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import cos, pi, sin
from typing import override

from .meter import SimulatedMeter
from .records import (
    bcd,
    day,
    headers,
    integer,
    moment,
    real,
    text,
    time_of_day,
    unsigned,
)

INSTALLED = datetime(2024, 5, 1, 12)
MIDWINTER = datetime(2025, 1, 15)
YEAR = 365.25 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A rate that swings around its mean, and its integral; both are plain functions of time.

    Parts of the mean by which it swings, within minutes and over the seasons: below 1 together, the total can only rise.
    """

    mean: float
    swing: float = 0.5
    season: float = 0.0
    period: float = 600.0  # s
    phase: float = 0.0

    def rate(self, seconds: float) -> float:
        """Return the rate at a time."""
        swung = self.swing * sin(self._angle(seconds))
        return self.mean * (1 + swung + self.season * cos(_season(seconds)))

    def total(self, seconds: float) -> float:
        """Return the integral of the rate over the seconds since the start."""
        swung = cos(self._angle(0)) - cos(self._angle(seconds))
        year = sin(_season(seconds)) - sin(_season(0))
        return self.mean * (
            seconds
            + self.swing * self.period / (2 * pi) * swung
            + self.season * YEAR / (2 * pi) * year
        )

    @property
    def highest(self) -> float:
        """The highest rate there is."""
        return self.mean * (1 + self.swing + self.season)

    def _angle(self, seconds: float) -> float:
        return 2 * pi * seconds / self.period + self.phase


def _season(seconds: float) -> float:
    """Return how far the year is, from the middle of the winter on."""
    return 2 * pi * (seconds - (MIDWINTER - INSTALLED).total_seconds()) / YEAR


class _Model(SimulatedMeter):
    """What the models share: how long they have been running."""

    @property
    def seconds(self) -> float:
        """Seconds since the meter was installed."""
        return (self.clock() - INSTALLED).total_seconds()

    @property
    def hours(self) -> int:
        """Whole hours since the meter was installed."""
        return int(self.seconds // 3600)

    @property
    def month_start(self) -> datetime:
        """The last due date: the first of this month."""
        return datetime.combine(self.clock().date().replace(day=1), time())

    @property
    def seconds_at_month_start(self) -> float:
        """Seconds from installation to the last due date."""
        return (self.month_start - INSTALLED).total_seconds()

    @property
    def number(self) -> int:
        """The number on the plate."""
        return int(self.fabrication_number or self.identification)


class HeatMeter(_Model):
    """A heat meter with 26 records in two telegrams, and its energy at the ends of 13 months in a third."""

    medium = 4
    heat = Demand(mean=6_000, swing=0.2, season=0.7)  # W
    flow = Demand(mean=0.35, swing=0.3)  # m³/h
    writable = headers("0D FD 11", "42 EC 7E", "02 D9 48", "14 2D", "14 3B")

    @override
    def telegrams(self) -> list[bytes]:
        return [self._present(), self._stored(), self._months()]

    @override
    def instantaneous(self) -> bytes:
        seconds = self.seconds
        power, flow = self.heat.rate(seconds), self.flow.rate(seconds)
        difference = power / (
            flow * 1163
        )  # 1163 Wh warm a cubic metre of water by a kelvin
        return_temperature = 35 + 3 * sin(2 * pi * seconds / 1800)
        return b"".join(
            (
                integer("04 2D", round(power / 100)),
                integer("04 3B", round(flow * 1000)),
                integer("02 59", round((return_temperature + difference) * 100)),
                integer("02 5D", round(return_temperature * 100)),
                integer("02 61", round(difference * 100)),
            )
        )

    def _present(self) -> bytes:
        seconds = self.seconds
        return b"".join(
            (
                bcd("0C 78", self.number),
                integer("04 06", int(self.heat.total(seconds) / 3.6e6)),
                integer("04 14", int(self.flow.total(seconds) / 36)),
                self.instantaneous(),
                integer("04 22", self.hours),
                integer("04 26", max(self.hours - 12, 0)),
                moment("04 6D", self.now(), summer_time=self.summer_time),
                unsigned("02 FD 17", 0),
            )
        )

    def _months(self) -> bytes:
        """Return storages 8 to 20, the last month first."""
        month, records = self.month_start, list[bytes]()
        for storage in range(8, 21):
            dif, dife = 0x40 * (storage & 1), storage >> 1
            energy = self.heat.total((month - INSTALLED).total_seconds()) / 3.6e6
            records += (
                day(f"{0x82 | dif:02X} {dife:02X} 6C", month),
                integer(f"{0x84 | dif:02X} {dife:02X} 06", int(energy)),
            )
            month = (month - timedelta(days=1)).replace(day=1)
        return b"".join(records)

    def _stored(self) -> bytes:
        seconds, due = self.seconds, self.seconds_at_month_start
        energy = int(self.heat.total(seconds) / 3.6e6)
        next_due = (self.month_start + timedelta(days=32)).date().replace(day=1)
        return b"".join(
            (
                integer("14 2D", round(self.heat.highest / 100)),
                integer("14 3B", round(self.flow.highest * 1000)),
                integer("44 06", int(self.heat.total(due) / 3.6e6)),
                integer("44 14", int(self.flow.total(due) / 36)),
                day("42 6C", self.month_start),
                day("42 EC 7E", next_due),
                integer("84 10 06", energy * 2 // 3),
                integer("84 20 06", energy // 3),
                integer("04 86 3C", 0),
                integer("84 40 14", int(seconds / 400)),
                integer("84 80 40 14", int(seconds / 900)),
                integer("02 D9 48", 9000),
                unsigned("01 FD 0E", 0x21),
                text("0D FD 11", "Boiler room"),
            )
        )


class WaterMeter(_Model):
    """A cold water meter; its volume can be written, and then stands still."""

    medium = 7
    flow = Demand(mean=0.02, swing=0.9, period=300)  # m³/h
    writable = headers("0C 13", "4C 13", "0D FD 10")

    @override
    def telegrams(self) -> list[bytes]:
        seconds = self.seconds
        return [
            b"".join(
                (
                    bcd("0C 78", self.number),
                    bcd("0C 13", int(self.flow.total(seconds) / 3.6)),
                    bcd("0B 3B", round(self.flow.rate(seconds) * 1000)),
                    bcd(
                        "4C 13", int(self.flow.total(self.seconds_at_month_start) / 3.6)
                    ),
                    day("42 6C", self.month_start),
                    integer("04 93 3C", 42),
                    integer("02 65", round(1150 + 100 * sin(2 * pi * seconds / 3600))),
                    unsigned("02 FD 74", max(3650 - self.hours // 24, 0)),
                    moment("06 6D", self.now(), summer_time=self.summer_time),
                    unsigned("01 FD 17", 0),
                    text("0D FD 10", "Cellar"),
                )
            )
        ]


class GasMeter(_Model):
    """A gas meter with a valve."""

    medium = 3
    flow = Demand(mean=0.6, swing=0.8, period=900)  # m³/h
    writable = headers("01 FD 1F", "4C 14")

    @override
    def telegrams(self) -> list[bytes]:
        seconds = self.seconds
        volume = self.flow.total(seconds) / 3600
        return [
            b"".join(
                (
                    bcd("0C 78", self.number),
                    bcd("0C 14", int(volume * 100)),
                    integer("04 93 3A", int(volume * 1000 / 0.96)),
                    real("05 3E", self.flow.rate(seconds)),
                    integer("02 66", round(92 + 8 * sin(2 * pi * seconds / 7200))),
                    real("05 6B", 1.013 + 0.002 * sin(2 * pi * seconds / 5400)),
                    bcd(
                        "4C 14", int(self.flow.total(self.seconds_at_month_start) / 36)
                    ),
                    day("42 6C", self.month_start),
                    unsigned("01 FD 1F", 1),
                )
            )
        ]


class ElectricityMeter(_Model):
    """A three-phase meter with two tariffs, import and export, in three telegrams."""

    medium = 2
    phases = (
        Demand(mean=420, phase=0.0),
        Demand(mean=250, phase=2.0, period=420),
        Demand(mean=610, phase=4.0, period=780),
    )  # W
    solar = Demand(mean=180, swing=0.95, period=1200)  # W
    writable = headers("01 FD 1A", "04 AB 48", "0D FD 11", "03 FD 65")

    @override
    def telegrams(self) -> list[bytes]:
        seconds = self.seconds
        imported = int(sum(phase.total(seconds) for phase in self.phases) / 3600)
        exported = int(self.solar.total(seconds) / 3600)
        energies = b"".join(
            (
                bcd("0C 78", self.number),
                integer("06 83 3B", imported),
                integer("06 83 3C", exported),
                integer("86 10 83 3B", imported * 3 // 5),
                integer("86 20 83 3B", imported - imported * 3 // 5),
                integer("04 FB 02", imported // 9000),
                moment("06 6D", self.now(), summer_time=self.summer_time),
            )
        )
        settings = b"".join(
            (
                unsigned("01 FD 1A", 0),
                integer("04 AB 48", 11_000),
                time_of_day("03 FD 65", time(6, 30)),
                text("0D FD 11", "Flat 4"),
                unsigned("02 FD 17", 0),
                integer("04 22", self.hours),
            )
        )
        return [energies, self.instantaneous(), settings]

    @override
    def instantaneous(self) -> bytes:
        seconds = self.seconds
        powers = [phase.rate(seconds) for phase in self.phases]
        voltages = [
            230 + 2 * sin(2 * pi * seconds / 500 + phase.phase) for phase in self.phases
        ]
        frequency = 50 + 0.02 * sin(2 * pi * seconds / 240)
        return b"".join(
            (
                integer("04 2B", round(sum(powers))),
                *(
                    integer(f"04 AB FC 0{phase}", round(power))
                    for phase, power in enumerate(powers, 1)
                ),
                *(
                    integer(f"02 FD C8 FC 0{phase}", round(voltage * 10))
                    for phase, voltage in enumerate(voltages, 1)
                ),
                *(
                    integer(f"04 FD D9 FC 0{phase}", round(power / voltage * 1000))
                    for phase, (power, voltage) in enumerate(
                        zip(powers, voltages, strict=True), 1
                    )
                ),
                integer("02 FB 2D", round(frequency * 100)),
            )
        )


class FixedMeter(_Model):
    """A water meter of the fixed data structure (CI 73): litres now, and at the due date."""

    has_records = False
    medium = 7
    flow = Demand(mean=0.03, swing=0.9, period=240)  # m³/h

    @override
    def telegrams(self) -> list[bytes]:
        counters = (
            self.flow.total(self.seconds) / 3.6,
            self.flow.total(self.seconds_at_month_start) / 3.6,
        )
        return [b"".join(bcd("0C 13", int(counter))[2:] for counter in counters)]

    @override
    def telegram_frame(self, telegram: bytes, *, more: bool) -> bytes:
        # Unit codes 29 (litre) and 3E (as counter 1, historic), medium 0111 in the upper bits.
        return self.reply(
            0x73,
            bytes.fromhex(self.identification)[::-1]
            + bytes((self.access_number, self.status, 0xE9, 0x7E))
            + telegram,
        )
