#!/usr/bin/env python3
"""Puts every stream of a corpus to verify.py and compares the answers with those beside the streams.

    agree.py FOLDER        FOLDER holds cases.json, cases/*.hex and the registries (agent/record/vectors/v1), and a
                           folder of evidence for each case that names one

Prints one line per difference and a count; exit code 0 without differences, 1 with, 2 on usage.
"""

import json
import sys
from pathlib import Path

from verify import Verifier, load_registry

ANSWERS = ("signature", "chain", "completeness", "time")


def answers(folder, case):
    registry = load_registry((folder / case["registry"]).read_text(encoding="utf-8"))
    evidence = case.get("evidence")
    verifier = Verifier(registry, evidence=None if evidence is None else folder / evidence)
    verifier.push_stream(bytes.fromhex((folder / "cases" / f"{case['name']}.hex").read_text().replace("\n", "")))
    report = verifier.finish()
    found = {name: report[name]["answer"] for name in ANSWERS}
    for name in ("records", "accepted", "duplicates", "simulated"):
        found[name] = report[name]
    found["findings"] = sorted(([it["code"], it["seq"]] for it in report["findings"]), key=repr)
    return found


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    differing = 0
    for case in cases:
        found = answers(folder, case)
        expected = {name: case[name] for name in found}
        expected["findings"] = sorted(expected["findings"], key=repr)
        if found != expected:
            differing += 1
            for name in found:
                if found[name] != expected[name]:
                    print(f"{case['name']}: {name} is {found[name]}, expected {expected[name]}")
    print(f"{len(cases)} streams, {differing} with different answers")
    return 1 if differing or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
