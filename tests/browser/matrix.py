"""All faults at all moments, in a few worlds at a time: most of a cell is waiting."""

import json

import faults
from cells import PHASES, Queue, Worker

WORLDS = 3


def run(programs, shim, root, out, asked):
    wanted = [it for it in faults.ALL if asked.fault in (None, it.name)]
    queue = Queue(wanted)
    workers = [Worker(programs, shim, root, f"world-{n}", out, n == 0, queue) for n in range(min(WORLDS, len(wanted)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    reports = [it for worker in workers for it in worker.reports]
    failures = [it for worker in workers for it in worker.failures]
    failures += [f"{it['fault']}, {it['phase']}: {it['failed']}" for it in reports if "failed" in it]
    failures += [f"{it['fault']}, {it['phase']}: {lie}" for it in reports for lie in it["lies"]]
    for worker in workers:
        if worker.lane:
            page = worker.lane.page
            # While the agent is gone, its page cannot reach it, and the browser says so in the log.
            errors = [it for it in page.errors if "net::ERR_" not in it and "503" not in it]
            failures += [f"{worker.name}: console: {it}" for it in errors]
            failures += [f"{worker.name}: asked elsewhere: {it}" for it in sorted(page.strangers)]
            failures += [f"{worker.name}: forbidden by the policy: {it}" for it in page.broken]
    right = sum("failed" not in it and not it["lies"] for it in reports)
    looks = sum(worker.lane.looks for worker in workers if worker.lane)
    claims = sum(worker.lane.claims for worker in workers if worker.lane)
    slowest = max((it.get(what, 0) for it in reports for what in PHASES + ["idle"]), default=0)
    print(f"cells: {right} of {len(wanted) * len(PHASES)} right, slowest {slowest} s; {looks} looks, {claims} claims held against the store")
    if len(reports) != len(wanted) * len(PHASES):
        failures.append(f"{len(reports)} cells were tried")
    (out / "cells.json").write_text(json.dumps(reports, ensure_ascii=False, indent=1))
    return failures
