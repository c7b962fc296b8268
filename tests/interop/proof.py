#!/usr/bin/env python3
"""Checks a proof of the centre's log, from FORMAT.md alone.

    proof.py --registry REGISTRY.json [--record RECORD] PROOF

Says in one JSON object whether the record with the hash in the proof is in the log that the centre has signed for.
Exit code 0: it is; 1: it is not; 2: usage or an unreadable file.

It uses the standard library alone, so the signature of the head is checked here by the formulas of RFC 8032 §5.1: slow,
and meant for checking, never for signing. Keys of other algorithms than Ed25519 are refused.
"""

import argparse
import hashlib
import json
import sys

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# Ed25519: points in extended coordinates (RFC 8032 §5.1.4).


def add(a, b):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    e, g = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = g - e, d - c, d + c, g + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    product = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            product = add(product, point)
        point, scalar = add(point, point), scalar >> 1
    return product


def point(encoded):
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point(bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666"))


def is_signed(public, message, signature):
    if len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % Q
    left, right = times(s, BASE), add(point(r), times(k, point(public)))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    return s < Q and same


# CBOR: integers, byte and text strings, arrays, maps, one tag.


def item(data, at=0):
    first, at = data[at], at + 1
    major, extra = first >> 5, first & 31
    if extra >= 24:
        if extra > 27:
            raise ValueError("no definite length")
        size = 1 << (extra - 24)
        extra, at = int.from_bytes(data[at : at + size], "big"), at + size
    if major in (0, 1):
        return (extra if major == 0 else -1 - extra), at
    if major in (2, 3):
        if at + extra > len(data):
            raise ValueError("a string is cut off")
        text = data[at : at + extra]
        return (text if major == 2 else text.decode()), at + extra
    if major == 6:
        return item(data, at)
    if major not in (4, 5):
        raise ValueError("not of this format")
    items = []
    for _ in range(extra * (major - 3)):
        value, at = item(data, at)
        items.append(value)
    return (items if major == 4 else dict(zip(items[::2], items[1::2]))), at


def whole(data):
    value, end = item(data)
    if end != len(data):
        raise ValueError("bytes after the item")
    return value


def head(major, size):
    for extra, width in ((24, 1), (25, 2), (26, 4)):
        if size < 24:
            return bytes([major << 5 | size])
        if size < 1 << 8 * width:
            return bytes([major << 5 | extra]) + size.to_bytes(width, "big")
    raise ValueError("too long")


def bstr(data):
    return head(2, len(data)) + data


# The log (RFC 9162 §2.1.3.2).


def root(leaf, index, size, path):
    last, value = size - 1, leaf
    for it in path:
        if last == 0:
            raise ValueError("the path is too long")
        if index % 2 or index == last:
            value = sha256(b"\x01", it, value)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            value = sha256(b"\x01", value, it)
        index, last = index // 2, last // 2
    if last:
        raise ValueError("the path is too short")
    return value


def check(proof, registry, record):
    fields = whole(proof)
    if sorted(fields) != [1, 2, 3, 4, 5, 6, 7] or fields[1] != 1:
        raise ValueError("no inclusion proof of version 1")
    protected, unprotected, payload, signature = whole(fields[7])
    header, signed = whole(protected), whole(payload)
    if unprotected or header.get(16) != "application/vnd.tidewaiter.head+cbor; v=1" or header.get(1) != -19:
        raise ValueError("no head that can be checked here")
    keys = [it for it in registry["keys"] if it["kid"] == header[4].hex() and it["role"] == "centre"]
    if not keys:
        raise ValueError("the head is not by a centre of the registry")
    message = head(4, 4) + b"\x6aSignature1" + bstr(protected) + bstr(b"") + bstr(payload)
    if not is_signed(bytes.fromhex(keys[0]["public"]), message, signature):
        raise ValueError("the signature of the head does not hold")
    if not fields[5] < signed[3]:
        raise ValueError("the head does not cover this leaf")
    if root(sha256(b"\x00", fields[4]), fields[5], signed[3], fields[6]) != signed[4]:
        raise ValueError("the path does not lead to the root")
    if record is not None and sha256(record) != fields[4]:
        raise ValueError("the proof is of another record")
    return {"included": True, "hash": fields[4].hex(), "index": fields[5], "number": signed[2], "size": signed[3]}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--registry", required=True)
    arguments.add_argument("--record")
    arguments.add_argument("proof")
    given = arguments.parse_args()
    try:
        with open(given.registry, encoding="utf-8") as file:
            registry = json.load(file)
        proof = open(given.proof, "rb").read()
        record = open(given.record, "rb").read() if given.record else None
    except (OSError, ValueError) as why:
        print(why, file=sys.stderr)
        return 2
    try:
        print(json.dumps(check(proof, registry, record)))
        return 0
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as why:
        print(json.dumps({"included": False, "why": str(why)}))
        return 1


if __name__ == "__main__":
    sys.exit(main())
