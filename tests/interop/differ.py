#!/usr/bin/env python3
"""Holds verify.py against another verifier on streams that nobody wrote by hand.

    differ.py --verifier PROGRAM [--seed N] [--count N] FOLDER

FOLDER is the corpus (agent/record/vectors/v1). PROGRAM takes a registry and files, and prints a JSON report per file on
a line each (the example `verify` of tidewaiter-record). Streams are made from the corpus by damaging bytes, by damaging
header or payload *and signing again* with the key it names, and by dropping, repeating and exchanging items. Both
have to give the same answers and the same findings. A stream that differs is kept and named.

Exit code 0 without differences, 1 with, 2 on usage.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verify import Ed25519Key, Item, Malformed, Verifier, bstr, load_registry, split

ANSWERS = ("signature", "chain", "completeness", "time")
# Not among them: content_unknown. Which words a reader knows is its own affair, and verify.py reads none.
COUNTS = ("records", "accepted", "duplicates", "simulated", "findings_left_out")
BATCH = 500
# The secret keys in the vectors are byte ramps; that of agent gate-1 begins at 0.
RAMPS = [Ed25519PrivateKey.from_private_bytes(bytes(range(it, it + 32))) for it in (0x00, 0x20, 0x40, 0x60, 0xC0, 0xE0)]
KEYS = {Ed25519Key(key.public_key().public_bytes_raw()).kid: key for key in RAMPS}
# Bytes that mean something at the head of an item.
HEADS = bytes([0x00, 0x01, 0x17, 0x18, 0x19, 0x1B, 0x20, 0x40, 0x58, 0x60, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xF4, 0xF6, 0xF7, 0xF9])


def damaged(data, chance):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(data)) if data else 0
        deed = chance.randrange(5)
        if deed == 0 and data:
            data[at] ^= 1 << chance.randrange(8)
        elif deed == 1 and data:
            data[at] = chance.choice(HEADS)
        elif deed == 2 and data:
            data[at] = (data[at] + chance.choice((1, -1))) % 256
        elif deed == 3:
            data.insert(at, chance.choice(HEADS))
        elif data:
            del data[at]
    return bytes(data)


def signed_again(item, chance):
    """The item with its header or payload damaged, and a signature that fits."""
    parts = envelope_parts(item)
    if parts is None:
        return item
    header, payload = parts
    named = Item(item).header
    kid = named.get_int(4) if isinstance(named, dict) else None
    key = KEYS.get(kid if isinstance(kid, bytes) else None, RAMPS[0])
    if chance.random() < 0.3:
        header = damaged(header, chance)
    else:
        payload = damaged(payload, chance)
    signature = key.sign(b"\x84\x6aSignature1" + bstr(header) + b"\x40" + bstr(payload))
    return b"\xd2\x84" + bstr(header) + b"\xa0" + bstr(payload) + bstr(signature)


def envelope_parts(item):
    try:
        Item(item)
    except Malformed:
        return None
    at, parts = 2, []
    for _ in range(3):
        low = item[at] & 31
        width = 0 if low < 24 else 1 << (low - 24)
        length = low if not width else int.from_bytes(item[at + 1 : at + 1 + width], "big")
        if item[at] == 0xA0:
            at += 1
            continue
        parts.append(item[at + 1 + width : at + 1 + width + length])
        at += 1 + width + length
    return parts


def made(streams, chance):
    items = list(chance.choice(streams))
    for _ in range(chance.choice((1, 1, 2))):
        if not items:
            break
        at = chance.randrange(len(items))
        deed = chance.random()
        if deed < 0.6:
            items[at] = signed_again(items[at], chance)
        elif deed < 0.75:
            items[at] = damaged(items[at], chance)
        elif deed < 0.82:
            del items[at]
        elif deed < 0.9:
            items.insert(chance.randrange(len(items) + 1), items[at])
        else:
            other = chance.randrange(len(items))
            items[at], items[other] = items[other], items[at]
    return b"".join(items)


def told(report):
    found = {name: report[name]["answer"] for name in ANSWERS}
    found.update({name: report[name] for name in COUNTS})
    bad = [it for it in report["findings"] if it["question"] != "note"]
    found["findings"] = sorted(([it["code"], it["chain"], it["seq"]] for it in bad), key=repr)
    found["heads"] = [(it["chain"], it["last_seq"], it["head"]) for it in report["chains"]]
    return found


def compare(streams, registry_path, program, folder):
    registry = load_registry(registry_path.read_text(encoding="utf-8"))
    files = []
    for number, stream in enumerate(streams):
        files.append(folder / f"{number}.cborseq")
        files[-1].write_bytes(stream)
    output = subprocess.run([program, registry_path, *files], check=True, capture_output=True, text=True).stdout
    reports = [json.loads(line) for line in output.splitlines()]
    if len(reports) != len(files):
        raise ValueError(f"{len(files)} streams, {len(reports)} reports")
    different = []
    for stream, report in zip(streams, reports):
        verifier = Verifier(registry)
        verifier.push_stream(stream)
        ours, theirs = told(verifier.finish()), told(report)
        if ours != theirs:
            different.append((stream, ours, theirs))
    return different, sum(report["signature"]["answer"] == "ok" for report in reports)


def main():
    parser = argparse.ArgumentParser(description="Compares two verifiers on made-up streams.")
    parser.add_argument("--verifier", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    cases = json.loads((options.folder / "cases.json").read_text(encoding="utf-8"))
    streams = []
    for case in cases:
        data = bytes.fromhex((options.folder / "cases" / f"{case['name']}.hex").read_text().replace("\n", ""))
        try:
            streams.append(list(split(data)))
        except Malformed:
            continue
    differing, passed, done = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while done < options.count:
            batch = [made(streams, chance) for _ in range(min(BATCH, options.count - done))]
            registry = options.folder / chance.choice(("registry-production.json", "registry-test.json"))
            different, good = compare(batch, registry, options.verifier, Path(folder))
            passed, done = passed + good, done + len(batch)
            for stream, ours, theirs in different:
                differing += 1
                kept = Path(tempfile.gettempdir()) / f"differ-{options.seed}-{differing}.cborseq"
                kept.write_bytes(stream)
                parts = {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
                print(f"{kept}: verify.py and the other say {parts}")
    print(f"seed {options.seed}: {done} streams, {passed} with every signature good, {differing} with different answers")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
