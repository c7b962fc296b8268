#!/usr/bin/env python3
"""Checks the blocks that an instrument node sealed, in records, from the written layouts alone.

    node.py --key HEX --serial TEXT --instrument ID RECORDS.cborseq

RECORDS is what `export --format cborseq` writes. Says in one JSON object how many blocks of that instrument there are, how many
of them are sealed with the key and name the serial number, how many values were compared with their block and how many of
those differ, and whether numbers rise with the moments. Exit code 0: all is right; 1: something is not; 2: usage or an unreadable file.

The standard library alone: hmac and hashlib are the whole of the cryptography of a node. Signatures of records are not looked
at, that is verify.py's work.
"""

import argparse
import hashlib
import hmac
import json
import struct
import sys

DOMAIN = b"tidewaiter node block 1\0"
LENGTH, SEALED = 94, 78
# Field: (offset in bytes, format, places, unit); the first five have a state before their value.
MEASURED = {
    "mass": (44, 0, "g"),
    "counts": (50, 0, "{count}"),
    "current": (56, 3, "mA"),
    "temperature": (62, 2, "Cel"),
    "serial-mass": (68, 0, "g"),
}
OTHER = {
    "sequence": (12, ">Q", 0, "1"),
    "uptime": (20, ">Q", 0, "ms"),
    "starts": (28, ">I", 0, "1"),
    "event-counter": (32, ">I", 0, "1"),
    "interval": (38, ">I", 0, "us"),
}
STATES = {0: None, 1: None, 2: None, 0x81: "not-present", 0x82: "warming-up", 0x83: "overrange", 0x84: "underrange", 0x85: "instrument-fault"}


class Reader:
    """CBOR, as much of it as records use; what is wrong raises an IndexError or a ValueError."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def item(self):
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        n = info if info < 24 else int.from_bytes(self.take(1 << (info - 24)), "big") if info < 28 else None
        if n is None:
            raise ValueError("indefinite length")
        if major == 0:
            return n
        if major == 1:
            return -1 - n
        if major == 2:
            return self.take(n)
        if major == 3:
            return self.take(n).decode()
        if major == 4:
            return [self.item() for _ in range(n)]
        if major == 5:
            return {self.item(): self.item() for _ in range(n)}
        if major == 6:
            return self.item()
        return {20: False, 21: True, 22: None}[n]


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def blocks(raw):
    """Blocks in whole frames of RTU or Modbus/TCP, in order."""
    at = 0
    while at + LENGTH + 3 <= len(raw):
        rtu, tcp = raw[at : at + 3 + LENGTH + 2], raw[at : at + 9 + LENGTH]
        if len(tcp) == 9 + LENGTH and tcp[2:6] == b"\0\0\0\x61" and tcp[7] in (3, 4) and tcp[8] == LENGTH and tcp[9:11] == b"TW":
            yield tcp[9:]
            at += len(tcp)
        elif (
            len(rtu) == 5 + LENGTH
            and rtu[1] in (3, 4)
            and rtu[2] == LENGTH
            and rtu[3:5] == b"TW"
            and crc16(rtu[:-2]) == int.from_bytes(rtu[-2:], "little")
        ):
            yield rtu[3:-2]
            at += len(rtu)
        else:
            at += 1


def readings(kind, detail):
    """Readings of the kinds that have raw bytes."""
    if kind in (1, 2):
        return [detail[1]]
    if kind in (16, 18):
        return detail[11]
    if kind == 22 and detail.get(4) == "application/vnd.tidewaiter.readings+cbor" and 7 in detail:
        return Reader(detail[7]).item()
    return []


def expected(block, channel):
    """[digits, places, unit] of a channel, or the word why there is none."""
    status = struct.unpack_from(">H", block, 36)[0]
    if channel in MEASURED:
        at, places, unit = MEASURED[channel]
        state, value = struct.unpack_from(">Hi", block, at - 2)
        missing = STATES[state] or ("instrument-fault" if status & 3 else None)
        return missing or [value, places, unit]
    if channel in OTHER:
        at, form, places, unit = OTHER[channel]
        return [struct.unpack_from(form, block, at)[0], places, unit]
    return None


def recorded(outcome):
    """The same of a reading: value with unit and quality, or reason and code."""
    if len(outcome) == 4:
        return [outcome[0], outcome[1], outcome[2]]
    return outcome[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    parser.add_argument("--serial", required=True)
    parser.add_argument("--instrument", required=True)
    parser.add_argument("records")
    args = parser.parse_args()
    try:
        key, serial = bytes.fromhex(args.key), args.serial.encode().ljust(8, b"\0")
        reader = Reader(open(args.records, "rb").read())
        found = {"blocks": 0, "sealed": 0, "compared": 0, "differ": 0, "missing": 0, "rising": True}
        moments = {}
        while reader.at < len(reader.data):
            protected, _, payload, _ = reader.item()
            kind, time, detail = Reader(payload).item()
            last = {}
            for it in readings(kind, detail):
                if it[1] == args.instrument:
                    moment = tuple(it[3])
                    last.setdefault(moment, None)
                    for block in blocks(it[5]):
                        found["blocks"] += 1
                        mac = hmac.new(key, DOMAIN + block[:SEALED], hashlib.sha256).digest()[:16]
                        right = block[:4] == b"TW\x01\x05" and block[4:12] == serial and hmac.compare_digest(mac, block[SEALED:])
                        found["sealed"] += right
                        last[moment] = block if right else None
                        if right:
                            number = struct.unpack_from(">Q", block, 12)[0]
                            if moments.setdefault(number, (time[2], moment)) != (time[2], moment):
                                found["rising"] = False
            for it in readings(kind, detail):
                if it[1] != args.instrument:
                    continue
                block, said = last[tuple(it[3])], recorded(it[4])
                if block is None:
                    found["missing"] += isinstance(said, list)
                elif isinstance(said, list) or said in STATES.values():
                    want = expected(block, it[2])
                    found["compared"] += want is not None
                    found["differ"] += want is not None and want != said
        order = [moment for _, moment in sorted(moments.items())]
        found["rising"] = found["rising"] and order == sorted(order)
    except (OSError, ValueError, IndexError, KeyError, TypeError, struct.error) as why:
        print(f"node.py: {why}", file=sys.stderr)
        return 2
    print(json.dumps(found))
    wrong = found["blocks"] != found["sealed"] or found["differ"] or found["missing"] or not found["rising"]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
