#!/usr/bin/env python3
"""Makes an emulated instrument node, sets what its sensors feel, shows what its registers say, and updates it. Standard
library alone.

Usage: node.py BUS PLANT make [--serial TEXT] [--key HEX]       opens the seal on the plant link, gives the node serial number
                                                                and key, and a first configuration; prints the key
       node.py BUS PLANT show [--load G] [--loop MA] [--rate N] [--seconds S]
                                                                plays the sensors for S seconds, then shows the channels
       node.py BUS PLANT update IMAGE (--mac HEX | --key HEX) [--within S]
                                                                sends an image of firmware/image in windows, orders it with the
                                                                centre's MAC (`tidewaiter-collector nodes authorise-update`) or
                                                                the node's key, and waits until the node runs it for good

An update survives resets and cuts of power: it goes on where the node says. It ends with 0 when the image runs and is
confirmed, with 1 when the node refused it or went back to the image before.

BUS and PLANT are the ports of 127.0.0.1 that firmware/qemu was given. The layouts are those of drivers/node/src/map.rs
and firmware/app/src/plant.rs, written down here a second time on purpose.
"""

import argparse
import hmac
import secrets
import socket
import struct
import sys
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


class Refused(Exception):
    """An exception of the node, by its code."""

    def __init__(self, code):
        super().__init__(f"exception {code:02}")
        self.code = code


class Bus:
    def __init__(self, port):
        self.line = socket.create_connection(("127.0.0.1", port))
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line.settimeout(2)

    def ask(self, pdu, length):
        self.line.sendall(b"\x01" + pdu + crc(b"\x01" + pdu))
        reply = b""
        while len(reply) < (5 if len(reply) > 1 and reply[1] & 0x80 else length):
            piece = self.line.recv(256)
            if not piece:
                raise ConnectionError("the bus was closed")
            reply += piece
        if crc(reply[:-2]) != reply[-2:] or reply[:1] != b"\x01" or reply[1] & 0x7F != pdu[0]:
            raise ValueError(f"broken reply {reply.hex()}")
        if reply[1] & 0x80:
            raise Refused(reply[2])
        return reply[2:-2]

    def read(self, address, count):
        return self.ask(struct.pack(">BHH", 4, address, count), 5 + 2 * count)[1:]

    def write(self, address, data):
        self.ask(struct.pack(">BHHB", 16, address, len(data) // 2, len(data)) + data, 8)


WINDOW = 128
IDLE, PREPARING, RECEIVING, CHECKING, MARKED, ON_TRIAL, REFUSED, FAILED = range(8)
STAGES = "idle", "preparing", "receiving", "checking", "marked", "on trial", "refused", "failed"
BUSY, VALUE = 6, 3


# Of MCUboot's layout: the first word, and the entry that holds the hash.
MAGIC, HASH = b"\x3d\xb8\xf3\x96", b"\x07\x69\x28\0\x10\0\x20\0"


def image_of(path):
    """The bytes of an image as firmware/image makes it."""
    with open(path, "rb") as file:
        image = file.read()
    if not image.startswith(MAGIC) or image[-40:-32] != HASH:
        sys.exit(f"{path} is no image; make one with firmware/image")
    return image


def digits(count):
    """Reads so many bytes in hexadecimal digits."""

    def read(text):
        try:
            read = bytes.fromhex(text)
        except ValueError:
            read = b""
        if len(read) != count:
            raise argparse.ArgumentTypeError(f"{text!r} is not {2 * count} hexadecimal digits")
        return read

    return read


class Update:
    """An image on its way into a node. How much has arrived the node says; of which image, it does not."""

    def __init__(self, image, mac, key):
        self.image, self.mac, self.key = image, mac, key
        # The last entry is the hash; the security counter stands before it (firmware/app/src/update/image.rs).
        self.hash, self.counter = image[-32:], struct.unpack("<I", image[-44:-40])[0]
        # Bytes that the node has taken from here. Others may have sent what it has: those are sent again, and compared.
        self.sent = 0
        # It was on its way in: from here on another image that runs is the one it was left for.
        self.taken = False
        self.orders = 0
        self.said = None

    def order(self, serial):
        """Length, security counter, and the MAC of both, of the image and of the node, under the node's key."""
        said = struct.pack(">II", len(self.image), self.counter)
        if self.mac:
            return said + self.mac
        text = b"tidewaiter node update 1\0" + serial + said + self.hash
        return said + hmac.digest(self.key, text, "sha256")[:16]

    def tell(self, text):
        if text != self.said:
            self.said = text
            print(text, flush=True)

    def windows(self, bus, at):
        """Sends windows one after the other until one is not taken at once."""
        while at < len(self.image):
            bus.write(0x0100, struct.pack(">I", at) + self.image[at : at + WINDOW].ljust(WINDOW, b"\xff"))
            at += WINDOW
            self.sent = max(self.sent, at)

    def go_on(self, bus):
        """The next thing to do. The end in a word, or none."""
        stage, received, in_force, _ = struct.unpack_from(">HIII", bus.read(0x0070, 8))
        identity = bus.read(0x0080, 36)
        serial, runs, software = identity[:8], identity[8:40], identity[40:].rstrip(b"\0").decode("ascii", "replace")
        self.tell(f"{STAGES[stage]}, {received} of {len(self.image)} bytes, security counter {in_force}, {software}")
        if runs == self.hash and stage == IDLE:
            return "it runs"
        if runs != self.hash and stage not in (CHECKING, MARKED):
            if self.taken or self.orders == 3:
                return "left again"
            if self.orders and stage in (REFUSED, FAILED):
                return STAGES[stage]
        self.taken |= stage in (MARKED, ON_TRIAL)
        try:
            if stage in (IDLE, REFUSED, FAILED):
                bus.write(0x01F0, struct.pack(">H", 4))
            elif stage == RECEIVING and min(received, self.sent) < len(self.image):
                self.windows(bus, min(received, self.sent))
            elif stage == RECEIVING:
                bus.write(0x0180, self.order(serial))
                self.orders += 1
        except Refused as why:
            if why.code == VALUE and stage == RECEIVING and min(received, self.sent) >= len(self.image):
                return f"the order is refused: security counter {self.counter} where {in_force} is in force"
            if why.code == VALUE and stage == RECEIVING:
                # Another image has arrived there.
                bus.write(0x01F0, struct.pack(">H", 4))
                self.sent = 0
            elif why.code != BUSY:
                raise
        return None


def update(port, under_way, within):
    """Updates a node; gives the end in a word."""
    bus, begun = None, time.monotonic()
    while time.monotonic() - begun < within:
        try:
            bus = bus or Bus(port)
            ended = under_way.go_on(bus)
            if ended:
                return ended
            time.sleep(0.05)
        except (OSError, ValueError):
            # Lost on the way, or the node starts: what has arrived it says itself.
            bus = None
            time.sleep(0.2)
    return "not in time"


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
    updates = orders.add_parser("update")
    updates.add_argument("image")
    vouched = updates.add_mutually_exclusive_group(required=True)
    vouched.add_argument("--mac", type=digits(16))
    vouched.add_argument("--key", type=digits(32))
    updates.add_argument("--within", type=float, default=600.0, help="s")
    said = said.parse_args()
    if said.order == "update":
        ended = update(said.bus, Update(image_of(said.image), said.mac, said.key), said.within)
        print(ended)
        sys.exit(0 if ended == "it runs" else 1)
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
