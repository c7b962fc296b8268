"""An instrument by pymodbus, on TCP or on a serial line between two pseudo-terminals.

Usage: modbus_server.py tcp | rtu-tcp | rtu | rtu-echo      rtu-tcp: the frames of a serial line on a TCP connection, as from a
serial server; rtu-echo brings back to the client what it sends, as two-wire adapters do

Prints the port number or the device path to open, then serves until standard input ends. The words in
its registers are made by pymodbus and struct, from the values the test expects to be read.
"""

import asyncio
import os
import sys
import threading
import tty

from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.client.mixin import ModbusClientMixin as Words
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

UNIT = 17
BAUD = 38400


def words(value, kind, order="big"):
    return Words.convert_to_registers(value, kind, word_order=order)


def device():
    kind = Words.DATATYPE
    inputs = [
        SimData(100, values=words(-205, kind.INT16), datatype=DataType.REGISTERS),
        SimData(101, values=words(3_000_000_000, kind.UINT32), datatype=DataType.REGISTERS),
        SimData(103, values=words(-70_000, kind.INT32, "little"), datatype=DataType.REGISTERS),
        SimData(105, values=words(118.04, kind.FLOAT32), datatype=DataType.REGISTERS),
        SimData(107, values=words(-0.125, kind.FLOAT32, "little"), datatype=DataType.REGISTERS),
        SimData(109, values=words(float("nan"), kind.FLOAT32), datatype=DataType.REGISTERS),
    ]
    holding = [
        SimData(0, values=[0x8001], datatype=DataType.REGISTERS),
        SimData(10, values=[65_535], datatype=DataType.REGISTERS),
    ]
    coils = [SimData(0, values=[False, True, False, True] * 4, datatype=DataType.BITS)]
    contacts = [SimData(16, values=[True] + [False] * 15, datatype=DataType.BITS)]
    named = ModbusDeviceIdentification(
        info_name={"VendorName": "pymodbus", "ProductCode": "peer", "MajorMinorRevision": "3"}
    )
    return SimDevice(id=UNIT, simdata=(coils, contacts, holding, inputs), identity=named), named


def carry(source, sink, echo):
    while chunk := os.read(source, 256):
        if echo:
            os.write(source, chunk)
        os.write(sink, chunk)


def cable(echo):
    """Two device paths; what is written to one is read from the other."""
    ours, theirs = os.openpty(), os.openpty()
    for end in (*ours, *theirs):
        tty.setraw(end)
    for source, sink, back in ((ours[0], theirs[0], False), (theirs[0], ours[0], echo)):
        threading.Thread(target=carry, args=(source, sink, back), daemon=True).start()
    return os.ttyname(ours[1]), os.ttyname(theirs[1])


async def main():
    context, named = device()
    if sys.argv[1:] in (["tcp"], ["rtu-tcp"]):
        framer = FramerType.SOCKET if sys.argv[1] == "tcp" else FramerType.RTU
        server = ModbusTcpServer(context, framer=framer, identity=named, address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        print(server.transport.sockets[0].getsockname()[1], flush=True)
    elif sys.argv[1:] in (["rtu"], ["rtu-echo"]):
        path, theirs = cable(sys.argv[1] == "rtu-echo")
        server = ModbusSerialServer(
            context, identity=named, framer=FramerType.RTU, port=path, baudrate=BAUD, parity="N", bytesize=8, stopbits=1
        )
        await server.serve_forever(background=True)
        print(theirs, flush=True)
    else:
        sys.exit(__doc__)
    await asyncio.to_thread(sys.stdin.read)
    await server.shutdown()


asyncio.run(main())
