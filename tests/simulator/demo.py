"""The meters that the demo shows."""

import json
from pathlib import Path

from .given import FrameMeter
from .meter import SimulatedMeter
from .models import ElectricityMeter, FixedMeter, GasMeter, HeatMeter, WaterMeter


def demo_meters() -> list[SimulatedMeter]:
    """Return a house: heat, water, gas, electricity and an old meter, at addresses 1 to 5."""
    return [
        HeatMeter(
            1,
            identification="12345678",
            fabrication_number="23456701",
        ),
        WaterMeter(
            2,
            identification="23456789",
            fabrication_number="34567802",
        ),
        GasMeter(
            3,
            identification="34567890",
            fabrication_number="45678903",
        ),
        ElectricityMeter(
            4,
            identification="45678901",
            fabrication_number="56789004",
        ),
        FixedMeter(5, identification="56789012"),
    ]


def demo_serial_meters() -> list[SimulatedMeter]:
    """Return the meters of a second bus, at addresses 1 to 3."""
    return [
        HeatMeter(
            1,
            identification="61000001",
            fabrication_number="71000001",
        ),
        WaterMeter(
            2,
            identification="72000002",
            fabrication_number="73000002",
        ),
        ElectricityMeter(
            3,
            identification="83000003",
            fabrication_number="84000003",
        ),
    ]


def meters_from_file(path: str | Path) -> list[SimulatedMeter]:
    """Return a meter for each valid telegram of a file of JSON lines, at addresses 1 and up.

    A line holds `kind` and the frame as `hex`.
    """
    with Path(path).open(encoding="utf-8") as file:
        telegrams = [json.loads(line) for line in file if line.strip()]
    valid = [telegram for telegram in telegrams if telegram["kind"] == "valid"]
    return [
        FrameMeter([bytes.fromhex(telegram["hex"])], address)
        for address, telegram in enumerate(valid, 1)
    ]
