#!/usr/bin/env python3
"""A second client of Tidewaiter's signed orders, written from MANDATE.md and mandate.cddl.

    mandate.py CASES.json [DOCUMENT.hex ...]

Plays every case of the vectors (`agent/record/vectors/mandate1/cases.json`) and compares what becomes of each step with
what the case wants; opens the documents and says what they are. Prints one JSON object.

Exit code 0: everything as the vectors say; 1: something differs; 2: usage.

It shares nothing with the agent: the standard library, `cryptography` for Ed25519, and the CBOR decoder of verify.py.
"""

import copy
import datetime
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from verify import Decoder, Malformed, Map, array, bstr, decode, every, fields, fixed, hash32, head_bytes, int64
from verify import need, texts, tstr, u64

TAG = (6, 98)
MOST = {"root": 65536, "limits": 65536, "assignment": 16384, "plan": 262144, "command": 8192}
TYP = {f"application/vnd.tidewaiter.{kind}+cbor; v=1": kind for kind in MOST}
MOST_SIGNATURES, MOST_KEYS, MOST_TABLE, MOST_DENIED, MOST_ARGUMENTS = 16, 64, 262144, 1024, 16
ROOT, LIMITS, DIRECTOR = 0, 1, 2


class Refused(Exception):
    """An order that is not taken; the text is the cause."""


def blob(it):
    need(type(it) is bytes, "not a byte string")


def date(it):
    tstr(it)
    try:
        need(datetime.date.fromisoformat(it).isoformat() == it, "not YYYY-MM-DD")
    except ValueError:
        raise Malformed("not a date") from None


def on_expiry(it):
    need(it in ("keep-and-flag", "refuse"), "not a word of on_expiry")


role = array(u64, every(fixed(8)))
floors = array(u64, u64, u64)
SHAPE = {
    "root": fields({1: u64, 2: every(array(int64, blob)), 3: array(role, role, role, role), 4: int64}, {5: floors}),
    "limits": fields({1: u64, 2: every(array(tstr, tstr, hash32, u64, date, on_expiry)), 3: u64}),
    "assignment": fields(
        {1: tstr, 2: u64, 3: u64, 4: every(array(tstr, tstr, hash32)), 7: u64, 8: u64, 9: every(tstr)},
        {5: array(tstr, u64, hash32), 6: hash32},
    ),
    "plan": fields({1: tstr, 2: u64, 3: tstr}),
    "command": fields(
        {1: tstr, 2: fixed(16), 3: u64, 4: tstr, 5: texts(tstr), 6: u64, 7: array(fixed(16), u64, hash32)}
    ),
}


def sha256(data):
    return hashlib.sha256(data).digest()


def kid_of(public):
    """RFC 9679: SHA-256 of {1: 1, -1: 6, -2: x}, the first eight bytes."""
    return sha256(b"\xa3\x01\x01\x20\x06\x21" + bstr(public))[:8]


class Signed:
    """COSE_Sign (RFC 9052 §4.1): 98([protected, {}, payload, [+ [protected, {}, signature]]])."""

    def __init__(self, data, expected=None):
        if len(data) > max(MOST.values()) or (expected and len(data) > MOST[expected]):
            raise Refused("too-large")
        self.data = data
        try:
            self.open(data)
        except Malformed:
            raise Refused("malformed") from None
        if expected and self.kind != expected:
            raise Refused("malformed")

    def open(self, data):
        decoder = Decoder(data)
        need(decoder.head() == TAG, "another tag")
        need(decoder.head() == (4, 4), "not an array of four")
        self.protected = decoder.item()
        blob(self.protected)
        header = decode(self.protected)
        fields({16: tstr})(header)
        need(header.get_int(16) in TYP, "another typ")
        self.kind = TYP[header.get_int(16)]
        if len(data) > MOST[self.kind]:
            raise Refused("too-large")
        need(decoder.item() == Map(), "unprotected header")
        self.payload = decoder.item()
        blob(self.payload)
        signatures = decoder.item()
        need(decoder.at == len(data), "bytes follow")
        self.signatures = []
        every(array(blob, fields({}), blob))(signatures)
        for protected, _, value in signatures:
            own = decode(protected)
            fields({1: int64, 4: fixed(8)})(own)
            self.signatures.append((own.get_int(1), own.get_int(4), protected, value))
        if not 1 <= len(self.signatures) <= MOST_SIGNATURES:
            raise Refused("unsound")
        decode(self.payload)

    def signers(self, keys):
        """The distinct keys of `keys` (by kid) that signed it."""
        counted = set()
        for algorithm, kid, protected, value in self.signatures:
            if kid in counted or kid not in keys or algorithm != -19:
                continue
            message = b"\x85" + head_bytes(3, 9) + b"Signature" + bstr(self.protected) + bstr(protected)
            message += bstr(b"") + bstr(self.payload)
            try:
                Ed25519PublicKey.from_public_bytes(keys[kid]).verify(value, message)
            except (InvalidSignature, ValueError):
                continue
            counted.add(kid)
        return counted

    def read(self):
        try:
            found = decode(self.payload)
            SHAPE[self.kind](found)
        except Malformed:
            raise Refused("malformed") from None
        return {key: value for (_, key), value in found.items()}


def sound(condition):
    if not condition:
        raise Refused("unsound")


class Root:
    def __init__(self, signed):
        read = signed.read()
        self.read, self.data = read, signed.data
        self.version, self.roles, self.floors = read[1], read[3], read.get(5)
        sound(self.version > 0 and len(read[2]) <= MOST_KEYS)
        self.keys = {}
        for algorithm, public in read[2]:
            sound(algorithm == -19 and len(public) == 32)
            kid = kid_of(public)
            sound(kid not in self.keys)
            self.keys[kid] = public
        for threshold, kids in self.roles:
            sound(all(a < b for a, b in zip(kids, kids[1:])))
            sound(all(kid in self.keys for kid in kids))
            sound(threshold <= len(kids) and (threshold > 0 or not kids))
        sound(self.roles[ROOT][0] > 0)

    def need(self, role, least, signed):
        threshold, kids = self.roles[role]
        found = signed.signers({kid: self.keys[kid] for kid in kids})
        if len(found) < max(threshold, least, 1):
            raise Refused("threshold")

    def stands_behind(self, role, held):
        try:
            self.need(role, 1, held[0])
        except Refused:
            return False
        return True


class Authority:
    def __init__(self, agent, anchor):
        signed = Signed(anchor, "root")
        self.agent, self.root = agent, Root(signed)
        self.root.need(ROOT, 1, signed)
        self.floors = list(self.root.floors or (0, 0, 0))
        self.beacon, self.held, self.active = 0, {}, None

    def offer(self, data):
        signed = Signed(data)
        if signed.kind == "root":
            return self.offer_root(signed)
        if signed.kind not in ("limits", "assignment"):
            raise Refused("malformed")
        at, role = (0, LIMITS) if signed.kind == "limits" else (1, DIRECTOR)
        self.root.need(role, 1, signed)
        read = signed.read()
        if signed.kind == "limits":
            names = [(it[0], it[1]) for it in read[2]]
            sound(all(1 <= it[3] <= MOST_TABLE for it in read[2]))
            version, expires = read[1], read[3]
        else:
            names = [(it[0], it[1]) for it in read[4]]
            sound(sum(len(it.encode()) for it in read[9]) <= MOST_DENIED)
            version, expires = read[2], read[8]
        sound(len(set(names)) == len(names))
        if signed.kind == "assignment" and read[1] != self.agent:
            raise Refused("not-ours")
        if version < self.floors[at]:
            raise Refused("rollback")
        held = self.held.get(signed.kind)
        if held and self.version(held) == version:
            if held[1] == read:
                return "known"
            raise Refused("conflict")
        if self.beacon > expires:
            raise Refused("expired")
        self.floors[at] = version
        self.held[signed.kind] = (signed, read)
        return "ok"

    @staticmethod
    def version(held):
        return held[1][1] if held[0].kind == "limits" else held[1][2]

    def offer_root(self, signed):
        root = Root(signed)
        if root.version == self.root.version:
            if root.read == self.root.read:
                return "known"
            raise Refused("conflict")
        if root.version < self.root.version:
            raise Refused("rollback")
        if root.version != self.root.version + 1:
            raise Refused("missing-root")
        self.root.need(ROOT, 1, signed)
        root.need(ROOT, 1, signed)
        self.floors = list(root.floors or self.floors)
        self.root = root
        roles = {"limits": LIMITS, "assignment": DIRECTOR}
        self.held = {kind: it for kind, it in self.held.items() if root.stands_behind(roles[kind], it)}
        if self.active:
            limits, assignment = self.active["limits"], self.active["assignment"]
            self.active["orphaned"] = not (
                root.stands_behind(LIMITS, limits) and root.stands_behind(DIRECTOR, assignment)
            )
        return "ok"

    def settle(self, present):
        """Makes limits and assignment active when they agree and every table is there."""
        if len(self.held) < 2:
            return
        limits, assignment = self.held["limits"], self.held["assignment"]
        active = self.active
        if active and not active["orphaned"]:
            if active["limits"][1] == limits[1] and active["assignment"][1] == assignment[1]:
                return
        if self.beacon > min(limits[1][3], assignment[1][8]) or limits[1][1] < assignment[1][3]:
            return
        approved = {(it[0], it[1], it[2]) for it in limits[1][2]}
        if all(tuple(it) in approved and it[2] in present for it in assignment[1][4]):
            self.active = dict(limits=limits, assignment=assignment, root=self.root.version, orphaned=False)

    def table(self, data):
        digest = sha256(data)
        pairs = [self.held] if len(self.held) == 2 else []
        pairs += [self.active] if self.active else []
        for pair in pairs:
            if any(it[2] == digest for it in pair["assignment"][1][4]):
                for entry in pair["limits"][1][2]:
                    if entry[2] == digest:
                        if entry[3] != len(data):
                            raise Refused("length")
                        return digest
        raise Refused("not-wanted")

    def plan(self, data):
        signed = Signed(data, "plan")
        self.root.need(LIMITS, 2, signed)
        read = signed.read()
        assigned = self.active["assignment"][1].get(5) if self.active else None
        if assigned != [read[1], read[2], sha256(read[3].encode())]:
            raise Refused("plan-not-assigned")
        return "ok"

    def command(self, data):
        signed = Signed(data, "command")
        self.root.need(DIRECTOR, 1, signed)
        read = signed.read()
        sound(len(read[5]) <= MOST_ARGUMENTS and read[3] > 0)
        if read[1] != self.agent:
            raise Refused("not-ours")
        return "ok"

    def ends(self):
        if not self.active:
            return None
        limits, assignment = self.active["limits"][1], self.active["assignment"][1]
        stale = self.active["orphaned"] or self.beacon > min(limits[3], assignment[8])
        word = {(it[0], it[1], it[2]): it[5] for it in limits[2]}
        judge = [it for it in assignment[4] if not (stale and word[tuple(it)] == "refuse")]
        return dict(versions=[self.active["root"], limits[1], assignment[2]], stale=stale, tables=len(judge))


def play(case, agent, anchor):
    """The differences between what the case wants and what happens."""
    authority, present, differences = Authority(agent, anchor), set(), []
    for at, step in enumerate(case["steps"]):
        kind, want = step["step"], step.get("want")
        data = bytes.fromhex(step.get("hex", "")) + bytes(step.get("zeros", 0))
        found = want
        if kind == "beacon":
            authority.beacon = max(authority.beacon, step["number"])
        elif kind != "restart":
            before = copy.deepcopy((authority.floors, authority.root.version, sorted(authority.held)))
            try:
                if kind == "table":
                    present.add(authority.table(data))
                    found = "ok"
                else:
                    found = getattr(authority, kind)(data)
            except Refused as why:
                found = str(why)
                if before != (authority.floors, authority.root.version, sorted(authority.held)):
                    differences.append(f"{case['name']}: step {at} was refused and changed something")
        if found != want:
            differences.append(f"{case['name']}: step {at} is {found}, wanted {want}")
        authority.settle(present)
    if authority.ends() != case["ends"]:
        differences.append(f"{case['name']}: ends {authority.ends()}, wanted {case['ends']}")
    return differences


def main(arguments):
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        index = json.load(file)
    anchor = bytes.fromhex(index["anchor"])
    differences = [it for case in index["cases"] for it in play(case, index["agent"], anchor)]
    documents = {}
    root = Root(Signed(anchor, "root"))
    for name in arguments[1:]:
        with open(name, encoding="utf-8") as file:
            signed = Signed(bytes.fromhex("".join(file.read().split())))
        signed.read()
        documents[name.rsplit("/", 1)[-1]] = {"kind": signed.kind, "signers": len(signed.signers(root.keys))}
    print(json.dumps({"cases": len(index["cases"]), "differences": differences, "documents": documents}, indent=2))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
