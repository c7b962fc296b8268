"""One agent as a real process, with everything around it that can go wrong, and with eyes of its own on its store.

    fake scale ─► tidewaiter run (with shim.c) ─► mosquitto ─► tidewaiter-collector
                        │
                   data/ on a file system of its own, 24 MiB and 200 inodes

What is true comes from here: from the scale, the store as it lies on the disk (cbor2 and sqlite3, nothing of ours), the
control page of the shim, and a subscriber at the broker that is nobody's but the test's.
"""

import datetime
import json
import mmap
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import cbor2
import paho.mqtt.client

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from ports import free_port  # noqa: E402

LANE, RIG, SCALE, METER = "lane-7", "bench-a", "scale-1", "ph-1"
PASSWORD = "a lorry is weighed in 3 seconds"
# Record kinds of record.cddl: an inspection, the same with how it was judged.
INSPECTIONS = (16, 18)
HERE = pathlib.Path(__file__).parent
SOFTHSM = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"]


class Failed(Exception):
    """Something did not hold."""


def need(holds, what):
    if not holds:
        raise Failed(what)


class Speaker(threading.Thread):
    """An instrument that says a line five times a second to whoever listens, as indicators do."""

    def __init__(self, line):
        super().__init__(daemon=True)
        self.line, self.port = line, free_port()
        self.silent = False
        self.listener, self.clients = None, []
        self.lock = threading.Lock()
        self.plug_in()
        self.start()

    def plug_in(self):
        if self.listener:
            return
        listener = socket.create_server(("127.0.0.1", self.port))
        listener.settimeout(0)
        with self.lock:
            self.listener = listener

    def pull_out(self):
        """The cable: connections end, and a new one is refused."""
        with self.lock:
            for it in filter(None, [self.listener, *self.clients]):
                it.close()
            self.listener, self.clients = None, []

    def run(self):
        while True:
            time.sleep(0.2)
            with self.lock:
                if self.listener:
                    try:
                        client, _ = self.listener.accept()
                        client.settimeout(1)
                        self.clients.append(client)
                    except OSError:
                        pass
                if self.silent:
                    continue
                for client in list(self.clients):
                    try:
                        client.sendall(self.line().encode() + b"\r\n")
                    except OSError:
                        self.clients.remove(client)


class Shim:
    """The control page of shim.c."""

    FIELDS = {"error": 0, "delay_ms": 4, "unkept": 8, "refused": 12}

    def __init__(self, path):
        path.write_bytes(bytes(64))
        with open(path, "r+b") as it:
            self.page = mmap.mmap(it.fileno(), 64)

    def set(self, **fields):
        for name, value in fields.items():
            struct.pack_into("i", self.page, self.FIELDS[name], value)

    def get(self, name):
        return struct.unpack_from("i", self.page, self.FIELDS[name])[0]


class World:
    def __init__(self, programs, shim, root, name, token=False, budget="2 MiB"):
        self.programs, self.name = programs, name
        self.root = root / name
        self.data, self.centre = self.root / "data", self.root / "centre"
        self.data.mkdir(parents=True)
        self.running, self.logs = {}, {}
        self.mqtt, self.http = free_port(), free_port()
        self.mass = 0
        self.ph = "7.10"
        self.scale = Speaker(lambda: f"ST,GS,{self.mass:>8}kg")
        self.meter = Speaker(lambda: f"{self.ph}pH 24.7°C ATC")
        self.valid_until = "2099-12-31"
        self.table_until = None
        self.token, self.budget = token, budget
        self.mounted = self._mount()
        self.shim = Shim(self.root / "shim.page")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("TIDEWAITER_")}
        self.environment |= {"LC_ALL": "C", "SOFTHSM2_CONF": str(self.root / "softhsm2.conf")}
        self.preload = {
            "LD_PRELOAD": str(shim), "TIDEWAITER_SHIM": str(self.root / "shim.page"), "TIDEWAITER_SHIM_DIR": str(self.data)
        }
        self.heard, self.genuine = set(), None
        # The lane's newest record before the phase that is going on.
        self.before = -1
        self._set_up()

    def _mount(self):
        """A file system of its own, where this process may mount; its space and inodes can then be used up honestly."""
        command = ["mount", "-t", "tmpfs", "-o", "size=24m,nr_inodes=200", "tidewaiter-test", str(self.data)]
        return subprocess.run(command, capture_output=True).returncode == 0

    # Files.

    def tool(self, program, *arguments, stdin=None):
        command = [str(self.programs / program), *map(str, arguments)]
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, env=self.environment, timeout=120)
        need(ended.returncode == 0, f"{' '.join(command)}: {ended.stdout}{ended.stderr}")
        return ended.stdout

    def _set_up(self):
        (self.root / "limits").mkdir()
        if self.token:
            self._make_token()
        self.write_table()
        self.write_site()
        self.tool("tidewaiter-collector", "keys", "init", "--out", self.centre)
        self.tool("tidewaiter", "keys", "init", "--config", self.site, *(["--algorithm", "es256"] if self.token else []))
        self.tool("tidewaiter-collector", "keys", "add", "--registry", self.centre / "registry.json",
                  self.data / "agent.registry.json")
        self.tool("tidewaiter", "users", "add", "lina", "--display", "Li Na", "--role", "administrator", "--config", self.site,
                  stdin=PASSWORD + "\n")
        (self.centre / "collector.toml").write_text(
            f'version = 1\n[broker]\nurl = "mqtt://127.0.0.1:{self.mqtt}"\nclient_id = "centre"\n'
            '[store]\npath = "collector.db"\n[centre]\nkey = "centre.key"\nregistry = "registry.json"\n'
        )
        (self.root / "mosquitto.conf").write_text(
            f"listener {self.mqtt} 127.0.0.1\npersistence false\nallow_anonymous true\nuser root\nlog_dest stderr\n"
        )

    def _make_token(self):
        (self.root / "tokens").mkdir()
        (self.root / "softhsm2.conf").write_text(f"directories.tokendir = {self.root / 'tokens'}\nlog.level = ERROR\n")
        pin = self.root / "token.pin"
        pin.write_text("pin4711\n")
        pin.chmod(0o600)
        command = ["softhsm2-util", "--init-token", "--free", "--label", "gate", "--pin", "pin4711", "--so-pin", "5678"]
        subprocess.run(command, env=self.environment, capture_output=True, check=True)

    @property
    def site(self):
        return self.root / "site.toml"

    def write_table(self):
        until = f"effective_to = {self.table_until}\n" if self.table_until else ""
        (self.root / "limits" / "lane.toml").write_text(
            'id = "lane-mass"\nedition = "1"\ntitle = { zh = "测试", en = "test" }\n'
            f'effective_from = 2020-01-01\n{until}source = "made up by a test"\nlegal_force = "site"\nhazards = ["physical"]\n'
            '[[rows]]\nid = "most"\nparameter = "gross-mass"\nmax = "30000"\nunit = "kg"\naction = "alarm"\nconfidence = "C1"\n'
        )

    def write_site(self):
        keys = ""
        if self.token:
            module = next(it for it in SOFTHSM if os.path.exists(it))
            keys = f'[keys]\nkind = "pkcs11"\nmodule = "{module}"\ntoken = "gate"\npin_file = "token.pin"\n'
        self.site.write_text(
            f"""version = 1
[site]
id = "yantian"
agent = "gate-07"
name = "七号闸口"
[store]
dir = "data"
budget = "{self.budget}"
{keys}
[uplink]
broker = "mqtt://127.0.0.1:{self.mqtt}"
registry = "centre/registry.json"
[local]
listen = "127.0.0.1:{self.http}"
users = "users.toml"
[record]
heartbeat = "5 s"
[limits]
dir = "limits"
[[ports]]
id = "scale-line"
[ports.tcp]
address = "127.0.0.1:{self.scale.port}"
[[ports]]
id = "meter-line"
[ports.tcp]
address = "127.0.0.1:{self.meter.port}"
[[instruments]]
id = "{SCALE}"
port = "scale-line"
silence = "2 s"
[instruments.register]
control = "compulsory-verification"
verified_on = 2020-01-01
valid_until = {self.valid_until}
[instruments.st_gs]
[[instruments]]
id = "{METER}"
port = "meter-line"
[instruments.ph_stream]
[instruments.register]
control = "calibration"
[[lanes]]
id = "{LANE}"
[lanes.lorry_gate]
scale = "{SCALE}"
threshold = "500"
unit = "kg"
time_limit = "6 s"
identity_window = "0 ms"
[[lanes.judge]]
table = "lane-mass"
parameters = ["gross-mass"]
[[rigs]]
id = "{RIG}"
time_limit = "10 min"
[rigs.textile_ph]
meter = "{METER}"
parallels = 2
steady = "1 s"
"""
        )

    def reload(self):
        self.tool("tidewaiter", "reload", "--config", self.site, "--wait", "0")

    # Processes.

    def _start(self, name, *command, more=None):
        log = open(self.root / f"{name}.log", "ab")
        self.running[name] = subprocess.Popen(
            list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            env=self.environment | {"RUST_LOG": "info"} | (more or {}), cwd=self.root
        )

    def start_agent(self):
        (self.data / "local.address").unlink(missing_ok=True)
        self._start("agent", self.programs / "tidewaiter", "run", "--drain", "2", "--config", self.site, more=self.preload)

    def start_broker(self):
        self._start("broker", shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin"), "-c", self.root / "mosquitto.conf")

    def start_centre(self):
        self._start("centre", self.programs / "tidewaiter-collector", "run", "--config", self.centre / "collector.toml")

    def start(self):
        self.start_broker()
        self.listen()
        self.start_centre()
        self.start_agent()

    def listen(self):
        """Hears every record that reaches the broker, for nobody but the test."""

        def heard(client, _, message):
            if message.topic.endswith("/down/receipt"):
                self.genuine = message.payload
                return
            try:
                self.heard.add(cbor2.loads(cbor2.loads(message.payload).value[0])[-70001][1])
            except Exception:  # noqa: BLE001  whatever else is published is not counted
                pass

        self.ear = paho.mqtt.client.Client(paho.mqtt.client.CallbackAPIVersion.VERSION2)
        self.ear.on_connect = lambda client, *_: client.subscribe(
            [("tw/1/+/+/record", 1), ("tw/1/+/+/alert", 1), ("tw/1/+/+/down/receipt", 1)]
        )
        self.ear.on_message = heard
        self.ear.reconnect_delay_set(1, 1)
        self.ear.connect_async("127.0.0.1", self.mqtt)
        self.ear.loop_start()

    def signal(self, name, what):
        self.running[name].send_signal(what)

    def kill(self, name):
        process = self.running.pop(name)
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait(timeout=20)

    def close(self):
        if hasattr(self, "ear"):
            self.ear.loop_stop()
        for name in list(self.running):
            self.kill(name)
        for it in (self.scale, self.meter):
            it.pull_out()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.data)], capture_output=True)

    def log(self, name):
        return (self.root / f"{name}.log").read_text(errors="replace")

    # The local interface.

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http}"

    def key(self):
        """The local key of this start; there is none before the agent has written it."""
        try:
            return (self.data / "local.key").read_text().strip()
        except FileNotFoundError:
            return ""

    def ask(self, path, body=None, within=5):
        request = urllib.request.Request(self.url + path)
        request.add_header("Authorization", f"Bearer {self.key()}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=within) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode(errors="replace")
        except OSError as why:
            return 0, str(why)

    def get(self, path):
        """A page as text."""
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return answer.read().decode()

    def post(self, number, **facts):
        """Something small to record; whether the agent says that it is."""
        body = {"subject": f"P-{number}", "facts": facts or {"axles": "2"}, "operator": "test"}
        return self.ask("/api/v1/subjects", body)[0] == 200

    # The store, as it lies on the disk.

    def read(self, question, *values):
        """Asks the store read-only. Of an agent that is gone a copy is asked: opening the original would recover it."""
        path, copy = self.data / "outbox.sqlite", None
        if "agent" not in self.running or self.running["agent"].poll() is not None:
            copy = tempfile.TemporaryDirectory()
            for ending in ("", "-wal"):
                if os.path.exists(f"{path}{ending}"):
                    shutil.copy(f"{path}{ending}", copy.name)
            path = pathlib.Path(copy.name) / "outbox.sqlite"
        connection = sqlite3.connect(f"file:{path}{'' if copy else '?mode=ro'}", uri=True, timeout=2)
        try:
            return connection.execute(question, values).fetchall()
        finally:
            connection.close()
            if copy:
                copy.cleanup()

    def record(self, number):
        """Kind, place and, of an inspection, the disposition of a record; None where it is not stored."""
        rows = self.read("SELECT record FROM entry WHERE seq = ?", number)
        return opened(rows[0][0]) if rows else None

    def newest(self, above=-1):
        """Number and content of the lane's newest inspection above a number."""
        rows = self.read("SELECT seq, record FROM entry WHERE place = ? AND seq > ? ORDER BY seq DESC LIMIT 5", LANE, above)
        for seq, record in rows:
            it = opened(record)
            if it["disposition"]:
                return seq, it
        return None

    def head(self):
        return self.read("SELECT max(seq) FROM entry")[0][0]

    def receipted(self):
        rows = self.read("SELECT upto_seq FROM cursor")
        return rows[0][0] if rows else -1

    def is_trimmed(self, number):
        """A record that made room after the centre had signed for it."""
        oldest = self.read("SELECT min(seq) FROM entry")[0][0]
        return number < oldest and number <= self.receipted() and number <= self.at_the_centre()

    def at_the_centre(self):
        """The centre's own word: how far its store goes without a gap."""
        connection = sqlite3.connect(f"file:{self.centre / 'collector.db'}?mode=ro", uri=True, timeout=2)
        try:
            return connection.execute("SELECT max(seq) FROM record").fetchone()[0]
        finally:
            connection.close()

    def receipt(self):
        """The newest receipt that came over the broker."""
        need(self.genuine, "no receipt has come over the broker")
        return self.genuine

    def clock_quality(self):
        """The letter in the time block of the newest record."""
        return opened(self.read("SELECT record FROM entry ORDER BY seq DESC LIMIT 1")[0][0])["clock"]

    def is_open(self):
        return bool(self.read("SELECT 1 FROM open_inspection WHERE place = ?", LANE))


def opened(record):
    """A record, read from its bytes by record.cddl."""
    protected, _, body, _ = cbor2.loads(record).value
    kind, when, detail = cbor2.loads(body)
    it = {"kind": kind, "place": cbor2.loads(protected)[15][2], "clock": "UIHS"[when[3]], "disposition": None}
    if kind in INSPECTIONS:
        it |= {"disposition": detail[15], "verdict": detail[13], "reason": detail.get(14)}
    return it


def today(days=0):
    return (datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=days)).isoformat()
