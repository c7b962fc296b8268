#!/usr/bin/env python3
"""Reads records, receipts and statements with nothing of ours: cbor2, pycose, and record.cddl by pycddl.

    foreign.py --cddl record.cddl --registry REGISTRY.json FILE...

A FILE is a CBOR sequence, or one in hexadecimal if its name ends in `.hex`. Of every item: the envelope is opened by
pycose; cbor2 decodes header and payload and writes the same bytes again in its canonical form; header and payload are
valid by record.cddl; the signature is that of the registry's key, or for a statement of the key inside, by pycose. Prints
one JSON object with the counts and what was found.

Exit code 0: nothing found; 1: something; 2: usage.
"""

import argparse
import io
import json
import re
import sys
from pathlib import Path

import cbor2
import pycddl
from pycose.algorithms import EdDSA, Es256
from pycose.keys import EC2Key, OKPKey
from pycose.keys.curves import P256, Ed25519
from pycose.messages import Sign1Message


# The fully specified algorithms of RFC 9864 are younger than pycose: the same computations under other numbers.
@EdDSA.register_attribute()
class FullySpecifiedEd25519(EdDSA):
    identifier = -19
    fullname = "FULLY_SPECIFIED_ED25519"


@Es256.register_attribute()
class FullySpecifiedP256(Es256):
    identifier = -9
    fullname = "FULLY_SPECIFIED_P256"


TYP = {
    "application/vnd.tidewaiter.record+cbor; v=1": "record",
    "application/vnd.tidewaiter.receipt+cbor; v=1": "receipt",
    "application/vnd.tidewaiter.enrolment+cbor; v=1": "statement",
    "application/vnd.tidewaiter.head+cbor; v=1": "head",
    "application/vnd.tidewaiter.resend+cbor; v=1": "resend",
}

# What pycddl 0.6 does not do, though RFC 8610 has it: ranges below zero, `.bits`, enumerations of a group inside an array,
# a choice of literal texts as the key of a map, and null beside an array as the last place of an array. The stand-ins
# take nothing that the rule refuses, but for integers beyond 64 bits, which the other two readers look at.
STAND_INS = [
    (r"(?m)^int64 = -\d+\.\.\d+$", "int64 = int"),
    (r"(?m)^flags = uint \.bits flag$", "flags = 0..3"),
    (r"\{\* missing-word => uint32 \}", "{* tstr => uint32 }"),
    (r"anchor: log-head / null,", "anchor: log-head // chain: chain-id, seq: seq-number, prev: hash, anchor: null,"),
]


class Rules:
    """record.cddl, by rule; a kind has the rule that `known-body` names for it."""

    def __init__(self, text):
        for pattern, stand_in in STAND_INS:
            text, count = re.subn(pattern, stand_in, text)
            if count == 0:
                raise ValueError(f"record.cddl has no {pattern!r}: this program is older than the file")
        numbers = lambda group: " / ".join(part.split(":")[1].strip() for part in group[1].split(","))
        self.text = re.sub(r"&\(([^)]*)\)", numbers, text)
        self.kinds = dict(re.findall(r"\[ (\d+), +time-block, ([\w-]+) \]", text))
        self.schemas = {}

    def check(self, rule, data):
        if rule not in self.schemas:
            self.schemas[rule] = pycddl.Schema(f"start = {rule}\n{self.text}")
        self.schemas[rule].validate_cbor(data)

    def body(self, kind):
        known = self.kinds.get(str(kind))
        return "body" if known is None else f"[ {kind}, time-block, {known} ]"


def items(data):
    """The items of a sequence, cut by cbor2."""
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        # Read by single bytes, so that the next item begins where this one ends.
        yield cbor2.CBORDecoder(stream, read_size=1).decode()


def key_of(alg, public):
    if alg == -19:
        return OKPKey(crv=Ed25519, x=public)
    if alg == -9:
        return EC2Key(crv=P256, x=public[:32], y=public[32:])
    raise ValueError(f"algorithm {alg} is none that pycose can check")


def check(item, rules, registry):
    if item.tag != 18:
        raise ValueError(f"tag {item.tag}")
    protected, unprotected, payload, signature = item.value
    if unprotected:
        raise ValueError("the unprotected header is not empty")
    for part in (protected, payload):
        if cbor2.dumps(cbor2.loads(part), canonical=True) != part:
            raise ValueError("cbor2 writes it otherwise")
    header, body = cbor2.loads(protected), cbor2.loads(payload)
    kind = TYP[header[16]]
    rules.check(f"{kind}-header", protected)
    rules.check(rules.body(body[0]) if kind == "record" else f"{kind}-payload", payload)
    # What `decode` does once it has the array: it wants a list and a dict, and cbor2 6 gives a tuple and a frozen map
    # within a tag.
    message = Sign1Message.from_cose_obj([protected, dict(unprotected), payload, signature], True)
    if kind == "statement":
        public = body[4]
    else:
        public = bytes.fromhex(registry[header[4].hex()]["public"])
    message.key = key_of(header[1], public)
    if not message.verify_signature():
        raise ValueError("pycose: the signature does not verify")
    return kind


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cddl", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    rules = Rules(Path(arguments.cddl).read_text(encoding="utf-8"))
    keys = json.loads(Path(arguments.registry).read_text(encoding="utf-8"))["keys"]
    registry = {key["kid"]: key for key in keys}
    counts, kinds, found = {}, set(), []
    for file in arguments.files:
        data = Path(file).read_bytes()
        if file.endswith(".hex"):
            data = bytes.fromhex(data.decode("ascii"))
        for at, item in enumerate(items(data)):
            try:
                kind = check(item, rules, registry)
                counts[kind] = counts.get(kind, 0) + 1
                if kind == "record":
                    kinds.add(cbor2.loads(item.value[2])[0])
            except Exception as error:  # Whatever another library raises is a finding.
                found.append({"file": file, "item": at, "what": f"{type(error).__name__}: {error}"[:500]})
    print(json.dumps({"items": counts, "kinds": sorted(kinds), "found": found[:20], "bad": len(found)}))
    return 1 if found or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
