#!/usr/bin/env python3
"""Mosquitto as agent/packaging/brokers configures it, the frozen records of agent/record/vectors, and the example consumers.

Only paths and ports of the broker's files are replaced. With node and cbor-x at hand the function node is run as well; with
--node-red FOLDER (where `npm install node-red cbor-x` was run) the whole flow.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from ports import free_port  # noqa: E402

BROKERS = ROOT / "agent/packaging/brokers/mosquitto"
CONSUMERS = ROOT / "agent/packaging/consumers"
VECTORS = ROOT / "agent/record/vectors/v1"
REGISTRY = VECTORS / "registry-test.json"
WITHIN = 20


def vector(name):
    return bytes.fromhex(re.sub(r"\s", "", (VECTORS / f"{name}.hex").read_text()))


class Authority:
    def __init__(self, folder):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.certificate = self.sign(self.name, self.key.public_key(), True)
        self.path = self.write("ca.pem", self.certificate)

    def write(self, name, what):
        path = self.folder / name
        path.write_bytes(what.public_bytes(serialization.Encoding.PEM))
        return path

    def sign(self, name, public, is_authority=False):
        now = datetime.datetime.now(datetime.timezone.utc)
        names = [x509.DNSName("localhost")]
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), True)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        return builder.sign(self.key, hashes.SHA256())

    def identity(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self.write(f"{name}.pem", self.sign(subject, key.public_key()))
        path = self.folder / f"{name}.key"
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        path.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
        return certificate, path


def broker(folder, authority):
    """The shipped configuration on other ports."""
    authority.identity("broker")
    for name in ("acl", "acl-readers"):
        shutil.copy(BROKERS / name, folder / name)
    tls, plain = free_port(), free_port()
    text = (BROKERS / "tidewaiter.conf").read_text()
    for old, new in (
        ("/etc/mosquitto/tidewaiter/", f"{folder}/"),
        ("persistence_location /var/lib/mosquitto/", f"persistence_location {folder}/"),
        ("listener 8883", f"listener {tls} 127.0.0.1"),
        ("listener 1883 127.0.0.1", f"listener {plain} 127.0.0.1"),
    ):
        assert old in text, f"tidewaiter.conf does not say {old}"
        text = text.replace(old, new)
    if os.getuid() == 0:
        text += "user root\n"
    (folder / "mosquitto.conf").write_text(text)
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    log = open(folder / "mosquitto.log", "w")
    process = subprocess.Popen([program, "-c", folder / "mosquitto.conf"], stderr=log, stdout=log)
    for port in (tls, plain):
        wait(f"mosquitto on {port}", lambda port=port: process.poll() is not None or listens(port))
    assert process.poll() is None, (folder / "mosquitto.log").read_text()
    return process, tls, plain


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def wait(what, done):
    until = time.monotonic() + WITHIN
    while not done():
        assert time.monotonic() < until, f"{what}: not within {WITHIN} s"
        time.sleep(0.05)


class Client:
    """A client that keeps what comes and remembers how publishes were answered."""

    def __init__(self, port, name, authority=None, identity=None):
        self.came, self.answers, self.granted, self.up = [], {}, [], threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
        if authority:
            certificate, key = identity or (None, None)
            self.client.tls_set(ca_certs=str(authority.path), certfile=certificate, keyfile=key)
        self.client.on_connect = lambda *_: self.up.set()
        self.client.on_message = lambda _c, _d, message: self.came.append(message)
        self.client.on_publish = lambda _c, _d, mid, reason, _p: self.answers.__setitem__(mid, reason.value)
        self.client.on_subscribe = lambda _c, _d, _m, reasons, _p: self.granted.extend(it.value for it in reasons)
        self.client.connect("localhost" if authority else "127.0.0.1", port)
        self.client.loop_start()
        assert self.up.wait(WITHIN), f"{name} does not connect"

    def publish(self, topic, payload):
        mid = self.client.publish(topic, payload, qos=1).mid
        wait(f"an answer to {topic}", lambda: mid in self.answers)
        return self.answers[mid]

    def subscribe(self, topic):
        self.client.subscribe(topic, qos=1)
        wait(f"an answer to {topic}", lambda: self.granted)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def consumer(port, out, *more):
    """The Python consumer, subscribed."""
    command = [sys.executable, CONSUMERS / "python/subscribe.py", "--registry", REGISTRY, "--json", *more]
    process = subprocess.Popen([*command, f"mqtt://127.0.0.1:{port}"], stdout=open(out, "w"), stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    assert line == "subscribed\n", line + process.stderr.read()
    return process


RECORDS = [vector(it) for it in ("00-genesis", "01-event", "02-interval", "03-inspection", "04-interval-empty")]
FORGED = RECORDS[3][:-1] + bytes([RECORDS[3][-1] ^ 1])
# What is published under which topic, and what a consumer must say of it.
STORY = [
    ("record", RECORDS[0], "ok"),
    ("record", RECORDS[1], "ok"),
    ("record", RECORDS[1], "duplicate"),
    ("record", FORGED, "refused"),
    ("alert", RECORDS[3], "gap"),
    ("record", RECORDS[2], "ok"),
    ("record", RECORDS[3], "duplicate"),
    ("record", RECORDS[4], "ok"),
    ("record", b"", "refused"),
    ("record", b"\xff" * 40_000, "refused"),
    ("record", b"\x9f" * 30_000, "refused"),
    ("record", RECORDS[4] + b"\x00", "refused"),
    ("record", vector("receipt"), "refused"),
]


def expected(shown):
    return [word for _, _, word in STORY if word != "duplicate" or shown]


def node(folder):
    """The function node's code under plain node: the same story, its own words. None where node or cbor-x is missing."""
    place = next((it for it in (folder, ROOT / "target/node-red") if it and (Path(it) / "node_modules/cbor-x").is_dir()), None)
    if not place or not shutil.which("node"):
        return None
    script = """
const fs = require('fs'), cbor = require('cbor-x'), crypto = require('crypto');
const [code, registry, story] = process.argv.slice(1).map((it) => fs.readFileSync(it, 'utf8'));
const kept = {}, flow = { get: () => JSON.parse(registry) };
const context = { get: (it) => kept[it], set: (it, value) => { kept[it] = value; } };
const run = new Function('msg', 'node', 'context', 'flow', 'cbor', 'crypto', 'Buffer', code);
for (const [topic, hex] of JSON.parse(story)) {
  const out = run({ topic, payload: Buffer.from(hex, 'hex') }, { status: () => {} }, context, flow, cbor, crypto, Buffer);
  console.log(out === null ? 'duplicate' : (out[0] || out[1]).payload.proof);
}"""
    with tempfile.TemporaryDirectory() as work:
        story = Path(work) / "story.json"
        story.write_text(json.dumps([(f"tw/1/port/gate-1/{it}", data.hex()) for it, data, _ in STORY]))
        command = ["node", "-e", script, CONSUMERS / "node-red/prove.js", REGISTRY, story]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return done.stdout.split()


def node_red(place, plain, work):
    """The whole flow in Node-RED without its editor; gives the process and the file it writes to."""
    flows = (CONSUMERS / "node-red/flows.json").read_text().replace('"port": "1883"', f'"port": "{plain}"')
    home = work / "node-red"
    home.mkdir()
    (home / "flows.json").write_text(flows)
    # The packages are there already; fetching them at start is what Node-RED does for everybody else.
    (home / "package.json").write_text(json.dumps({"name": "try", "dependencies": {"cbor-x": "1"}}))
    (home / "node_modules").symlink_to(Path(place).resolve() / "node_modules")
    (home / "settings.js").write_text(
        "module.exports = { flowFile: 'flows.json', httpAdminRoot: false, httpNodeRoot: false, uiPort: %d, uiHost: '127.0.0.1',"
        " functionExternalModules: true, externalModules: { modules: { allowInstall: false } } };" % free_port()
    )
    out = work / "node-red.log"
    program = Path(place) / "node_modules/node-red/red.js"
    environment = os.environ | {"TIDEWAITER_REGISTRY": str(REGISTRY)}
    process = subprocess.Popen(["node", program, "-u", home], stdout=open(out, "w"), stderr=subprocess.STDOUT, env=environment)
    return process, out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node-red", type=Path)
    args = parser.parse_args()
    started = []
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        authority = Authority(work)
        process, tls, plain = broker(work, authority)
        started.append(process)
        try:
            agent = Client(tls, "gate-1", authority, authority.identity("gate-1"))
            topic = "tw/1/port/gate-1"

            # Who may what.
            other = Client(tls, "gate-2", authority, authority.identity("gate-2"))
            reader = Client(plain, "reader")
            centre = Client(tls, "centre", authority, authority.identity("centre"))
            assert other.publish(f"{topic}/record", b"x") == 0x87, "another agent may publish as gate-1"
            assert reader.publish(f"{topic}/record", b"x") == 0x87, "a reader may publish"
            assert agent.publish(f"{topic}/down/receipt", b"x") == 0x87, "an agent may sign for itself"
            other.subscribe(f"{topic}/down/#")
            agent.subscribe(f"{topic}/down/#")
            assert centre.publish(f"{topic}/down/receipt", b"for gate-1") in (0, 0x10)
            wait("the downlink at the agent", lambda: agent.came)
            assert not other.came, "gate-2 reads what is for gate-1"
            try:
                Client(tls, "nobody", authority)
                raise SystemExit("a client without a certificate is let in")
            except (OSError, AssertionError):
                pass
            print("mosquitto, as configured: 3 publishes and a subscription refused, no certificate, no entry")

            # The story.
            flow = out = None
            if args.node_red:
                flow, out = node_red(args.node_red, plain, work)
                started.append(flow)
                wait("Node-RED", lambda: "Connected to broker" in out.read_text() or flow.poll() is not None)
                assert flow.poll() is None, out.read_text()
                time.sleep(1)  # The flow reads the registry a tenth of a second after its start.
            listening = consumer(plain, work / "python.jsonl", "--count", str(len(STORY)))
            started.append(listening)
            for kind, data, _ in STORY:
                assert agent.publish(f"{topic}/{kind}", data) == 0, kind
            listening.wait(WITHIN)
            lines = [json.loads(it) for it in (work / "python.jsonl").read_text().splitlines()]
            assert [it["proof"] for it in lines] == expected(False), lines
            assert listening.returncode == 1, "refused records, and exit code 0"
            inspection = next(it for it in lines if it.get("kind") == "inspection")
            assert inspection["disposition"] and inspection["identities"], inspection
            print(f"subscribe.py: {len(STORY)} messages, said {' '.join(it['proof'] for it in lines)}; {inspection['verdict']}, {inspection['disposition']}")
            if flow:
                wait("the flow", lambda: out.read_text().count("proof:") >= 1 + expected(False).count("refused"))
                text = out.read_text()
                assert text.count("proof: 'refused'") == expected(False).count("refused"), text
                assert f"disposition: '{inspection['disposition']}'" in text, text
                print("Node-RED, headless: one result, the rest refused, as expected")
            said = node(args.node_red)
            if said is None:
                print("SKIPPED: the function node, needs node and `npm install cbor-x` in target/node-red")
            else:
                assert said == expected(True), said
                print(f"prove.js under node: {' '.join(said)}")
            subprocess.run([sys.executable, CONSUMERS / "node-red/flows.py", "--check"], check=True)

            # Shared: each message to one of them.
            sharing = [consumer(plain, work / f"{it}.jsonl", "--share", "centre", "--duplicates") for it in range(3)]
            started.extend(sharing)
            for _ in range(10):
                for data in RECORDS[:3]:
                    assert agent.publish(f"{topic}/record", data) == 0
            counts = lambda: [len((work / f"{it}.jsonl").read_text().splitlines()) for it in range(3)]  # noqa: E731
            wait("30 messages", lambda: sum(counts()) >= 30)
            assert sum(counts()) == 30 and all(counts()), counts()
            print(f"shared subscription: 30 messages to three consumers, {counts()}")
            for client in (agent, other, reader, centre):
                client.close()
        finally:
            for it in started:
                it.kill()
                it.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
