"""A serial port of another machine, reached as RFC 2217 says; pyserial is the other side."""

import asyncio

import serial  # type: ignore[import-untyped]
import serial.rfc2217  # type: ignore[import-untyped]

from custom_components.mbus.protocol import Master, open_link, parse_link_url
from tests.simulator import SimulatedBus, WaterMeter

_MASKS = (serial.rfc2217.SET_LINESTATE_MASK, serial.rfc2217.SET_MODEMSTATE_MASK)
_FROM_SERVER = 100


class PortManager(serial.rfc2217.PortManager):  # type: ignore[misc]
    """The far end of a serial port."""

    def _telnet_process_subnegotiation(self, suboption: bytes) -> None:
        super()._telnet_process_subnegotiation(suboption)
        code, mask = suboption[1:2], suboption[2:3]
        if code in _MASKS:
            # RFC 2217 asks for an answer here, which pyserial leaves out.
            answer = bytes((code[0] + _FROM_SERVER,))
            self.rfc2217_send_subnegotiation(answer, mask)


async def test_reading_over_rfc_2217(socket_enabled: None) -> None:
    """The line's settings go to the far port, bytes go and come."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        far_end = f"socket://127.0.0.1:{await bus.serve_tcp()}"
        port = serial.serial_for_url(far_end, baudrate=300, timeout=0)

        async def serve(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            manager = PortManager(port, writer)
            loop = asyncio.get_running_loop()
            loop.add_reader(
                port.fileno(),
                lambda: writer.write(b"".join(manager.escape(port.read(300)))),
            )
            try:
                while data := await reader.read(300):
                    port.write(b"".join(manager.filter(data)))
            finally:
                loop.remove_reader(port.fileno())
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        number = server.sockets[0].getsockname()[1]
        try:
            link = await open_link(parse_link_url(f"rfc2217://127.0.0.1:{number}"))
            try:
                readout = await Master(link, timeout=1).read(1)
            finally:
                await link.close()
        finally:
            server.close()
            await server.wait_closed()
        assert (port.baudrate, port.parity) == (2400, serial.PARITY_EVEN)
        port.close()

    assert [telegram.address for telegram in readout.telegrams] == [1]
