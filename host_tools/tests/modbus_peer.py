"""pymodbus as a device on a line: RTU frames over TCP, as a serial server passes them on."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fieldbeat.protocols.crc import crc16_modbus
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


@contextmanager
def pymodbus_line(
    devices: dict[int, dict[int, list[int]]], gateway: bool = False
) -> Iterator[str]:
    """Serve devices (address -> first register -> values); yield a pyserial URL of the line.

    Nobody answers at another address, unless it is a gateway: that refuses it with exception 11.
    """

    def sent(sending: bool, data: bytes) -> bytes:
        """pymodbus 3.16 answers for devices that it does not have, with exception 4."""
        if not sending or data[0] in devices:
            return data
        body = bytes((data[0], data[1], 11))
        return body + crc16_modbus(body).to_bytes(2, "little") if gateway else b""

    simulated = [
        SimDevice(
            address,
            [
                SimData(first, values=values, datatype=DataType.REGISTERS)
                for first, values in sorted(table.items())
            ],
        )
        for address, table in devices.items()
    ]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    servers: list[ModbusTcpServer] = []

    async def serve() -> None:
        server = ModbusTcpServer(
            simulated,
            framer=FramerType.RTU,
            address=("127.0.0.1", port),
            trace_packet=sent,
        )
        servers.append(server)
        await server.serve_forever(background=True)
        ready.set()
        await asyncio.Event().wait()

    def run() -> None:
        asyncio.set_event_loop(loop)
        task = loop.create_task(serve())
        try:
            loop.run_forever()
        finally:
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
            loop.run_until_complete(servers[0].shutdown())
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield f"socket://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
