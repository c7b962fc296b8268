#!/usr/bin/env python3
"""The key life drill: agents are enrolled, revoked, cloned, lost, cut off for 400 days, and come back.

    drill.py --bin target/debug [--agents 5] [--keep DIR]

It drives the real programs and a real Mosquitto with certificates, as a small team would, once a quarter on a staging
system. Each command that a person types is counted. Every line that it prints is one finding of the drill; the last
one is a JSON object. Exit code 0: all held; 1: something did not; 3: a program is missing.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from ports import free_port  # noqa: E402

SITE = "yantian"
FIRST, SECOND = "Li Na", "Wang Wei"
# A session has to be cut within this time (seconds).
CUT_WITHIN = 60


class Failed(Exception):
    """Something did not hold."""


def need(holds, what):
    if not holds:
        raise Failed(what)


def until(what, within, condition):
    begun = time.monotonic()
    while True:
        found = condition()
        if found:
            return found
        need(time.monotonic() - begun < within, f"{what}: not within {within} s")
        time.sleep(0.2)


class World:
    def __init__(self, programs, root, mosquitto):
        self.programs, self.root, self.mosquitto = programs, root, mosquitto
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("TIDEWAITER_")}
        self.running = {}
        self.typed = {}
        self.mqtt, self.https = free_port(), free_port()
        self.centre = root / "centre"
        self.config = self.centre / "collector.toml"

    # What people and services do.

    def run(self, program, *arguments, code=0):
        command = [str(self.programs / program), *map(str, arguments)]
        ended = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=300)
        need(ended.returncode == code, f"{' '.join(command)}: exit code {ended.returncode}: {ended.stdout}{ended.stderr}")
        return ended.stdout + ended.stderr if code else ended.stdout

    def human(self, whom, program, *arguments, code=0):
        self.typed[whom] = self.typed.get(whom, 0) + 1
        return self.run(program, *arguments, code=code)

    def collector(self, *arguments, code=0):
        return self.run("tidewaiter-collector", *arguments, "--config", self.config, code=code)

    def knows(self, program, *arguments):
        command = [str(self.programs / program), *arguments, "--help"]
        return subprocess.run(command, capture_output=True, env=self.environment).returncode == 0

    def start(self, name, *command):
        log = open(self.root / f"{name}.log", "ab")
        self.running[name] = subprocess.Popen(
            list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment
        )

    def stop(self, name):
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)

    def log(self, name):
        return (self.root / f"{name}.log").read_text(errors="replace")

    def close(self):
        for name in list(self.running):
            try:
                self.stop(name)
            except subprocess.TimeoutExpired:
                pass

    # The centre.

    def set_up(self):
        self.run("tidewaiter-collector", "keys", "init", "--out", self.centre, "--class", "production")
        ca = self.centre / "ca"
        issue = ("tidewaiter-collector", "ca", "issue", "--dir", ca)
        self.run("tidewaiter-collector", "ca", "init", "--dir", ca, "--name", "Drill")
        shutil.move(ca / "root.key", self.root / "root.key")
        for name in ("https", "broker"):
            self.run(*issue, "--server", "localhost", "--server", "127.0.0.1", "--out", self.centre / name)
        self.run(*issue, "--client", "centre", "--days", "90", "--out", self.centre / "mqtt")
        self.config.write_text(
            f"""version = 1
[broker]
url = "mqtts://localhost:{self.mqtt}"
client_id = "centre"
[broker.tls]
ca = "ca/root.pem"
certificate = "mqtt.pem"
key = "mqtt.key"
[store]
path = "collector.db"
[centre]
key = "centre.key"
registry = "registry.json"
[enrol]
listen = "127.0.0.1:{self.https}"
certificate = "https.pem"
key = "https.key"
ca = "ca"
dir = "enrol"
[output]
json = true
"""
        )
        conf = self.root / "mosquitto.conf"
        conf.write_text(
            f"""listener {self.mqtt} 127.0.0.1
persistence false
log_dest stderr
log_type all
user root
pid_file {self.root / "mosquitto.pid"}
allow_anonymous false
require_certificate true
use_identity_as_username true
cafile {ca / "root.pem"}
certfile {self.centre / "broker.pem"}
keyfile {self.centre / "broker.key"}
crlfile {ca / "crl.pem"}
acl_file {ca / "acl"}
"""
        )
        self.start("mosquitto", self.mosquitto, "-c", conf)
        until("mosquitto listens", 20, lambda: "mosquitto version" in self.log("mosquitto"))
        time.sleep(1)
        self.start("collector", self.programs / "tidewaiter-collector", "run", "--config", self.config)
        until("the collector is connected", 30, lambda: "broker connected" in self.log("collector"))

    def chains(self, agent):
        status = self.status()
        return {it["chain"]: it for it in status["chains"] if it["agent"] == agent}

    def status(self):
        command = [str(self.programs / "tidewaiter-collector"), "status", "--json", "--config", str(self.config)]
        ended = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=60)
        need(ended.returncode in (0, 1), f"status: {ended.stderr}")
        return json.loads(ended.stdout)

    def receipted(self, agent):
        """How many records of the agent have a receipt, over all its chains."""
        chains = self.chains(agent).values()
        return sum(it["receipted_upto"] + 1 for it in chains if it["receipted_upto"] is not None)

    # An agent.

    def folder(self, agent):
        return self.root / agent

    def site(self, agent):
        folder = self.folder(agent)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        path = folder / "site.toml"
        path.write_text(
            f"""version = 1
[site]
id = "{SITE}"
agent = "{agent.removesuffix("-clone")}"
name = "drill"
[store]
dir = "data"
budget = "64 MiB"
keep = "30 d"
[uplink]
broker = "mqtts://localhost:{self.mqtt}"
registry = "registry.json"
[uplink.tls]
ca = "ca.pem"
certificate = "agent.pem"
key = "agent.key"
[local]
listen = "127.0.0.1:0"
"""
        )
        return path

    def ask(self, agent, site):
        token = self.human(
            agent, "tidewaiter-collector", "enrol", "token", "--site", SITE, "--agent", agent, "--by", FIRST,
            "--config", self.config,
        ).strip()
        said = self.human(
            agent, "tidewaiter", "enrol", "--centre", f"https://localhost:{self.https}",
            "--ca", self.centre / "ca" / "root.pem", "--token", token, "--no-wait", "--language", "en", "--config", site,
        )
        shown = [line for line in said.splitlines() if line.startswith("Fingerprint: ")]
        need(len(shown) == 1, f"no fingerprint: {said}")
        requests = json.loads(self.collector("enrol", "list", "--json"))["requests"]
        identity = [it["id"] for it in requests if it["agent"] == agent and it["state"] == "pending"][-1]
        return identity, shown[0].removeprefix("Fingerprint: ")

    def approve(self, agent, identity, fingerprint, by=SECOND, code=0):
        return self.human(
            agent, "tidewaiter-collector", "enrol", "approve", identity, "--fingerprint", fingerprint, "--by", by,
            "--config", self.config, code=code,
        )

    def enrol(self, agent):
        site = self.site(agent)
        identity, fingerprint = self.ask(agent, site)
        self.approve(agent, identity, fingerprint)
        # The box would have waited; here it is asked once more by the script.
        self.run("tidewaiter", "enrol", "--no-wait", "--language", "en", "--config", site)

    def begin(self, agent):
        site = self.folder(agent) / "site.toml"
        (self.folder(agent) / "data" / "local.address").unlink(missing_ok=True)
        self.start(agent, self.programs / "tidewaiter", "run", "--config", site, "--drain", "2")
        until(f"{agent} runs", 60, lambda: (self.folder(agent) / "data" / "local.address").exists())

    def fact(self, agent, name):
        """One record: what somebody declares about a plate."""
        site = self.folder(agent) / "site.toml"
        self.run("tidewaiter", "subject", name, "mass=1000", "--operator", FIRST, "--config", site)

    def settled(self, agent, more_than, within=90):
        return until(f"receipts of {agent}", within, lambda: self.receipted(agent) > more_than)


def enrol_all(world, agents):
    begun = time.monotonic()
    for agent in agents:
        world.enrol(agent)
        world.begin(agent)
    for agent in agents:
        world.settled(agent, 0)
    most = max(world.typed[agent] for agent in agents)
    need(most <= 6, f"{most} commands for one agent")
    seconds = (time.monotonic() - begun) / len(agents)
    return f"{len(agents)} agents enrolled, {most} commands each by two people, {seconds:.1f} s of machine time each"


def refuse_wrong_ones(world):
    """Wrong token, wrong fingerprint, one person for both, a simulated box in production."""
    agent = "gate-wrong"
    site = world.site(agent)
    identity, fingerprint = world.ask(agent, site)
    world.approve(agent, identity, "0000 " + fingerprint[5:], code=1)
    world.approve(agent, identity, fingerprint, by=FIRST, code=1)
    shutil.rmtree(world.folder(agent))
    site = world.site("gate-simulated")
    world.run("tidewaiter", "keys", "init", "--simulated", "--config", site)
    identity, fingerprint = world.ask("gate-simulated", site)
    said = world.approve("gate-simulated", identity, fingerprint, code=1)
    need("simulated" in said and "production" in said, said)
    again = ("tidewaiter", "enrol", "--centre", f"https://localhost:{world.https}", "--ca",
             world.centre / "ca" / "root.pem", "--token", "0000-0000-0000-0000", "--no-wait", "--config", site)
    need("token is not good" in world.run(*again, code=1), "a wrong token was taken")
    return "wrong fingerprint, the same person twice, a simulated box and a wrong token: all refused"


def rotate(world, agent):
    if not world.knows("tidewaiter", "keys", "rotate"):
        return None
    before = world.receipted(agent)
    world.human(agent, "tidewaiter", "keys", "rotate", "--operator", FIRST, "--config", world.folder(agent) / "site.toml")
    world.settled(agent, before)
    before = world.receipted(agent)
    world.fact(agent, "AFTER-ROTATION")
    world.settled(agent, before)
    return f"{agent} has a new record key, and records under it are receipted"


def revoke(world, agent):
    world.fact(agent, "BEFORE-THE-THEFT")
    time.sleep(1)
    begun = time.monotonic()
    world.human(
        agent, "tidewaiter-collector", "keys", "revoke", agent, "--reason", "box stolen",
        "--broker-pid", world.root / "mosquitto.pid", "--config", world.config,
    )
    at_the_cut = world.receipted(agent)
    world.fact(agent, "AFTER-THE-THEFT")

    def cut():
        log = world.log("mosquitto")
        return "Denied PUBLISH from " + agent in log or f"Client {agent} " in log.split("Reloading config")[-1]

    until("the live session is cut", CUT_WITHIN, cut)
    seconds = time.monotonic() - begun
    # And once more from the start: it is not let in.
    world.stop(agent)
    connected = world.log("mosquitto").count(f"as {agent} ")
    world.begin(agent)
    time.sleep(6)
    status = world.receipted(agent)
    need(status == at_the_cut, f"{status - at_the_cut} records accepted after the cut")
    refused = world.log("mosquitto").count(f"as {agent} ") == connected
    site = world.folder(agent) / "site.toml"
    said = world.run("tidewaiter", "enrol", "--renew", "--config", site, code=1)
    need("closed" in said or "denied" in said, said)
    world.stop(agent)
    how = "not let in again" if refused else "let in again until the broker is restarted, and may publish nothing"
    return f"{agent} revoked: cut after {seconds:.1f} s, {how}; 0 records accepted after the cut"


def clone(world, agent):
    world.stop(agent)
    copy = f"{agent}-clone"
    shutil.copytree(world.folder(agent), world.folder(copy))
    world.site(copy)
    before = world.receipted(agent)
    world.begin(agent)
    world.fact(agent, "ONE")
    world.settled(agent, before)
    world.stop(agent)
    world.begin(copy)
    world.fact(copy, "TWO")
    forks = until("the fork is seen", 60, lambda: [
        it for it in world.status()["incidents"] if it["kind"] == "fork" and it["agent"] == agent])
    world.stop(copy)
    need("two boxes sign as " + agent in forks[0]["what"], forks)
    return f"the clone of {agent} is seen at record {forks[0]['seq']}, and both branches are kept"


def expire(world, agent):
    """The certificate of an agent that was away for 400 days."""
    ca = world.centre / "ca"
    issuer = x509.load_pem_x509_certificate((ca / "intermediate.pem").read_bytes())
    key = serialization.load_pem_private_key((ca / "intermediate.key").read_bytes(), None)
    path = world.folder(agent) / "agent.pem"
    own = x509.load_pem_x509_certificate(path.read_bytes())
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=460)
    end = begin + datetime.timedelta(days=60)
    builder = x509.CertificateBuilder(
        issuer_name=issuer.subject, subject_name=own.subject, public_key=own.public_key(),
        serial_number=x509.random_serial_number(), not_valid_before=begin, not_valid_after=end,
    )
    old = builder.sign(key, hashes.SHA256())
    der = old.public_bytes(serialization.Encoding.DER)
    path.write_bytes(old.public_bytes(serialization.Encoding.PEM) + (ca / "intermediate.pem").read_bytes())
    ledger = json.loads((ca / "issued.json").read_text())
    entry = dict(ledger["certificates"][-1], name=agent, sha256=hashlib.sha256(der).hexdigest(),
                 serial=f"{old.serial_number:x}", denied=False)
    entry["not_before_ms"], entry["not_after_ms"] = (int(it.timestamp() * 1000) for it in (begin, end))
    ledger["certificates"].append(entry)
    (ca / "issued.json").write_text(json.dumps(ledger))
    state = world.folder(agent) / "data" / "enrol.json"
    remembered = json.loads(state.read_text())
    remembered["not_before_ms"], remembered["not_after_ms"] = entry["not_before_ms"], entry["not_after_ms"]
    state.write_text(json.dumps(remembered))


def away(world, agent):
    world.stop(agent)
    expire(world, agent)
    before, typed = world.receipted(agent), world.typed[agent]
    world.begin(agent)
    world.fact(agent, "AFTER-400-DAYS")
    world.settled(agent, before)
    need(world.typed[agent] == typed, "somebody had to type")
    certificate = x509.load_pem_x509_certificate((world.folder(agent) / "agent.pem").read_bytes())
    need(certificate.not_valid_after_utc > datetime.datetime.now(datetime.timezone.utc), "not renewed")
    return f"{agent} was away for 400 days and came back by itself, with an expired certificate and 0 commands"


def new_intermediate(world, agent):
    ca = world.centre / "ca"
    before = (ca / "intermediate.pem").read_bytes()
    world.run("tidewaiter-collector", "ca", "renew", "--dir", ca, "--root-key", world.root / "root.key")
    need((ca / "intermediate.pem").read_bytes() != before, "the intermediate is the old one")
    os.kill(int((world.root / "mosquitto.pid").read_text()), signal.SIGHUP)
    site = world.folder(agent) / "site.toml"
    world.run("tidewaiter", "enrol", "--renew", "--language", "en", "--config", site)
    receipts = world.receipted(agent)
    # The next connection shows the new certificate: the broker restarts.
    world.stop("mosquitto")
    world.start("mosquitto", world.mosquitto, "-c", world.root / "mosquitto.conf")
    world.fact(agent, "NEW-INTERMEDIATE")
    world.settled(agent, receipts)
    return f"{agent} works with a certificate of the new intermediate; the others go on with the old one"


def reset(world, agent):
    world.stop(agent)
    shutil.rmtree(world.folder(agent))
    site = world.site(agent)
    world.typed[agent] = 0
    identity, fingerprint = world.ask(agent, site)
    said = world.approve(agent, identity, fingerprint, code=1)
    need("reset make" in said, said)
    registry, paper = world.centre / "registry.json", world.root / f"{agent}.reset"
    for person in (FIRST, SECOND):
        path = world.root / f"{person}.key"
        if not path.exists():
            world.run("tidewaiter-collector", "keys", "person", "--name", person, "--out", path, "--registry", registry)
    collector = ("tidewaiter-collector", "reset")
    world.human(agent, *collector, "make", "--agent", agent, "--request", identity, "--reason", "disk lost",
                "--out", paper, "--config", world.config)
    for person in (FIRST, SECOND):
        world.human(agent, *collector, "sign", paper, "--key", world.root / f"{person}.key", "--out", f"{paper}.{person}")
    once = (f"{paper}.{FIRST}", f"{paper}.{FIRST}")
    need("two people" in world.run(*collector, "apply", *once, "--request", identity, "--config", world.config, code=1),
         "one person was enough")
    world.human(agent, *collector, "apply", f"{paper}.{FIRST}", f"{paper}.{SECOND}", "--request", identity,
                "--config", world.config)
    world.approve(agent, identity, fingerprint)
    world.run("tidewaiter", "enrol", "--no-wait", "--language", "en", "--config", site)
    before = world.receipted(agent)
    world.begin(agent)
    world.settled(agent, before)
    resets = [it for it in world.status()["incidents"] if it["kind"] == "chain-reset" and it["agent"] == agent]
    need(len(resets) == 1, resets)
    return f"{agent} lost its disk and goes on in a new chain, by two signatures and {world.typed[agent]} commands"


def salvage(world, agent):
    # Records that no receipt covers: made while the broker is away.
    world.stop(agent)
    world.stop("mosquitto")
    world.begin(agent)
    world.fact(agent, "BEFORE-THE-BOARD-DIED")
    world.stop(agent)
    world.start("mosquitto", world.mosquitto, "-c", world.root / "mosquitto.conf")
    before, out = world.receipted(agent), world.root / f"{agent}.salvaged"
    world.human(agent, "tidewaiter", "salvage", world.folder(agent) / "data", "--out", out)
    world.stop("collector")
    world.human(agent, "tidewaiter-collector", "import", out, "--site", SITE, "--config", world.config)
    world.start("collector", world.programs / "tidewaiter-collector", "run", "--config", world.config)
    need(world.receipted(agent) > before, "nothing was salvaged")
    return f"{agent}: {world.receipted(agent) - before} records salvaged from its disk"


def verify(world):
    out = world.root / "all.cborseq"
    world.collector("export", "--format", "cborseq", "--out", out)
    command = [str(world.programs / "tidewaiter"), "verify", str(out), "--registry",
               str(world.centre / "registry.json"), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, env=world.environment, timeout=120)
    report = json.loads(ended.stdout)
    against = [it for it in report["findings"] if it["question"] in ("signature", "chain", "simulated")]
    need(report["signature"]["answer"] == "ok" and not against, f"{report['signature']} {against}")
    need(report["accepted"] == report["records"], f"{report['accepted']} of {report['records']} accepted")
    notes = [it for it in report["findings"] if it["code"] == "chain-reset"]
    return f"{report['accepted']} of {report['records']} stored records verify, {len(notes)} chain reset noted", report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("target/debug"), help="folder of the programs")
    parser.add_argument("--agents", type=int, default=int(os.environ.get("TIDEWAITER_DRILL_AGENTS", "6")), help="6 or more")
    parser.add_argument("--keep", type=pathlib.Path, help="a new folder to leave everything in")
    options = parser.parse_args()
    mosquitto = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if mosquitto is None or not (options.bin / "tidewaiter-collector").exists():
        print("drill: mosquitto or the programs are missing; see tests/run", file=sys.stderr)
        return 3
    if options.agents < 6:
        parser.error("--agents: 6 or more")
    root = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="tidewaiter-drill-"))
    root.mkdir(parents=True, exist_ok=True)
    world = World(options.bin.resolve(), root.resolve(), mosquitto)
    agents = [f"gate-{n:02}" for n in range(1, options.agents + 1)]
    begun = time.monotonic()
    done, left_out = 0, []

    def step(name, work, *arguments):
        nonlocal done
        said = work(world, *arguments)
        if said is None:
            left_out.append(name)
            print(f"drill: {name}: left out, these programs do not have it")
        else:
            done += 1
            print(f"drill: {name}: {said}", flush=True)

    try:
        world.set_up()
        step("enrol", enrol_all, agents)
        step("refuse", refuse_wrong_ones)
        step("rotate", rotate, agents[5])
        step("revoke", revoke, agents[0])
        step("clone", clone, agents[1])
        step("400 days", away, agents[2])
        step("new intermediate", new_intermediate, agents[3])
        step("chain reset", reset, agents[4])
        step("salvage", salvage, agents[5])
        said, report = verify(world)
        print(f"drill: verify: {said}")
        failure = None
    except Failed as why:
        failure = str(why)
        print(f"drill: FAILED: {why}", file=sys.stderr)
        for name in sorted(path.stem for path in root.glob("*.log")):
            print(f"--- {name}\n" + "\n".join(world.log(name).splitlines()[-12:]), file=sys.stderr)
    finally:
        world.close()
        if options.keep is None:
            shutil.rmtree(root, ignore_errors=True)
    print(json.dumps({
        "agents": len(agents), "steps": done, "left_out": left_out, "failed": failure,
        "most_commands": max(world.typed.values(), default=0), "seconds": round(time.monotonic() - begun, 1),
    }))
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
