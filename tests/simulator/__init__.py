"""A bus of M-Bus meters to test against: the other side of the wire, on its own.

It knows nothing of the integration and needs nothing but the standard library:

    async with SimulatedBus([HeatMeter(1), WaterMeter(2)], baud_rate=2400) as bus:
        port = await bus.serve_tcp()
        path = await bus.serve_pty()
        ...
        assert bus.requests[0] == bytes.fromhex("10 40 01 41 16")
"""

from .bus import Request, SimulatedBus
from .demo import demo_meters, demo_serial_meters, meters_from_file
from .faults import Fault, Faults, is_request_for_data
from .gateway import Babble, Deafness, Gateway, Packets, PtyGateway, TcpGateway
from .given import CodedMeter, FrameMeter
from .meter import SimulatedMeter
from .models import ElectricityMeter, FixedMeter, GasMeter, HeatMeter, WaterMeter
from .slave import AfterReset, FrameCount, Quirks
from .truth import Quantity, Sent, TruthfulMeter

__all__ = [
    "AfterReset",
    "Babble",
    "CodedMeter",
    "Deafness",
    "ElectricityMeter",
    "Fault",
    "Faults",
    "FixedMeter",
    "FrameCount",
    "FrameMeter",
    "GasMeter",
    "Gateway",
    "HeatMeter",
    "Packets",
    "PtyGateway",
    "Quantity",
    "Quirks",
    "Request",
    "Sent",
    "SimulatedBus",
    "SimulatedMeter",
    "TcpGateway",
    "TruthfulMeter",
    "WaterMeter",
    "demo_meters",
    "demo_serial_meters",
    "is_request_for_data",
    "meters_from_file",
]
