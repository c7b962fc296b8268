#!/usr/bin/env python3
"""A second verifier of Tidewaiter records, written from FORMAT.md and record.cddl.

    verify.py --registry REGISTRY.json [--start N] [--evidence FOLDER] FILE...

Reads CBOR sequences (RFC 8742) of records, receipts, enrolment statements, heads of the centre's log and requests to
send again, and prints one JSON object: the four answers (signature, chain, completeness, time), whether anything was simulated, and what was found. In the folder of evidence
each file is named after the SHA-256 of its content, in lower case.

Exit code 0: nothing speaks against the records; 1: something does; 2: usage, unreadable file or registry.

It shares nothing with the agent: the standard library, `cryptography` for Ed25519 and ECDSA, and a CBOR decoder of its own. Where
this program and the one in Rust differ, FORMAT.md says which is right, or has a hole. It reads no words (units, reasons):
content is unknown to it by kind alone.
"""

import argparse
import hashlib
import json
import re
import sys
from bisect import insort
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

MAX_ITEM = 32 * 1024
MAX_DEPTH = 16
MAX_SEQ = 2**63 - 1
MAX_FINDINGS = 1000
MAX_KEYS = 100_000
MAX_INLINE = 16 * 1024
MAX_EVIDENCE = 64 * 1024 * 1024
SILENCE_MS = 90_000
FORMAT_BEGINS_MS = 1_577_836_800_000

TYP = {
    "application/vnd.tidewaiter.record+cbor; v=1": "record",
    "application/vnd.tidewaiter.receipt+cbor; v=1": "receipt",
    "application/vnd.tidewaiter.enrolment+cbor; v=1": "statement",
    "application/vnd.tidewaiter.head+cbor; v=1": "head",
    "application/vnd.tidewaiter.resend+cbor; v=1": "resend",
    "application/vnd.tidewaiter.reset+cbor; v=1": "other",
    "application/vnd.tidewaiter.renewal+cbor; v=1": "other",
}

QUESTION = {
    "signature": "malformed unknown-key wrong-algorithm wrong-role wrong-agent foreign-chain outside-range bad-signature",
    "chain": "prev-mismatch fork out-of-order genesis receipt-mismatch bad-rotation anchor-backwards log-mismatch"
    " reset-unproven",
    "completeness": "gap receipt-beyond slots silence evidence-missing",
    "time": "boot-backwards mono-backwards wall-contradiction quality-source before-format after-receipt",
    "simulated": "simulated",
}
QUESTION_OF = {code: question for question, codes in QUESTION.items() for code in codes.split()}


class Malformed(Exception):
    """Bytes that are no item of version 1."""


class Refused(Exception):
    """An item that is no evidence, with the code of the finding."""

    def __init__(self, code, what):
        super().__init__(what)
        self.code = code


# ------------------------------------------------------------------------------------------------------------------
# Deterministic CBOR (FORMAT.md §1). A map becomes a dict, null None; nothing else is bool, int, bytes, str or list.


class Decoder:
    def __init__(self, data, at=0, end=None):
        self.data, self.at = data, at
        self.end = len(data) if end is None else end

    def take(self, count):
        start, self.at = self.at, self.at + count
        if self.at > self.end:
            raise Malformed("the bytes end inside an item")
        return self.data[start : self.at]

    def head(self):
        initial = self.take(1)[0]
        major, low = initial >> 5, initial & 31
        if major == 7:
            if low not in (20, 21, 22):
                raise Malformed(f"initial byte {initial:#04x} is not part of this format")
            return major, low
        if low < 24:
            return major, low
        if low > 27:
            raise Malformed("indefinite length or reserved head")
        width = 1 << (low - 24)
        argument = int.from_bytes(self.take(width), "big")
        if argument < (24 if width == 1 else 1 << (4 * width)):
            raise Malformed("not the shortest form")
        return major, argument

    def item(self, depth=0):
        major, argument = self.head()
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            try:
                return str(self.take(argument), "utf-8")
            except UnicodeDecodeError:
                raise Malformed("text is not UTF-8") from None
        if major == 6:
            raise Malformed("a tag inside an item")
        if major == 7:
            return (False, True, None)[argument - 20]
        if depth == MAX_DEPTH:
            raise Malformed("nested too deeply")
        if major == 4:
            return [self.item(depth + 1) for _ in self.counted(argument)]
        found, before = {}, b""
        for _ in self.counted(argument):
            start = self.at
            key = self.item(depth + 1)
            encoded = self.data[start : self.at]
            if encoded <= before:
                raise Malformed("map keys repeated or out of order")
            before = encoded
            # Python holds True equal to 1 and cannot hash lists; such keys occur only where the content is unknown.
            label = key if type(key) in (int, str, bytes) else encoded
            found[type(label), label] = self.item(depth + 1)
        return Map(found)

    def counted(self, count):
        # Each element takes a byte at least, so a count beyond what is left needs no waiting for.
        if count > self.end - self.at:
            raise Malformed("the bytes end inside an item")
        return range(count)


class Map(dict):
    """Keyed by (type, key)."""

    def get_int(self, key):
        return self.get((int, key))

    def has_int(self, key):
        return (int, key) in self


def decode(data):
    decoder = Decoder(data)
    item = decoder.item()
    if decoder.at != len(data):
        raise Malformed("bytes follow the item")
    return item


def split(data):
    """Yields the items of a stream; raises Malformed where no item begins."""
    at = 0
    while at < len(data):
        decoder = Decoder(data, at, min(len(data), at + MAX_ITEM))
        if decoder.head() != (6, 18) or decoder.at != at + 1:
            raise Malformed(f"byte {at}: no item begins here")
        decoder.item()
        yield data[at : decoder.at]
        at = decoder.at


def head_bytes(major, argument):
    if argument < 24:
        return bytes([major << 5 | argument])
    width = next(it for it in (1, 2, 4, 8) if argument < 1 << (8 * it))
    return bytes([major << 5 | 24 + width.bit_length() - 1]) + argument.to_bytes(width, "big")


def bstr(data):
    return head_bytes(2, len(data)) + data


# ------------------------------------------------------------------------------------------------------------------
# Shapes (record.cddl)


def need(condition, what):
    if not condition:
        raise Malformed(what)


def uint(bits):
    limit = 1 << bits
    return lambda it: need(type(it) is int and 0 <= it < limit, f"not an unsigned integer of {bits} bits")


def int64(it):
    need(type(it) is int and -(2**63) <= it < 2**63, "not an integer of 64 bits")


def tstr(it):
    need(type(it) is str, "not a text")


def boolean(it):
    need(type(it) is bool, "not true or false")


def blob(it):
    need(type(it) is bytes, "not a byte string")


def fixed(size):
    return lambda it: need(type(it) is bytes and len(it) == size, f"not a byte string of {size} bytes")


def array(*shapes):
    def check(it):
        need(type(it) is list and len(it) == len(shapes), f"not an array of {len(shapes)}")
        for shape, part in zip(shapes, it):
            shape(part)

    return check


def every(shape):
    def check(it):
        need(type(it) is list, "not an array")
        for part in it:
            shape(part)

    return check


def nullable(shape):
    return lambda it: it is None or shape(it)


def fields(required, optional=None):
    optional = optional or {}

    def check(it):
        need(type(it) is Map, "not a map")
        for kind, key in it:
            need(kind is int and (key in required or key in optional), f"key {key!r} is not part of this map")
        for key, shape in required.items():
            need(it.has_int(key), f"key {key} is missing")
            shape(it.get_int(key))
        for key, shape in optional.items():
            if it.has_int(key):
                shape(it.get_int(key))

    return check


def texts(value):
    def check(it):
        need(type(it) is Map and all(kind is str for kind, _ in it), "not a map with text keys")
        for part in it.values():
            value(part)

    return check


hash32, chain_id, flags, places = fixed(32), fixed(16), uint(2), uint(5)
u8, u16, u32, u64 = uint(8), uint(16), uint(32), uint(64)


def decimal(it):
    array(int64, places)(it)
    need(it[1] <= 18, "more than 18 decimal places")


def outcome(it):
    need(type(it) is list and len(it) in (2, 4), "neither a value nor a reason")
    if len(it) == 4:
        decimal(it[:2])
        array(tstr, tstr)(it[2:])
    else:
        array(tstr, nullable(u16))(it)


moment = array(u64, int64)
context = fields({1: tstr, 2: hash32})
identity = fields({1: tstr, 2: tstr, 3: tstr}, {4: u8})
subject = fields({1: tstr, 2: every(identity)}, {3: texts(tstr)})
measured = fields({1: tstr, 2: tstr, 3: outcome, 6: tstr}, {4: decimal, 5: decimal, 7: u16})
alarm = fields({1: tstr, 2: tstr, 3: boolean, 4: boolean})
fault = fields({1: tstr, 2: tstr})
reading = fields({1: tstr, 2: tstr, 3: moment, 4: outcome, 5: blob})
finding = fields(
    {1: tstr, 2: tstr, 3: tstr, 4: tstr, 5: tstr, 7: boolean, 9: tstr, 10: tstr}, {6: tstr, 8: tstr, 11: u16}
)
table = fields({1: tstr, 2: tstr, 3: hash32})

plan = fields({1: tstr, 2: u64, 3: hash32})
link = fields({1: tstr, 2: uint(63), 3: hash32})
required = fields({1: tstr, 2: every(tstr), 3: boolean})
judged_measured = fields(
    {1: tstr, 2: tstr, 3: outcome, 6: tstr}, {4: decimal, 5: decimal, 7: u16, 8: decimal, 9: tstr}
)
judged_finding = fields(
    {
        1: tstr,
        2: tstr,
        3: tstr,
        4: tstr,
        5: tstr,
        7: boolean,
        9: tstr,
        10: tstr,
        12: every(tstr),
        13: tstr,
        15: boolean,
    },
    {6: tstr, 8: tstr, 11: u16, 14: decimal},
)

software_id = fields({1: tstr, 3: hash32}, {2: hash32})


def single_reading(length):
    shape = fields({0: flags, 1: reading, 4: context}, {2: tstr, 3: tstr})

    def check(it):
        shape(it)
        need(len(it.get_int(1).get_int(4)) == length, "kind 1 has a value, kind 2 the reason why there is none")

    return check


def rising(shape, *keys):
    def check(it):
        shape(it)
        numbers = [it.get_int(key) for key in keys]
        need(numbers == sorted(numbers), "a range upside down")

    return check


def evidence(it):
    fields(
        {0: flags, 3: moment, 4: tstr, 5: hash32, 6: u64, 8: texts(tstr), 9: context}, {1: tstr, 2: tstr, 7: blob}
    )(it)
    name, size, content = (it.get_int(key) for key in (5, 6, 7))
    if content is None:
        need(size <= MAX_EVIDENCE, "evidence of more than 64 MiB")
    else:
        need(len(content) <= MAX_INLINE, "content of more than 16 KiB inside a record")
        need(len(content) == size and hashlib.sha256(content).digest() == name, "content of another size or hash")


GENESIS, HEARTBEAT, STOPPED, KEY_ROTATE, SHUTDOWN = 0, 4, 11, 13, 15
INTERVAL, QUALIFIED_INTERVAL, EVIDENCE = 17, 19, 22
KINDS = {
    GENESIS: fields({1: tstr, 2: hash32, 3: hash32}),
    1: single_reading(4),
    2: single_reading(2),
    HEARTBEAT: fields({0: flags, 1: texts(u64), 2: texts(int64), 3: software_id, 4: every(table)}, {5: plan}),
    5: fields({1: int64, 2: int64, 3: u64}),
    6: rising(fields({1: u64, 2: u64, 3: int64, 4: u64, 5: uint(3)}), 1, 2),
    7: fields({0: flags, 1: tstr, 2: texts(tstr), 3: tstr, 4: tstr, 6: context}, {5: array(tstr, hash32)}),
    8: fields({1: tstr, 2: software_id}, {3: plan}),
    9: fields({1: tstr, 2: every(table), 4: texts(tstr)}, {3: array(u64, u64, u64)}),
    10: fields({1: fixed(16), 2: u64, 3: tstr, 4: tstr, 5: tstr, 6: hash32}),
    KEY_ROTATE: fields({1: int64, 2: blob, 3: blob}),
    EVIDENCE: evidence,
    24: rising(fields({1: u64, 2: u64, 3: hash32, 4: u64}), 1, 2, 4),
    3: fields({1: tstr, 3: texts(tstr)}, {2: tstr}),
    STOPPED: fields({1: tstr}),
    12: fields({1: u64, 2: moment, 3: moment}),
    14: fields({1: tstr, 3: u32}, {2: u64}),
    SHUTDOWN: fields({}),
    16: fields(
        {
            0: flags,
            1: tstr,
            2: tstr,
            3: tstr,
            4: subject,
            5: moment,
            6: moment,
            8: every(measured),
            9: every(alarm),
            10: every(fault),
            11: every(reading),
            12: every(finding),
            13: tstr,
            15: tstr,
            16: boolean,
            17: every(table),
            18: context,
        },
        {7: tstr, 14: tstr},
    ),
    INTERVAL: fields(
        {
            0: flags,
            1: tstr,
            2: tstr,
            3: tstr,
            4: moment,
            5: moment,
            6: u32,
            7: u32,
            8: texts(u32),
            14: context,
        },
        {9: decimal, 10: decimal, 11: decimal, 12: decimal, 13: tstr},
    ),
    18: fields(
        {
            0: flags,
            1: tstr,
            2: tstr,
            3: tstr,
            4: subject,
            5: moment,
            6: moment,
            8: every(judged_measured),
            9: every(alarm),
            10: every(fault),
            11: every(reading),
            12: every(judged_finding),
            13: tstr,
            15: tstr,
            16: boolean,
            17: every(table),
            18: context,
            22: every(required),
        },
        {7: tstr, 14: tstr, 19: plan, 20: tstr, 21: tstr},
    ),
    QUALIFIED_INTERVAL: fields(
        {
            0: flags,
            1: tstr,
            2: tstr,
            3: tstr,
            4: moment,
            5: moment,
            6: u32,
            7: u32,
            8: texts(u32),
            14: context,
            16: tstr,
        },
        {9: decimal, 10: decimal, 11: decimal, 12: decimal, 13: tstr, 15: plan},
    ),
    20: fields(
        {
            0: flags,
            1: tstr,
            2: link,
            3: tstr,
            4: tstr,
            5: moment,
            6: tstr,
            7: every(judged_measured),
            9: texts(tstr),
            11: context,
        },
        {8: link, 10: plan},
    ),
    21: fields(
        {
            0: flags,
            1: tstr,
            2: tstr,
            3: tstr,
            4: tstr,
            5: moment,
            6: tstr,
            7: tstr,
            8: tstr,
            9: tstr,
            10: tstr,
            11: texts(tstr),
            12: every(link),
            13: texts(int64),
            15: context,
        },
        {14: plan},
    ),
}

time_block = array(int64, u64, u64, uint(2), u64, uint(3), u64)
claims = fields({1: tstr, 2: tstr})
place = array(chain_id, uint(63), hash32, nullable(array(u64, hash32)))
record_header = fields({1: int64, 4: fixed(8), 15: claims, 16: tstr, -70001: place})
plain_header = fields({1: int64, 4: fixed(8), 16: tstr})
receipt_payload = fields(
    {1: tstr, 2: chain_id, 3: u64, 4: hash32, 5: int64}, {6: array(u64, hash32)}
)
statement_payload = fields({1: tstr, 2: chain_id, 3: int64, 4: blob, 5: int64, 6: boolean})
head_payload = fields({1: tstr, 2: u64, 3: u64, 4: hash32, 5: int64})
resend_payload = rising(fields({1: tstr, 2: chain_id, 3: u64, 4: u64, 5: int64}), 3, 4)


# ------------------------------------------------------------------------------------------------------------------
# Keys (FORMAT.md §2)

ED25519, ESP256 = -19, -9

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
ORDER_8_OTHER = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
SMALL_ORDER = {0, 1, P - 1, P, P + 1} | {int.from_bytes(it, "little") for it in (ORDER_8, ORDER_8_OTHER)}


def y_of(point):
    return int.from_bytes(point, "little") & (1 << 255) - 1


def is_point(encoded):
    y = y_of(encoded)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    return square == 0 or pow(square, (P - 1) // 2, P) == 1


class Ed25519Key:
    """An Ed25519 public key. Raises ValueError if it is none that can be used."""

    alg = ED25519

    def __init__(self, raw):
        if len(raw) != 32 or y_of(raw) in SMALL_ORDER or not is_point(raw):
            raise ValueError("not a usable Ed25519 key")
        self.raw = raw
        self.key = Ed25519PublicKey.from_public_bytes(raw)
        # {1: 1, -1: 6, -2: x}
        self.kid = hashlib.sha256(bytes.fromhex("a30101200621") + bstr(raw)).digest()[:8]

    def verifies(self, signed, signature):
        if len(signature) != 64 or y_of(signature[:32]) in SMALL_ORDER:
            return False
        try:
            self.key.verify(signature, signed)
            return True
        except InvalidSignature:
            return False


class Esp256Key:
    """A P-256 public key, x and y. Raises ValueError if it is none that can be used."""

    alg = ESP256
    ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    def __init__(self, raw):
        if len(raw) != 64:
            raise ValueError("not a usable P-256 key")
        self.raw = raw
        # Refuses what is not on the curve.
        self.key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + raw)
        # {1: 2, -1: 1, -2: x, -3: y}
        named = bytes.fromhex("a40102200121") + bstr(raw[:32]) + b"\x22" + bstr(raw[32:])
        self.kid = hashlib.sha256(named).digest()[:8]

    def verifies(self, signed, signature):
        if len(signature) != 64:
            return False
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        if not (0 < r < self.ORDER and 0 < s <= self.ORDER // 2):
            return False
        try:
            self.key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
            return True
        except InvalidSignature:
            return False


KEYS = {"Ed25519": Ed25519Key, "ESP256": Esp256Key}
KEY_OF = {key.alg: key for key in KEYS.values()}


class Registry:
    """The document of FORMAT.md §6. Raises ValueError if it is not one."""

    def __init__(self, document):
        self.keys, self.statements, self.lines = {}, {}, {}
        members(document, {"version", "class", "keys"}, set())
        if type(document["version"]) is not int or document["version"] != 1:
            raise ValueError(f"version {document['version']!r} is not known")
        if document["class"] not in ("production", "test"):
            raise ValueError(f"class {document['class']!r} is not known")
        self.production = document["class"] == "production"
        if type(document["keys"]) is not list or len(document["keys"]) > MAX_KEYS:
            raise ValueError("keys is not an array, or too long")
        for entry in document["keys"]:
            self.add(entry)
        for _, entry in sorted(self.keys.items()):
            if entry["chain"] is not None and entry["statement"] is not None:
                self.statements.setdefault(entry["chain"], entry["statement"])
            if entry["role"] == "agent":
                line = self.lines.setdefault(entry["agent"], {})
                line[entry["chain"]] = line.get(entry["chain"]) or entry["follows"]

    def add(self, entry):
        members(
            entry,
            {"kid", "alg", "public", "role", "agent", "from_seq", "simulated"},
            {"chain", "to_seq", "statement", "follows", "note"},
        )
        if type(entry["alg"]) is not str or entry["alg"] not in KEYS or entry["role"] not in ("agent", "centre", "person"):
            raise ValueError("unknown alg or role")
        if type(entry["agent"]) is not str or type(entry["simulated"]) is not bool:
            raise ValueError("agent is not a text, or simulated not a boolean")
        if entry.get("note") is not None and type(entry["note"]) is not str:
            raise ValueError("note is not a text")
        kid = hexadecimal(entry["kid"], 8)
        if type(entry["public"]) is not str or not re.fullmatch("([0-9a-fA-F]{2})*", entry["public"]):
            raise ValueError("public is not hexadecimal")
        key = KEYS[entry["alg"]](bytes.fromhex(entry["public"]))
        chain, statement = entry.get("chain"), entry.get("statement")
        chain = None if chain is None else hexadecimal(chain, 16)
        statement = None if statement is None else hexadecimal(statement, 32)
        first, last = entry["from_seq"], entry.get("to_seq")
        for number in (first, 0 if last is None else last):
            if type(number) is not int or not 0 <= number < 2**64:
                raise ValueError("from_seq or to_seq is not a number of 64 bits")
        if key.kid != kid or kid in self.keys:
            raise ValueError(f"kid {kid.hex()} does not follow from its key, or is there twice")
        if entry["role"] == "agent" and chain is None:
            raise ValueError(f"kid {kid.hex()}: an agent's key needs a chain")
        if last is not None and first > last:
            raise ValueError(f"kid {kid.hex()}: from_seq beyond to_seq")
        follows = None if entry.get("follows") is None else self.follows(entry["follows"])
        if follows is not None and (entry["role"] != "agent" or follows["chain"] == chain):
            raise ValueError(f"kid {kid.hex()}: only a chain of an agent follows another, and never itself")
        self.keys[kid] = dict(entry, key=key, chain=chain, statement=statement, to_seq=last, follows=follows)

    @staticmethod
    def follows(value):
        members(value, {"chain", "reset"}, {"last_seq", "hash"})
        last, name = value.get("last_seq"), value.get("hash")
        if last is not None and (type(last) is not int or not 0 <= last < 2**64):
            raise ValueError("last_seq is not a number of 64 bits")
        hexadecimal(value["reset"], 32)
        name = None if name is None else hexadecimal(name, 32)
        return {"chain": hexadecimal(value["chain"], 16), "last_seq": last, "hash": name}

    def usable(self, alg, kid, role, learned=None):
        entry = self.keys.get(kid) or (learned or {}).get(kid)
        if entry is None:
            raise Refused("unknown-key", f"key {kid.hex()} is not in the registry")
        if alg != entry["key"].alg:
            raise Refused("wrong-algorithm", f"key {kid.hex()} is registered for another algorithm")
        if entry["role"] != role:
            raise Refused("wrong-role", f"key {kid.hex()} is registered for role {entry['role']}")
        return entry


def members(value, required, optional):
    if type(value) is not dict or not required <= value.keys() <= required | optional:
        raise ValueError("not an object with the members of the schema")


def hexadecimal(text, size):
    if type(text) is not str or not re.fullmatch(f"[0-9a-fA-F]{{{2 * size}}}", text):
        raise ValueError(f"{text!r} is not {2 * size} hexadecimal digits")
    return bytes.fromhex(text)


# ------------------------------------------------------------------------------------------------------------------
# Items (FORMAT.md §2)


class Item:
    """An envelope taken apart; header and payload decoded, their shapes not checked yet."""

    def __init__(self, data):
        need(len(data) <= MAX_ITEM, "longer than any item")
        need(data[:2] == b"\xd2\x84", "not a tagged array of four")
        parts = decode(data[1:])
        protected, unprotected, payload, self.signature = parts
        need(type(protected) is bytes and type(payload) is bytes, "header or payload is not a byte string")
        need(type(unprotected) is Map and not unprotected, "the unprotected header is not empty")
        need(type(self.signature) is bytes, "the signature is not a byte string")
        self.header, self.payload = decode(protected), decode(payload)
        self.hash = hashlib.sha256(data).digest()
        self.signed = b"\x84\x6aSignature1" + bstr(protected) + b"\x40" + bstr(payload)

    def typ(self):
        typ = self.header.get_int(16) if type(self.header) is Map else None
        return TYP.get(typ) if type(typ) is str else None

    def check(self, header, typ):
        header(self.header)
        self.alg, self.kid = self.header.get_int(1), self.header.get_int(4)
        need(self.typ() == typ, "another content type")
        need(self.alg in KEY_OF, f"algorithm {self.alg} is not one of this version")

    def check_signature(self, key):
        if not key.verifies(self.signed, self.signature):
            raise Refused("bad-signature", f"the signature is not that of key {self.kid.hex()} over these bytes")


class Record(Item):
    def __init__(self, data):
        super().__init__(data)
        self.check(record_header, "record")
        need(len(self.signature) == 64, "a signature has 64 bytes")
        self.agent = self.header.get_int(15).get_int(1)
        self.chain, self.seq, self.prev, self.anchor = self.header.get_int(-70001)
        need(type(self.payload) is list and len(self.payload) == 3, "the body is not an array of three")
        self.kind, time, self.detail = self.payload
        u64(self.kind)
        time_block(time)
        self.wall, self.mono, self.boot, self.quality, self.err, self.src, _ = time
        self.known = self.kind in KINDS
        if self.known:
            KINDS[self.kind](self.detail)
        flags = self.detail.get_int(0) if type(self.detail) is Map else None
        # Beyond 64 bits there is no integer in this format.
        self.simulated = type(flags) is int and 0 <= flags < 2**64 and flags & 1 == 1

    def claims_to_know(self):
        return self.quality >= 2


class Chain:
    """What is remembered of one chain."""

    def __init__(self):
        self.records = {}
        self.agent = self.last = self.first = None
        self.present = []
        self.receipts = {}
        self.newest_receipt = None
        # The start of the newest heartbeat, and the largest head of the log named, of records in their order.
        self.beating = self.anchor = None


class Log:
    """What the stream says about the centre's log."""

    def __init__(self):
        # Root by size and centre; the number and size of the head of the largest number by centre.
        self.roots, self.newest = {}, {}
        # Roots of all centres by size.
        self.known = {}
        # The first record for each chain, size and root.
        self.anchors = {}

    def claim(self, centre, size, root):
        """Whether the centre says the same as before about this size."""
        self.known.setdefault(size, set()).add(self.roots.setdefault((centre, size), root))
        return self.roots[centre, size] == root

    def goes_on(self, centre, number, size):
        """Whether a head goes on from, or leads to, the one of the largest number."""
        largest, there = self.newest.get(centre, (number, size))
        good = size == there if number == largest else size == there or (size > there) == (number > largest)
        self.newest[centre] = max((largest, there), (number, size), key=lambda it: it[0])
        return good


class Verifier:
    def __init__(self, registry, start=0, evidence=None):
        self.registry, self.start, self.evidence = registry, start, evidence
        # Keys learned from chains by kid, and the last number of those that handed over.
        self.learned, self.ended = {}, {}
        self.log = Log()
        # The first record for each hash and size.
        self.named = {}
        self.chains, self.findings = {}, []
        self.bad = dict.fromkeys(QUESTION, 0)
        self.left_out = self.records = self.accepted = self.duplicates = self.content_unknown = 0
        self.simulated = False
        self.qualities = [0, 0, 0, 0]

    def report(self, code, chain, seq, what):
        question = QUESTION_OF[code]
        self.bad[question] += 1
        if len(self.findings) == MAX_FINDINGS:
            self.left_out += 1
            return
        chain = None if chain is None else chain.hex()
        self.findings.append({"question": question, "code": code, "chain": chain, "seq": seq, "what": what})

    def push_stream(self, data):
        try:
            for item in split(data):
                self.push(item)
        except Malformed as error:
            self.records += 1
            self.report("malformed", None, None, str(error))

    def push(self, data):
        try:
            typ = Item(data).typ()
        except Malformed:
            typ = None
        try:
            if typ == "receipt":
                self.push_receipt(data)
            elif typ == "statement":
                self.push_statement(data)
            elif typ == "head":
                self.push_head(data)
            elif typ == "resend":
                self.push_resend(data)
            elif typ == "other":
                pass  # words about people and certificates, not about records
            else:
                self.records += 1
                self.push_record(data)
        except Malformed as error:
            self.report("malformed", None, None, str(error))

    # -- what is not a record

    def by_centre(self, item, chain):
        """The centre that signed, None if none did."""
        try:
            entry = self.registry.usable(item.alg, item.kid, "centre")
            if chain is not None and entry["chain"] not in (None, chain):
                raise Refused("foreign-chain", f"key {item.kid.hex()} does not speak of chain {chain.hex()}")
            item.check_signature(entry["key"])
        except Refused as error:
            self.report(error.code, None, None, str(error))
            return None
        return entry["agent"]

    def push_head(self, data):
        item = Item(data)
        item.check(plain_header, "head")
        head_payload(item.payload)
        number, size, root = (item.payload.get_int(key) for key in (2, 3, 4))
        centre = self.by_centre(item, None)
        if centre is None:
            return
        same, goes_on = self.log.claim(centre, size, root), self.log.goes_on(centre, number, size)
        if not (same and goes_on):
            self.report("log-mismatch", None, None, f"head {number} of size {size} contradicts what was read before")

    def push_resend(self, data):
        item = Item(data)
        item.check(plain_header, "resend")
        resend_payload(item.payload)
        self.by_centre(item, item.payload.get_int(2))

    def push_receipt(self, data):
        item = Item(data)
        item.check(plain_header, "receipt")
        receipt_payload(item.payload)
        agent, chain, upto, name, received, log = (item.payload.get_int(key) for key in (1, 2, 3, 4, 5, 6))
        centre = self.by_centre(item, chain)
        if centre is None:
            return
        if log is not None and not self.log.claim(centre, *log):
            self.report("log-mismatch", chain, upto, f"another root of the log of size {log[0]}")
        state = self.chains.setdefault(chain, Chain())
        state.newest_receipt = upto if state.newest_receipt is None else max(upto, state.newest_receipt)
        receipt = (agent, name, received)
        if upto in state.records:
            self.compare(chain, state, upto, receipt)
        elif upto in state.receipts:
            if state.receipts[upto][1] != name:
                self.report("receipt-mismatch", chain, upto, "two receipts name different records")
        else:
            state.receipts[upto] = receipt

    def compare(self, chain, state, upto, receipt):
        agent, name, received = receipt
        record = state.records[upto]
        if record.hash != name:
            self.report("receipt-mismatch", chain, upto, "the receipt names another record")
            return
        if agent != state.agent:
            self.report("receipt-mismatch", chain, upto, f"the receipt is for agent {agent!r}")
        if record.claims_to_know() and record.wall - record.err > received:
            self.report("after-receipt", chain, upto, f"claims a time after its receipt at {received} ms")

    def push_statement(self, data):
        item = Item(data)
        item.check(plain_header, "statement")
        statement_payload(item.payload)
        need(item.payload.get_int(3) == item.alg, "the statement presents another algorithm")
        try:
            key = KEY_OF[item.alg](item.payload.get_int(4))
        except ValueError as error:
            raise Malformed(str(error)) from None
        need(key.kid == item.kid, "the statement is signed under another name")
        try:
            item.check_signature(key)
        except Refused as error:
            raise Malformed(str(error)) from None
        chain = item.payload.get_int(2)
        registered = self.registry.statements.get(chain)
        if registered not in (None, item.hash):
            self.report("genesis", chain, None, "the registry names another enrolment statement")

    # -- records

    def push_record(self, data):
        record = Record(data)
        chain, seq = record.chain, record.seq
        try:
            entry = self.entitled(record)
        except Refused as error:
            self.report(error.code, chain, seq, str(error))
            return
        state = self.chains.setdefault(chain, Chain())
        there = state.records.get(seq)
        if there is not None:
            if there.hash == record.hash:
                self.duplicates += 1
            else:
                self.report("fork", chain, seq, "two records claim this place")
            return
        self.accepted += 1
        self.put(record, state)
        self.look_at(record, entry)

    def entitled(self, record):
        entry = self.registry.usable(record.alg, record.kid, "agent", self.learned)
        if entry["agent"] != record.agent:
            raise Refused("wrong-agent", f"the key belongs to agent {entry['agent']!r}")
        if entry["chain"] != record.chain:
            raise Refused("foreign-chain", f"the key does not sign on chain {record.chain.hex()}")
        ends = [it for it in (entry["to_seq"], self.ended.get(record.kid)) if it is not None]
        if record.seq < entry["from_seq"] or any(record.seq > it for it in ends):
            raise Refused("outside-range", f"the key does not sign at {record.seq}")
        record.check_signature(entry["key"])
        return entry

    def put(self, record, state):
        chain, seq = record.chain, record.seq
        if state.last is None:
            state.agent = record.agent
        elif seq < state.last.seq:
            self.report("out-of-order", chain, seq, f"stands after record {state.last.seq}")
        before, after = state.records.get(seq - 1), state.records.get(seq + 1)
        if before is not None and before.hash != record.prev:
            self.report("prev-mismatch", chain, seq, "names another record before it")
        if after is not None and after.prev != record.hash:
            self.report("prev-mismatch", chain, seq + 1, "names another record before it")
        state.records[seq] = record
        insort(state.present, seq)
        # The payload is not needed again.
        record.payload = record.header = record.signed = None
        if state.last is None or state.last.seq < seq:
            if state.last is not None:
                self.compare_times(state.last, record)
                self.check_silence(state, record)
            if record.kind == HEARTBEAT:
                state.beating = record.boot
            self.check_anchor(state, record)
            state.last = record
        receipt = state.receipts.pop(seq, None)
        if receipt is not None:
            self.compare(chain, state, seq, receipt)

    def compare_times(self, before, record):
        chain, seq = record.chain, record.seq
        if record.boot < before.boot:
            self.report("boot-backwards", chain, seq, f"start {record.boot} after start {before.boot}")
        if record.boot != before.boot:
            return
        mono, wall = record.mono - before.mono, record.wall - before.wall
        if mono < 0:
            self.report("mono-backwards", chain, seq, f"monotonic {record.mono} ms after {before.mono} ms")
        elif before.claims_to_know() and record.claims_to_know():
            if abs(wall - mono) > before.err + record.err + mono // 1000 + 1000:
                self.report("wall-contradiction", chain, seq, f"wall time moved {wall} ms while {mono} ms passed")

    def check_silence(self, state, record):
        before = state.last
        if before.seq + 1 != record.seq or not before.boot == record.boot == state.beating or before.kind == STOPPED:
            return
        if record.mono - before.mono > SILENCE_MS:
            self.report("silence", record.chain, record.seq, f"no record for {record.mono - before.mono} ms")

    def check_anchor(self, state, record):
        if record.anchor is None:
            return
        (size, root), (largest, its_root) = record.anchor, state.anchor or record.anchor
        if size < largest or (size == largest and root != its_root):
            self.report("anchor-backwards", record.chain, record.seq, f"size {size} after size {largest}")
        else:
            state.anchor = record.anchor

    def rotate(self, record, entry):
        alg, public, proof = (record.detail.get_int(key) for key in (1, 2, 3))
        try:
            need(alg in KEY_OF, f"algorithm {alg} is not one of this version")
            key = KEY_OF[alg](public)
            parts = (b"\x85\x78\x18tidewaiter key-rotate v1", bstr(record.chain), head_bytes(0, record.seq))
            proven = b"".join(parts) + bstr(record.kid) + bstr(public)
            need(key.verifies(proven, proof), "the new key has not signed for this place")
            need(key.kid != record.kid, "the key hands over to itself")
            need(key.kid not in self.learned and key.kid not in self.ended, "the new key was used before")
            there = self.registry.keys.get(key.kid)
            same = ("role", "agent", "chain")
            need(there is None or all(there[it] == entry[it] for it in same), "the new key is registered elsewhere")
        except (Malformed, ValueError) as error:
            self.report("bad-rotation", record.chain, record.seq, str(error))
            return
        if there is None:
            self.learned[key.kid] = dict(entry, key=key, from_seq=record.seq + 1)
        self.ended[record.kid] = record.seq

    def look_at(self, record, entry):
        chain, seq = record.chain, record.seq
        if record.claims_to_know() and record.src not in (2, 3, 4, 5, 7):
            self.report("quality-source", chain, seq, f"quality {record.quality} from source {record.src}")
        if record.quality != 0 and record.wall < FORMAT_BEGINS_MS:
            self.report("before-format", chain, seq, f"wall time {record.wall} ms")
        self.qualities[record.quality] += 1
        if record.simulated or entry["simulated"]:
            self.simulated = True
            if self.registry.production:
                self.report("simulated", chain, seq, "simulated, and the registry is of class production")
        if not record.known:
            self.content_unknown += 1
        if record.kind in (INTERVAL, QUALIFIED_INTERVAL):
            due, received, missing = (record.detail.get_int(key) for key in (6, 7, 8))
            if received + sum(missing.values()) < due:
                self.report("slots", chain, seq, f"of {due} slots some are neither measured nor explained")
        self.check_genesis(record)
        if record.kind == KEY_ROTATE:
            self.rotate(record, entry)
        if record.anchor is not None:
            self.log.anchors.setdefault((chain, *record.anchor), seq)
        if record.kind == EVIDENCE and not record.detail.has_int(7):
            self.named.setdefault((record.detail.get_int(5), record.detail.get_int(6)), (chain, seq))
        record.detail = None

    def check_genesis(self, record):
        chain, seq = record.chain, record.seq
        if record.kind != GENESIS:
            if seq == 0:
                self.report("genesis", chain, seq, f"kind {record.kind}, a chain begins with kind 0")
            return
        if seq != 0:
            self.report("genesis", chain, seq, "a chain begins here a second time")
            return
        if record.detail.get_int(3) != record.prev:
            self.report("genesis", chain, seq, "the statement inside is not the one before it")
        if self.registry.statements.get(chain) not in (None, record.prev):
            self.report("genesis", chain, seq, "the registry names another enrolment statement")

    # -- the end

    def gaps(self, state):
        expected = self.start
        for seq in state.present:
            if seq > expected:
                yield expected, seq - 1
            expected = max(expected, seq + 1)

    def check_log(self):
        for (chain, size, root), seq in self.log.anchors.items():
            if size in self.log.known and root not in self.log.known[size]:
                self.report("log-mismatch", chain, seq, f"the centre names another root at size {size}")

    def check_evidence(self):
        for (name, size), (chain, seq) in self.named.items():
            if self.evidence is not None and not self.is_there(name, size):
                self.report("evidence-missing", chain, seq, f"evidence {name.hex()} of {size} bytes is not there")

    def is_there(self, name, size):
        path = self.evidence / name.hex()
        if not path.is_file() or path.stat().st_size != size:
            return False
        return hashlib.sha256(path.read_bytes()).digest() == name

    def check_resets(self):
        for chain, state in sorted(self.chains.items()):
            if state.last is None:
                continue
            line = self.registry.lines[state.agent]
            what = self.unproven(line, chain)
            if what is not None:
                self.report("reset-unproven", chain, state.present[0], what)

    def unproven(self, line, chain):
        follows = line[chain]
        if follows is None:
            more = sum(it is None for it in line.values()) > 1
            return "other chains of the agent follow none either" if more else None
        before = follows["chain"]
        if before not in line:
            return "the chain before is none of this agent"
        if sum(it is not None and it["chain"] == before for it in line.values()) > 1:
            return "another chain follows the same one"
        met, at = {chain}, before
        while at is not None:
            if at in met:
                return "the chains before follow each other"
            met.add(at)
            at = None if line.get(at) is None else line[at]["chain"]
        old, last = self.chains.get(before), follows["last_seq"]
        if old is None or old.last is None or last is None:
            return None
        if old.last.seq > last:
            return f"the chain before goes on after record {last}"
        if last in old.records and follows["hash"] not in (None, old.records[last].hash):
            return f"record {last} of the chain before is another one"
        return None

    def finish(self):
        summaries = []
        for chain, state in sorted(self.chains.items()):
            last = None if state.last is None else state.last.seq
            if last is not None:
                for first, end in self.gaps(state):
                    self.report("gap", chain, first, f"records {first} to {end} are missing")
                summaries.append(
                    {
                        "chain": chain.hex(),
                        "agent": state.agent,
                        "first_seq": state.present[0],
                        "last_seq": last,
                        "head": state.last.hash.hex(),
                        "records": len(state.present),
                        "clean_end": state.last.kind == SHUTDOWN,
                        "receipted_upto": state.newest_receipt,
                    }
                )
            upto = state.newest_receipt
            if upto is not None and (last is None or upto > last):
                self.report("receipt-beyond", chain, upto, f"the centre has records to {upto}, the stream to {last}")
        self.check_resets()
        self.check_log()
        self.check_evidence()
        answers = {question: self.answer(question) for question in ("signature", "chain", "completeness", "time")}
        unknown, informative = self.qualities[:2]
        if answers["time"]["answer"] == "ok" and unknown + informative:
            why = f"{unknown} records of unknown time (U) and {informative} of informative time (I) among {self.accepted}"
            answers["time"] = {"answer": "not-checked", "why": why}
        return {
            "records": self.records,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "content_unknown": self.content_unknown,
            **answers,
            "simulated": self.simulated,
            "chains": summaries,
            "findings": self.findings,
            "findings_left_out": self.left_out,
        }

    def answer(self, question):
        if self.bad[question]:
            return {"answer": "bad", "count": self.bad[question]}
        if not self.records:
            return {"answer": "not-checked", "why": "no records were given"}
        if not self.accepted:
            return {"answer": "not-checked", "why": "no record has a valid signature"}
        return {"answer": "ok"}


def load_registry(text):
    def unique(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a member stands twice")
        return dict(pairs)

    return Registry(json.loads(text, object_pairs_hook=unique))


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Verifies Tidewaiter records: signature, chain, completeness, time.")
    parser.add_argument("--registry", required=True, help="the JSON document of keys")
    parser.add_argument("--start", type=int, default=0, help="the number every chain begins with (default 0)")
    parser.add_argument("--evidence", type=Path, metavar="FOLDER", help="content by its SHA-256; what is not there is missing")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a CBOR sequence, - for standard input")
    options = parser.parse_args(arguments)
    try:
        with open(options.registry, encoding="utf-8") as file:
            registry = load_registry(file.read())
        verifier = Verifier(registry, options.start, options.evidence)
        for name in options.files:
            if name == "-":
                verifier.push_stream(sys.stdin.buffer.read())
            else:
                with open(name, "rb") as file:
                    verifier.push_stream(file.read())
    except (OSError, ValueError, RecursionError) as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 2
    report = verifier.finish()
    print(json.dumps(report, ensure_ascii=False, indent=2))
    return 1 if any(verifier.bad.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
