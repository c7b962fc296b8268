#!/usr/bin/env python3
"""How fast verify.py reads a stream, beside what its signatures alone cost.

    verify_rate.py [--records N]

Seals a chain of N records (20 000) with the made-up key of the vectors, one interval after the other, verifies it, and in
turns with it checks the same signatures over the same bytes with `cryptography` alone. Prints both rates and their ratio;
goal 0.5 or more. The ratio is the figure, the rates are those of the machine.
"""

import argparse
import hashlib
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verify import Item, Verifier, bstr, head_bytes, load_registry

VECTORS = Path(__file__).parent / "../../agent/record/vectors/v1"
# The secret key of agent gate-1 in the vectors: a byte ramp.
GATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TURNS = 20


def vector(name):
    return bytes.fromhex((VECTORS / name).read_text().replace("\n", ""))


def envelope_parts(data):
    """Header and payload of a record, as they stand in it."""
    parts, at = [], 2
    while len(parts) < 2:
        if data[at] == 0xA0:
            at += 1
            continue
        low = data[at] & 31
        width = 0 if low < 24 else 1 << (low - 24)
        length = low if not width else int.from_bytes(data[at + 1 : at + 1 + width], "big")
        at += 1 + width
        parts.append(data[at : at + length])
        at += length
    return parts


def chain(records):
    """The frozen genesis, and the frozen interval again and again in its later places."""
    genesis = vector("00-genesis.hex")
    header, payload = envelope_parts(vector("02-interval.hex"))
    # The place ends the header: its label, the chain of 16 bytes; number, link and anchor follow.
    start = header.index(bytes.fromhex("3a0001117084")) + 6 + 17
    items, prev = [genesis], hashlib.sha256(genesis).digest()
    for seq in range(1, records):
        placed = header[:start] + head_bytes(0, seq) + bstr(prev) + b"\xf6"
        signed = b"\x84\x6aSignature1" + bstr(placed) + b"\x40" + bstr(payload)
        item = b"\xd2\x84" + bstr(placed) + b"\xa0" + bstr(payload) + bstr(GATE.sign(signed))
        items.append(item)
        prev = hashlib.sha256(item).digest()
    return items


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=20_000)
    records = parser.parse_args().records
    items = chain(records)
    public = GATE.public_key()
    alone = [(item.signature, item.signed) for item in map(Item, items)]
    verifier = Verifier(load_registry((VECTORS / "registry-test.json").read_text(encoding="utf-8")))
    ours = theirs = 0.0
    turn = -(-records // TURNS)
    for at in range(0, records, turn):
        stream = b"".join(items[at : at + turn])
        begun = time.perf_counter()
        verifier.push_stream(stream)
        ours += time.perf_counter() - begun
        begun = time.perf_counter()
        for signature, signed in alone[at : at + turn]:
            public.verify(signature, signed)
        theirs += time.perf_counter() - begun
    report = verifier.finish()
    if report["accepted"] != records or report["signature"]["answer"] != "ok" or report["chain"]["answer"] != "ok":
        print(f"the stream is not accepted: {report['accepted']} of {records}, {report['findings'][:3]}", file=sys.stderr)
        return 1
    print(f"{records} records of {sum(map(len, items)) // records} bytes on average")
    print(f"verified in full   {records / ours:>9.0f} records/s")
    print(f"signatures alone   {records / theirs:>9.0f} records/s (cryptography)")
    print(f"ratio              {theirs / ours:>9.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
