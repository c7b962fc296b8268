"""The cells: every fault at three moments of a passage, each held against the disk.

    before   it goes wrong while the lane is empty, then a lorry comes
    during   it goes wrong while a lorry is on the scale
    end      it goes wrong as the lorry leaves, before its result is recorded

Two things are asked. Within five seconds of its becoming so, the page says it. And at no moment, looked at five times a
second from the first to the last, does the page call a result recorded, sent or receipted that is not.
"""

import json
import re
import threading
import time

from page import Page
from world import LANE, Failed, World, need

PHASES = ["before", "during", "end"]
LOOK = 0.2
SCREEN, PHONE = (1280, 800), (360, 640)
# What the page is asked for, seconds.
WITHIN = 5
# What a wait may take on a busy machine before it is called off; a time above WITHIN is told and fails by itself.
PATIENCE = 30
# How much later than on the disk a witness at the broker or at the centre may know of a record, seconds.
WITNESS = 2
TILE = re.compile(rf'href="/lane/{LANE}"[^>]*>\s*<span class="place">[^<]*</span>\s*<span class="stage ([a-z-]+)')
NUMBER = re.compile(r"#(\d+)")
LORRY_KG = {"before": 24000, "during": 41000, "end": 24000}


def until_up(world):
    """Waits until the agent answers."""
    until = time.monotonic() + PATIENCE
    while world.ask("/api/v1/status")[0] != 200:
        need(time.monotonic() < until, f"the agent does not come up: {world.log('agent')[-2000:]}")
        time.sleep(0.1)


class Lane:
    """The page of the lane, watched: whoever waits looks, and every look is judged."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self.page = Page(*SCREEN)
        self.looks = self.claims = 0
        self.seen = None
        self.lies = []

    def open(self, language):
        self.page.open(f"{self.world.url}/lane/{LANE}?lang={language}")
        self.language = language

    def look(self):
        self.seen = self.page.look()
        self.looks += 1
        self._judge(self.seen)
        return self.seen

    def _judge(self, seen):
        """What the page claims of a record must be so now: the look is before the question, so that it cannot run ahead."""
        from faults import says

        if not says("recorded", seen["sentence"]):
            if seen["word"] in ("clear", "refer", "alarm", "not-valid"):
                self.lies.append(f"{seen['word']} without a record: {seen['sentence']!r}")
            return
        self.claims += 1
        number = int(NUMBER.search(seen["sentence"]).group(1))
        record = self.world.record(number)
        if record is None and self.world.is_trimmed(number):
            return
        if record is None:
            self.lies.append(f"{seen['sentence']!r}, and record {number} is not in the store")
        elif (record["place"], record["disposition"]) != (LANE, seen["word"]):
            self.lies.append(f"{seen['word']}: {seen['sentence']!r}, and record {number} says {record}")
        elif says("receipted", seen["sentence"]):
            if self.world.receipted() < number:
                self.lies.append(f"{seen['sentence']!r}, and the cursor is at {self.world.receipted()}")
            self._witnessed(seen, number, lambda: self.world.at_the_centre() >= number, "the centre")
        elif says("sent", seen["sentence"]):
            self._witnessed(seen, number, lambda: number in self.world.heard, "the broker")

    def _witnessed(self, seen, number, knows, who):
        until = time.monotonic() + WITNESS
        while not knows():
            if time.monotonic() > until:
                self.lies.append(f"{seen['sentence']!r}, and {who} has no record {number}")
                return
            time.sleep(0.05)

    def wait(self, what, condition, within=PATIENCE, meanwhile=None):
        """Looks until it is so; gives the moment."""
        begun = time.monotonic()
        while True:
            at = time.monotonic()
            seen = self.look()
            if condition(self.world, seen):
                return at
            if time.monotonic() - begun > within:
                raise Failed(f"{what}: not within {within} s; the page says {json.dumps(seen, ensure_ascii=False)}")
            if meanwhile:
                meanwhile()
            time.sleep(max(0, LOOK - (time.monotonic() - at)))

    def watch(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            time.sleep(LOOK)

    def keep(self, name, report):
        """A picture of what is shown, and what can be measured of it."""
        audit = self.page.audit()
        self.page.shoot(self.folder / f"{name}.png")
        report["shown"] = self.seen | {"audit": audit}
        self._judge_looks(audit)
        if not self.seen["lost"]:
            # Everybody's page says the same of the lane.
            tile = TILE.search(self.world.get("/"))
            need(tile and tile.group(1) == self.seen["word"], f"all places: {tile and tile.group(1)}, the lane: {self.seen['word']}")
        need(audit["height"] >= 0.12, f"the word {audit['word']!r} takes {audit['height']:.3f} of the height")
        self.page.size(*PHONE)
        audit = self.page.audit()
        self.page.shoot(self.folder / f"{name}-phone.png")
        report["phone"] = audit
        self._judge_looks(audit)
        # A long word fills the width before it fills the height.
        need(audit["height"] >= 0.12 or audit["width"] >= 0.8, f"on a phone {audit['word']!r}: {audit['height']:.3f} by {audit['width']:.3f}")
        self.page.size(*SCREEN)

    def _judge_looks(self, audit):
        need(audit["contrast"] >= 7, f"contrast {audit['contrast']:.2f}:1 of {audit['weakest']!r}")
        need(audit["shape"] > 0 and audit["sign"] >= 0.1, f"the shape beside the word takes {audit['sign']:.3f} of the height")
        need(audit["overflow"] <= 0, f"the page is {audit['overflow']} px too wide")
        chinese = re.search("[一-鿿]", audit["word"]) is not None
        need(chinese == (self.language == "zh-CN"), f"{audit['word']!r} on a page in {self.language}")


def is_well(world, seen):
    """Nothing is wrong, and the page says so: idle, no notice but of the room left, everything receipted, and that it is."""
    from faults import any_says, is_calm

    notices = [it for it in seen["notices"] if not re.search("storage left|剩余存储", it)]
    return is_calm(world, seen) and not notices and not any_says("uplink-down", seen["figures"])


def settled(world, seen):
    return is_well(world, seen) and world.head() <= world.receipted()


def has_opened(_, seen):
    return seen["word"] == "open"


def play(lane, fault, phase, index):
    """One cell; gives what came of it."""
    world = lane.world
    until_up(world)
    lane.open(["en", "zh-CN"][index % 2])
    if world.mass:
        # Left there by a cell that failed.
        world.mass = 0
        lane.watch(2)
    lane.wait("a healthy lane to begin with", settled)
    newest = world.newest()
    world.before = newest[0] if newest else -1
    report = {"fault": fault.name, "phase": phase, "language": lane.language}
    mass, late = LORRY_KG[phase], []

    def expect(what, expectation, injected, extra=0.0):
        """Waits for what the page has to say, and for how long it took from when it was so."""
        became = []

        def holds(world, seen):
            since = fault.since(world, injected)
            if since is not None and not became:
                became.append(since)
            return expectation(world, seen)

        at = lane.wait(f"{fault.name}, {phase}, {what}", holds, meanwhile=getattr(fault, "again", None) and (lambda: fault.again(world)))
        took = max(0.0, at - (became[0] if became else injected))
        report[what] = round(took, 1)
        if took > WITHIN + extra:
            late.append(f"{what} after {took:.1f} s, {WITHIN + extra:g} s at most")

    try:
        fault.ready(world)
        if phase == "before":
            injected = time.monotonic()
            fault.inject(world, phase)
            expect("idle", fault.idle, injected, fault.grace)
            lane.keep(f"{fault.name}-before", report)
            world.mass = mass
            lane.watch(2.5)
            world.mass = 0
            if fault.has_passage:
                expect("end", fault.end, time.monotonic(), fault.grace + fault.passage)
            else:
                lane.watch(2.5)
        else:
            # One that takes the place of another without a gap is the same to the scale.
            lane.watch(0.8)
            world.mass = mass
            lane.wait("the lorry on the scale", has_opened)
            if phase == "during":
                lane.watch(0.6)
                injected = time.monotonic()
                fault.inject(world, phase)
                expect("during", fault.during, injected, fault.grace)
                lane.keep(f"{fault.name}-during", report)
                world.mass = 0
                left = time.monotonic()
            else:
                lane.watch(1.0)
                world.mass = 0
                injected = left = time.monotonic()
                fault.inject(world, phase)
            expect("end", fault.end, max(injected, left), fault.grace + fault.passage)
            if phase == "end":
                lane.keep(f"{fault.name}-end", report)
    finally:
        fault.heal(world)
    healed = time.monotonic()
    report["healed"] = round(lane.wait(f"{fault.name}, {phase}, after it was mended", is_well, 60) - healed, 1)
    need(not late, f"later than it may: {late}")
    return report


class Worker(threading.Thread):
    """One world, and faults one after another until there are none."""

    def __init__(self, programs, shim, root, name, folder, token, queue):
        super().__init__(daemon=True)
        self.make = lambda: World(programs, shim, root, name, token)
        self.folder, self.token, self.queue = folder, token, queue
        self.reports, self.failures, self.lane = [], [], None

    def run(self):
        world = None
        try:
            world = self.make()
            world.start()
            until_up(world)
            self.lane = Lane(world, self.folder)
            while fault := self.queue.take(self.token):
                for phase in PHASES:
                    self._cell(world, fault(), phase)
            self.lane.page.take_logs(world.url)
        except Exception as why:  # noqa: BLE001
            self.failures.append(f"{self.name}: {type(why).__name__}: {why}")
        finally:
            if self.lane:
                self.lane.page.close()
            if world:
                world.close()

    def _cell(self, world, fault, phase):
        lane, begun = self.lane, time.monotonic()
        lane.lies.clear()
        index = len(self.reports)
        try:
            report = play(lane, fault, phase, index)
        except Exception as why:  # noqa: BLE001
            report = {"fault": fault.name, "phase": phase, "failed": f"{type(why).__name__}: {why}"}
        report |= {"took": round(time.monotonic() - begun, 1), "lies": list(dict.fromkeys(lane.lies))}
        self.reports.append(report)
        shown = {key: value for key, value in report.items() if key not in ("shown", "phone", "lies", "fault", "phase")}
        print(f"{fault.name:20} {phase:7} {json.dumps(shown, ensure_ascii=False)}", flush=True)
        for lie in report["lies"]:
            print(f"{fault.name:20} {phase:7} THE PAGE LIED: {lie}", flush=True)
        if "failed" in report:
            print("\n".join(f"    {line}" for line in world.log("agent").splitlines()[-12:]), flush=True)


class Queue:
    """Faults still to be tried; those of a token go to the world that has one, and first."""

    def __init__(self, faults):
        self.faults, self.lock = list(faults), threading.Lock()

    def take(self, token):
        with self.lock:
            for fault in self.faults:
                if not fault.token or token:
                    self.faults.remove(fault)
                    return fault
            return None
