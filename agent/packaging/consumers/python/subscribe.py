#!/usr/bin/env python3
"""Subscribe to Tidewaiter records, believe none that does not prove itself, print one line each.

    pip install -r requirements.txt
    subscribe.py --registry registry.json mqtt://127.0.0.1:1883
    subscribe.py --registry registry.json --ca ca.pem --certificate me.pem --key me.key mqtts://broker.example:8883
    subscribe.py --registry registry.json --json mqtt://127.0.0.1:1883 | jq 'select(.disposition == "alarm")'

The registry is the centre's: `tidewaiter-collector keys export --config collector.toml --out registry.json`. A key that an agent
rotated to is in it from then on, so export it again after a rotation.

What is checked of each record: the signature, by the registered key of that agent and chain; that it follows the record before it
(`prev` is that record's hash). What is said: `duplicate` (sent again, which is normal), `gap` (records before it have not come
yet), `forked` (another record has this number), `refused` (proves nothing). Exit code 1 if anything was refused or forked.

A copy of this file is a start for your own consumer; whoever has to be certain takes the whole verifier, `tidewaiter verify` or
tests/interop/verify.py. Written from agent/record/FORMAT.md.
"""

import argparse
import hashlib
import json
import sys
from collections import OrderedDict
from datetime import datetime, timezone
from io import BytesIO
from urllib.parse import urlsplit

import cbor2
import paho.mqtt.client as mqtt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

# FORMAT.md §1: no record is longer.
LONGEST = 32 * 1024
RECORD = "application/vnd.tidewaiter.record+cbor; v=1"
ALG, KID, CLAIMS, TYP, PLACE = 1, 4, 15, 16, -70001
ED25519, ESP256 = -19, -9
NAMES = {"Ed25519": ED25519, "ESP256": ESP256}
KINDS = {
    0: "genesis", 1: "reading", 2: "no-reading", 3: "event", 4: "heartbeat", 5: "time-step", 6: "time-repair",
    7: "instrument-identity", 8: "config-activated", 9: "limits-activated", 10: "command-result", 11: "stopped",
    12: "resumed", 13: "key-rotate", 14: "recovery", 15: "shutdown", 16: "inspection", 17: "interval",
    18: "inspection", 19: "interval", 20: "follow-up", 21: "warning", 22: "evidence", 24: "trimmed",
}  # fmt: skip
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# Hashes remembered per chain: what comes again is nearly always among the newest.
REMEMBERED = 4096


class Refused(Exception):
    """Bytes that prove nothing, and why."""


class Registry:
    """Which key may sign what."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if document.get("version") != 1:
            raise SystemExit(f"{path}: version {document.get('version')!r}; this program reads version 1")
        self.production = document["class"] == "production"
        self.keys = {bytes.fromhex(it["kid"]): it for it in document["keys"]}

    def check(self, kid, alg, agent, chain, seq, message, signature):
        key = self.keys.get(kid)
        if key is None:
            raise Refused(f"unknown key {kid.hex()}; export the registry again if it is a new one")
        if key["role"] != "agent" or key["agent"] != agent or key["chain"] != chain.hex():
            raise Refused(f"key {kid.hex()} is not of agent {agent} and this chain")
        if seq < key["from_seq"] or (key["to_seq"] is not None and seq > key["to_seq"]):
            raise Refused(f"key {kid.hex()} may not sign number {seq}")
        if NAMES.get(key["alg"]) != alg or len(signature) != 64:
            raise Refused(f"key {kid.hex()} signs with {key['alg']}")
        public = bytes.fromhex(key["public"])
        try:
            if alg == ED25519:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
            else:
                r, s = (int.from_bytes(it, "big") for it in (signature[:32], signature[32:]))
                # Of two values that fit, only the smaller is a signature here: no second spelling of a record.
                if not 0 < s <= (P256_ORDER - 1) // 2:
                    raise Refused("signature with the larger s")
                point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + public)
                point.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        except InvalidSignature as why:
            raise Refused("the signature does not fit the bytes") from why
        return bool(key["simulated"])


def one(data):
    """The one CBOR item that `data` is."""
    stream = BytesIO(data)
    try:
        item = cbor2.CBORDecoder(stream).decode()
    except Exception as why:  # noqa: BLE001 - whatever a stranger's bytes bring about
        raise Refused(f"no CBOR: {why}") from why
    if stream.tell() != len(data):
        raise Refused("bytes after the record")
    return item


def opened(data, registry):
    """Place, agent and body of a record whose signature holds."""
    if len(data) > LONGEST:
        raise Refused(f"{len(data)} bytes; a record has {LONGEST} at most")
    item = one(data)
    if not isinstance(item, cbor2.CBORTag) or item.tag != 18:
        raise Refused("no COSE_Sign1")
    try:
        protected, unprotected, payload, signature = item.value
        header = one(protected)
        if unprotected or set(header) != {ALG, KID, CLAIMS, TYP, PLACE} or header[TYP] != RECORD:
            raise Refused("no record of version 1")
        chain, seq, prev, _anchor = header[PLACE]
        agent, subject = header[CLAIMS][1], header[CLAIMS][2]
        message = cbor2.dumps(["Signature1", protected, b"", payload])
        simulated = registry.check(header[KID], header[ALG], agent, chain, seq, message, signature)
        kind, time, detail = one(payload)
    except Refused:
        raise
    except Exception as why:  # noqa: BLE001
        raise Refused(f"not the shape of a record: {why!r}") from why
    flags = detail.get(0, 0) if isinstance(detail, dict) else 0
    flags = flags if isinstance(flags, int) else 0
    if (simulated or flags & 1) and registry.production:
        raise Refused("a simulated record, and the registry is of class production")
    return {
        "chain": chain, "seq": seq, "prev": prev, "agent": agent, "subject": subject, "kind": kind, "wall_ms": time[0],
        "detail": detail, "simulated": simulated or bool(flags & 1), "drill": bool(flags & 2),
    }  # fmt: skip


class Chains:
    """What is known of each chain: which records came, by number and hash."""

    def __init__(self):
        self.hashes = {}
        self.newest = {}

    def place(self, record, data):
        """`ok`, `duplicate`, `gap` or `forked`."""
        chain, seq = record["chain"], record["seq"]
        digest = hashlib.sha256(data).digest()
        known = self.hashes.setdefault(chain, OrderedDict())
        if seq in known:
            return "duplicate" if known[seq] == digest else "forked"
        before = known.get(seq - 1)
        known[seq] = digest
        while len(known) > REMEMBERED:
            known.popitem(last=False)
        newest = self.newest.get(chain)
        self.newest[chain] = max(seq, newest if newest is not None else seq)
        if before is not None and before != record["prev"]:
            return "forked"
        # The first record of a chain that is seen has nothing to follow: it may be from the middle.
        return "gap" if before is None and newest is not None else "ok"


def described(record):
    detail, kind = record["detail"], KINDS.get(record["kind"], f"kind-{record['kind']}")
    said = {
        "agent": record["agent"], "chain": record["chain"].hex(), "seq": record["seq"], "kind": kind,
        "at": datetime.fromtimestamp(record["wall_ms"] / 1000, timezone.utc).isoformat(timespec="milliseconds"),
        "simulated": record["simulated"], "drill": record["drill"],
    }  # fmt: skip
    if record["kind"] in (16, 18):
        said |= {
            "inspection": detail[1], "procedure": detail[2], "place": detail[3],
            "identities": [it[2] for it in detail[4][2]],
            "verdict": detail[13], "reason": detail.get(14), "disposition": detail[15],
        }  # fmt: skip
    return said


class Consumer:
    def __init__(self, args):
        self.args, self.registry, self.chains = args, Registry(args.registry), Chains()
        self.counts = {"ok": 0, "duplicate": 0, "gap": 0, "forked": 0, "refused": 0}

    def take(self, topic, data):
        try:
            record = opened(data, self.registry)
            if topic.split("/")[3:4] != [record["agent"]]:
                raise Refused(f"a record of {record['agent']}, published as somebody else")
            said = described(record)
            word = self.chains.place(record, data)
        except Refused as why:
            word, said = "refused", {"topic": topic, "why": str(why)}
        except Exception as why:  # noqa: BLE001 - signed, and yet not what the format says
            word, said = "refused", {"topic": topic, "why": f"content: {why!r}"}
        self.counts[word] += 1
        if word == "duplicate" and not self.args.duplicates:
            return
        said = {"proof": word} | said
        if self.args.json:
            print(json.dumps(said, ensure_ascii=False), flush=True)
        else:
            print("  ".join(str(it) for it in said.values() if it not in (False, None, [])), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("broker", help="mqtt://host[:1883] or mqtts://host[:8883]")
    parser.add_argument("--registry", required=True)
    parser.add_argument("--ca")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--client-id", default="", help="a name of its own; without one the broker gives one")
    parser.add_argument("--share", metavar="GROUP", help="share the work with others of this group ($share)")
    parser.add_argument("--count", type=int, help="end after so many messages")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--duplicates", action="store_true", help="show records that came again, too")
    args = parser.parse_args()
    consumer, url = Consumer(args), urlsplit(args.broker)
    if url.scheme not in ("mqtt", "mqtts") or not url.hostname:
        parser.error("write the broker as mqtt://host or mqtts://host")
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=args.client_id, protocol=mqtt.MQTTv5)
    if url.scheme == "mqtts":
        client.tls_set(ca_certs=args.ca, certfile=args.certificate, keyfile=args.key)
    prefix = f"$share/{args.share}/" if args.share else ""
    taken = 0

    def connected(client, _data, _flags, reason, _properties):
        if reason.is_failure:
            print(f"broker: {reason}", file=sys.stderr)
            return
        client.subscribe([(f"{prefix}tw/1/+/+/{it}", mqtt.SubscribeOptions(qos=1)) for it in ("record", "alert")])

    def subscribed(_client, _data, _mid, reasons, _properties):
        for reason in reasons:
            if reason.is_failure:
                print(f"broker: subscription refused: {reason}", file=sys.stderr)
        print("subscribed", file=sys.stderr, flush=True)

    def came(client, _data, message):
        nonlocal taken
        consumer.take(message.topic, message.payload)
        taken += 1
        if args.count and taken >= args.count:
            client.disconnect()

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, came
    client.connect(url.hostname, url.port or (8883 if url.scheme == "mqtts" else 1883))
    try:
        client.loop_forever(retry_first_connection=True)
    except KeyboardInterrupt:
        pass
    print(json.dumps(consumer.counts), file=sys.stderr)
    return 1 if consumer.counts["refused"] or consumer.counts["forked"] else 0


if __name__ == "__main__":
    sys.exit(main())
