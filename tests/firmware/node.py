#!/usr/bin/env python3
"""Makes an emulated instrument node, sets what its sensors feel, and shows what its registers say. Standard library alone.

Usage: node.py BUS PLANT make [--serial TEXT] [--key HEX]       opens the seal on the plant link, gives the node serial number
                                                                and key, and a first configuration; prints the key
       node.py BUS PLANT show [--load G] [--loop MA] [--rate N] [--seconds S]
                                                                plays the sensors for S seconds, then shows the channels

BUS and PLANT are the ports of 127.0.0.1 that firmware/qemu was given. The layouts are those of drivers/node/src/map.rs
and firmware/app/src/plant.rs, written down here a second time on purpose.
"""

import argparse
import secrets
import socket
import struct
import time

CHANNELS = [("mass", "g", 0), ("counts", "1", 0), ("current", "uA", 0), ("temperature", "Cel", 2), ("serial-mass", "g", 0)]
STATES = {0: "good", 1: "unstable", 2: "stale", 0x81: "not present", 0x82: "warming up", 0x83: "overrange", 0x84: "underrange", 0x85: "fault"}


def crc(data):
    """CRC-16/MODBUS, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def parameters():
    """A first configuration: 10 000 codes are 1 kg, 12 kg capacity, 1 g interval, 4 and 20 mA at 3200 and 16 000."""
    load = struct.pack(">iIiIIIBBBB", 0, 1000, 10_000, 1, 12_000, 2, 0, 4, 0, 0)
    points = struct.pack(">Ih", 0, 0) * 6
    rest = struct.pack(">IhhHHhH", 100_000, 3200, 16_000, 0, 1000, 0, 0b01111)
    return load + points + rest


class Plant:
    def __init__(self, port):
        self.line = socket.create_connection(("127.0.0.1", port))
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sequence = 0

    def say(self, seal_open=False, code=None, pulses=None, current=None, order=0):
        bits = seal_open | (code is not None) << 1 | (current is not None) << 2 | (pulses is not None) << 3
        body = struct.pack(">BBBiIhB", 1, self.sequence, bits, code or 0, (pulses or 0) & 0xFFFFFFFF, current or 0, order)
        self.sequence = (self.sequence + 1) & 255
        self.line.sendall(b"\xa5\x5a" + body + crc(body))


class Bus:
    def __init__(self, port):
        self.line = socket.create_connection(("127.0.0.1", port))
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line.settimeout(2)

    def ask(self, pdu, length):
        self.line.sendall(b"\x01" + pdu + crc(b"\x01" + pdu))
        reply = b""
        while len(reply) < (5 if len(reply) > 1 and reply[1] & 0x80 else length):
            reply += self.line.recv(256)
        if crc(reply[:-2]) != reply[-2:]:
            raise SystemExit(f"broken reply {reply.hex()}")
        if reply[1] & 0x80:
            raise SystemExit(f"exception {reply[2]:02}")
        return reply[2:-2]

    def read(self, address, count):
        return self.ask(struct.pack(">BHH", 4, address, count), 5 + 2 * count)[1:]

    def write(self, address, data):
        self.ask(struct.pack(">BHHB", 16, address, len(data) // 2, len(data)) + data, 8)


def main():
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("bus", type=int)
    said.add_argument("plant", type=int)
    orders = said.add_subparsers(dest="order", required=True)
    make = orders.add_parser("make")
    make.add_argument("--serial", default="TW000001")
    make.add_argument("--key", default=None)
    show = orders.add_parser("show")
    show.add_argument("--load", type=float, default=0.0, help="g on the load cell")
    show.add_argument("--loop", type=float, default=None, help="mA in the loop; none: its converter is silent")
    show.add_argument("--rate", type=float, default=0.0, help="pulses a second")
    show.add_argument("--seconds", type=float, default=4.0)
    said = said.parse_args()
    plant, bus = Plant(said.plant), Bus(said.bus)
    if said.order == "make":
        key = bytes.fromhex(said.key) if said.key else secrets.token_bytes(32)
        plant.say(seal_open=True)
        time.sleep(0.2)
        bus.write(0x01C0, said.serial.encode().ljust(8, b"\0")[:8] + key)
        bus.write(0x0010, parameters())
        plant.say(seal_open=False)
        print(f"serial {said.serial}, key {key.hex()}")
        return
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < said.seconds:
        loop = None if said.loop is None else round(3200 + (said.loop - 4) * 800)
        plant.say(code=round(said.load * 10), pulses=int(passed * said.rate), current=loop)
        time.sleep(0.05)
    values = bus.read(0x0010, 15)
    for at, (name, unit, places) in enumerate(CHANNELS):
        value, state = struct.unpack_from(">iH", values, 6 * at)
        print(f"{name:12} {value / 10**places:.{places}f} {unit}  {STATES.get(state, state)}")
    print("block       ", bus.read(0x0100, 47).hex())


main()
