"""What can go wrong, how it is brought about and mended, and what the page has to say of it then.

Each fault has three expectations, functions of the world and of what is seen:

    idle(world, seen)      nothing stands at the lane
    during(world, seen)    a lorry is on the scale
    end(world, seen)       it has left; what became of its record is asked of the store

They read what is true from the world and not from the agent.
"""

import errno
import os
import re
import shutil
import signal
import time

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from world import SCALE, today

# The fixed sentences, in both languages; written down here a second time, so that the catalogue is held to them.
SENTENCES = {
    "recorded": (r"^RECORDED #\d+", r"^已记录 #\d+"),
    "waiting-to-send": (r"waiting to send \(uplink down \d+:\d\d", r"等待发送（上行链路中断 \d+:\d\d"),
    "sent": (r"sent, waiting for the centre's receipt$", r"已发送，等待中心回执$"),
    "receipted": (r"receipted by the centre$", r"中心已回执$"),
    "not-yet": (r"^Reading shown is not yet recorded\.$", r"^所示读数尚未记录。$"),
    "stopped": (r"^NOT RECORDING( since \d\d:\d\d)? — .+\. Use the paper procedure\.$", r"^未在记录(（自 \d\d:\d\d 起）| )— .+。请改用纸质流程。$"),
    "budget": ("the store's budget is used up", "存储配额已用完"),
    "disk": ("the disk is full", "磁盘已满"),
    "failed": ("the store cannot be written", "存储写入失败"),
    "key": ("signing key unavailable", "签名密钥不可用"),
    "uplink-down": (r"uplink down \d+:\d\d", r"上行链路中断 \d+:\d\d"),
    "unreceipted": ("oldest record without a receipt", "最早未回执记录"),
    "line-down": (rf"^{SCALE}: line down$", rf"^{SCALE}：线路中断$"),
    "no-answer": (rf"^{SCALE}: no answer in time$", rf"^{SCALE}：超时无应答$"),
    "unverified": (rf"^{SCALE}: verification has expired$", rf"^{SCALE}：检定已过期$"),
    "clock-S": ("^clock synchronised", "^时钟已同步"),
    "clock-H": ("^clock was synchronised and now holds on its own", "^时钟曾同步，现自行保持"),
    "clock-I": ("^hardware clock only", "^仅依据硬件时钟"),
    "clock-U": ("^time not trustworthy", "^时间不可信"),
    "paper": (r"paper procedure", r"纸质流程"),
}


def says(which, text):
    """The text says it, in either language."""
    return any(re.search(pattern, text) for pattern in SENTENCES[which])


def any_says(which, texts):
    return any(says(which, it) for it in texts)


def is_stopped(cause):
    def expectation(_, seen):
        return seen["word"] == "not-recording" and says("stopped", seen["sentence"]) and says(cause, seen["sentence"])

    return expectation


def is_unknown(_, seen):
    return seen["word"] == "unknown" and says("paper", seen["action"])


def is_calm(_, seen):
    return seen["word"] in ("waiting", "clear", "refer", "alarm", "not-valid")


def is_open(world, seen):
    return seen["word"] == "open" and says("not-yet", seen["sentence"]) and world.is_open()


def is_recorded(way, *more):
    """The lane's newest inspection stands in the store, and the page says so, and how far it is."""

    def expectation(world, seen):
        newest = world.newest(world.before)
        return (
            newest is not None
            and seen["word"] == newest[1]["disposition"]
            and says("recorded", seen["sentence"])
            and f"#{newest[0]}" in seen["sentence"]
            and (way is None or says(way, seen["sentence"]))
            and all(it(world, seen, newest[1]) for it in more)
        )

    return expectation


def both(*expectations):
    return lambda world, seen: all(it(world, seen) for it in expectations)


def is_not_inviting(_, seen):
    """With a dead instrument the next one is not asked in, whatever became of the last."""
    return seen["word"] != "open" and (says("paper", seen["action"]) or any_says("paper", seen["besides"]))


def noticed(which):
    return lambda _, seen: any_says(which, seen["notices"])


def figured(which):
    return lambda _, seen: any_says(which, seen["figures"])


def as_stored(world, seen):
    """Recorded and said to be so, or refused and said to be so: the store decides."""
    newest = world.newest(world.before)
    return is_recorded(None)(world, seen) if newest else seen["word"] == "not-recording" and says("stopped", seen["sentence"])


def reads_as(verdict, reason):
    """What the store's record says, in the words of the page."""
    words = {
        "quality": ("the value may not be used to decide", "测得值不可用于判定"),
        "no-edition": ("no edition of the limit table is in force on that day", "限值表没有在检测日有效的版本"),
    }

    def expectation(_, seen, record):
        return (record["verdict"], record["reason"]) == (verdict, reason) and any(it in seen["verdict"] for it in words[reason])

    return expectation


def clock_as_stored(world, seen):
    return any_says(f"clock-{world.clock_quality()}", seen["figures"])


class Fault:
    name, what = "", ""
    # A key in a token.
    token = False
    # How much longer than at once the agent may take to meet the fault, seconds: nobody knows of it before a write of the
    # agent's own, whose longest pause the site file sets.
    grace = 0
    # What the end of a passage takes until it is recorded, seconds.
    passage = 1.5
    # A lorry that comes after it went wrong is examined.
    has_passage = True

    def ready(self, world):
        """Before the phase begins, the lane still empty."""

    def inject(self, world, phase):
        raise NotImplementedError

    def heal(self, world):
        raise NotImplementedError

    def since(self, world, injected):
        """When it became so; none before it has."""
        return injected

    idle = during = end = None


class BudgetUsed(Fault):
    name, what = "budget-used", "the store's budget is used up by our own records, and the centre is away"
    idle = during = end = staticmethod(is_stopped("budget"))
    FACTS = {f"fact-{n}": "x" * 190 for n in range(60)}

    def ready(self, world):
        world.signal("centre", signal.SIGSTOP)
        world.serial = getattr(world, "serial", 0)
        # Nearly; the rest is the fault.
        while True:
            _, status = world.ask("/api/v1/status")
            left = status["store_budget_bytes"] * 15 // 16 - status["store_used_bytes"]
            if left < 200_000 or status["stopped"]:
                return
            self._post(world)

    def _post(self, world):
        world.serial += 1
        return world.post(world.serial, **self.FACTS)

    def inject(self, world, phase):
        while self._post(world):
            pass

    def heal(self, world):
        world.signal("centre", signal.SIGCONT)


class DiskFull(Fault):
    name, what = "disk-full", "others have filled the disk"
    idle = during = end = staticmethod(is_stopped("disk"))

    def inject(self, world, phase):
        if not world.mounted:
            return world.shim.set(error=errno.ENOSPC, refused=0)
        with open(world.data / "of-others", "wb", buffering=0) as it:
            for size in (65536, 4096):
                try:
                    while it.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass

    def heal(self, world):
        world.shim.set(error=0)
        (world.data / "of-others").unlink(missing_ok=True)


class NoInodes(Fault):
    name, what = "no-inodes", "no file can be made on the disk any more"
    idle = staticmethod(is_calm)
    during = staticmethod(is_open)
    end = staticmethod(as_stored)

    def inject(self, world, phase):
        folder = world.data / "many"
        folder.mkdir(exist_ok=True)
        try:
            for number in range(100_000 if world.mounted else 0):
                (folder / str(number)).touch()
        except OSError:
            pass

    def heal(self, world):
        shutil.rmtree(world.data / "many", ignore_errors=True)


class DiskFails(Fault):
    error = errno.EIO
    name, what = "io-error", "every write and sync fails with EIO"
    idle = during = end = staticmethod(is_stopped("failed"))
    grace = 5

    def inject(self, world, phase):
        world.shim.set(error=self.error, refused=0)
        world.refused_since = None

    def since(self, world, injected):
        # Nobody knows before something is written.
        if world.refused_since is None and world.shim.get("refused"):
            world.refused_since = time.monotonic()
        return world.refused_since

    def heal(self, world):
        world.shim.set(error=0)


class ReadOnly(DiskFails):
    error = errno.EROFS
    name, what = "read-only", "the file system has become read-only"


class DiskHangs(Fault):
    name, what = "disk-hangs", "a sync takes eight seconds, as of a dying flash card"
    idle = during = end = staticmethod(is_unknown)
    grace = 5

    def inject(self, world, phase):
        world.shim.set(delay_ms=8000)

    def heal(self, world):
        world.shim.set(delay_ms=0)


class BrokerDown(Fault):
    name, what = "broker-down", "the broker is gone"
    idle = staticmethod(both(is_calm, figured("uplink-down")))
    during = staticmethod(both(is_open, figured("uplink-down")))
    end = staticmethod(is_recorded("waiting-to-send"))

    def inject(self, world, phase):
        world.kill("broker")

    def heal(self, world):
        world.start_broker()


class CentreSilent(Fault):
    name, what = "centre-silent", "the broker takes everything, and the centre does not answer"
    idle = staticmethod(lambda world, seen: is_calm(world, seen) and any_says("unreceipted", seen["figures"])
                        and world.head() > world.receipted())
    during = staticmethod(is_open)
    end = staticmethod(is_recorded("sent"))
    grace = 5

    def inject(self, world, phase):
        world.signal("centre", signal.SIGSTOP)

    def heal(self, world):
        world.signal("centre", signal.SIGCONT)


class Forged(CentreSilent):
    name, what = "receipts-forged", "receipts that the centre has not signed come in its place"
    during = staticmethod(is_open)

    def inject(self, world, phase):
        super().inject(world, phase)
        self.forge(world)

    @staticmethod
    def forge(world):
        """Two forgeries for everything that there is: the centre's own with another number in it, and one under our key."""
        genuine = world.receipt()
        receipt = cbor2.loads(genuine).value
        protected, _, payload, signature = receipt
        said = cbor2.loads(payload)
        newest = world.read("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1")[0]
        old = world.read("SELECT upto_seq, hash FROM cursor")[0]

        def other(it):
            if isinstance(it, dict):
                return {key: other(value) for key, value in it.items()}
            if isinstance(it, (list, tuple)):
                return [other(value) for value in it]
            swapped = {old[0]: newest[0], old[1]: newest[1]}
            return swapped.get(it, it) if isinstance(it, (int, bytes)) and not isinstance(it, bool) else it

        payload = cbor2.dumps(other(said), canonical=True)
        signed = Ed25519PrivateKey.generate().sign(cbor2.dumps(["Signature1", protected, b"", payload]))
        topic = "tw/1/yantian/gate-07/down/receipt"
        for forged in (signature, signed):
            message = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, forged]))
            world.ear.publish(topic, message, qos=1)

    def again(self, world):
        self.forge(world)


class LineDown(Fault):
    name, what = "line-down", "the cable of the scale is pulled"
    # Who has lost the scale is given up at the time limit of the lane.
    passage = 6
    has_passage = False
    idle = staticmethod(both(is_not_inviting, noticed("line-down")))
    during = staticmethod(both(is_open, noticed("line-down")))
    end = staticmethod(both(is_recorded(None), noticed("line-down")))

    def inject(self, world, phase):
        world.scale.pull_out()

    def heal(self, world):
        world.scale.plug_in()


class Silent(Fault):
    name, what = "instrument-silent", "the scale is there and says nothing"
    passage = 6
    has_passage = False
    idle = staticmethod(both(is_not_inviting, noticed("no-answer")))
    during = staticmethod(both(is_open, noticed("no-answer")))
    end = staticmethod(both(is_recorded(None), noticed("no-answer")))
    # Silence is declared by the site file after two seconds.
    grace = 2

    def inject(self, world, phase):
        world.scale.silent = True

    def heal(self, world):
        world.scale.silent = False


class Unverified(Fault):
    name, what = "out-of-verification", "the scale's certificate has run out"
    idle = staticmethod(both(is_calm, noticed("unverified")))
    during = staticmethod(both(is_open, noticed("unverified")))
    end = staticmethod(both(is_recorded(None, reads_as("Inconclusive", "quality")), noticed("unverified")))

    def inject(self, world, phase):
        world.valid_until = today(-1)
        world.write_site()
        world.reload()

    def heal(self, world):
        world.valid_until = "2099-12-31"
        world.write_site()
        world.reload()


class NoEdition(Fault):
    name, what = "no-edition", "no edition of the limit table is in force any more"
    idle = staticmethod(is_calm)
    during = staticmethod(is_open)
    end = staticmethod(is_recorded(None, reads_as("Inconclusive", "no-edition")))

    def inject(self, world, phase):
        world.table_until = today(-1)
        world.write_table()
        world.reload()

    def heal(self, world):
        world.table_until = None
        world.write_table()
        world.reload()


class ClockLost(Fault):
    name, what = "clock-unkept", "nobody keeps the clock: since the start, or from now on"
    idle = staticmethod(both(is_calm, clock_as_stored, lambda world, seen: world.clock_quality() != "S"))
    during = staticmethod(both(is_open, lambda _, seen: not any_says("clock-S", seen["figures"])))
    end = staticmethod(both(is_recorded(None), clock_as_stored, lambda world, seen: world.clock_quality() != "S"))
    # The clock is looked at with each record.
    grace = 5

    def inject(self, world, phase):
        world.shim.set(unkept=1)
        if phase == "before":
            world.kill("agent")
            world.start_agent()

    def heal(self, world):
        world.shim.set(unkept=0)


class Killed(Fault):
    name, what = "agent-killed", "the agent is gone, and is started again while the page stays open"
    idle = during = end = staticmethod(is_unknown)

    def inject(self, world, phase):
        world.kill("agent")

    def heal(self, world):
        world.start_agent()


class Hung(Fault):
    name, what = "agent-hung", "the agent stands still and keeps its connections"
    idle = during = end = staticmethod(is_unknown)

    def inject(self, world, phase):
        world.signal("agent", signal.SIGSTOP)

    def heal(self, world):
        world.signal("agent", signal.SIGCONT)


class KeyAway(Fault):
    name, what = "key-away", "the token with the signing key has been pulled out"
    token = True
    idle = during = end = staticmethod(is_stopped("key"))
    # A key is missed when the next record is to be signed.
    grace = 5

    def inject(self, world, phase):
        os.rename(world.root / "tokens", world.root / "away")

    def heal(self, world):
        os.rename(world.root / "away", world.root / "tokens")


ALL = [KeyAway, BudgetUsed, DiskFull, NoInodes, ReadOnly, DiskFails, DiskHangs, BrokerDown, CentreSilent, Forged, LineDown,
       Silent, Unverified, NoEdition, ClockLost, Killed, Hung]
