"""Checks the last line of `cargo demo -- --for 20s --json`: what twenty seconds must have shown."""

import json
import sys

report = json.load(sys.stdin)
failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)


expect(report["bad"] == 0, f"bad is {report['bad']}, expected 0")
expect(report["gaps"] == 0, f"gaps is {report['gaps']}, expected 0")
expect(report["sealed"] == report["receipted"], f"sealed {report['sealed']} but receipted {report['receipted']}")
expect(report["sealed"] == report["verified"], f"sealed {report['sealed']} but verified {report['verified']}")
for instrument, counts in report["instruments"].items():
    expect(counts["readings"] > 0, f"{instrument} contributed nothing")
expect(report["verdicts"].get("Pass", 0) >= 1, "no Pass")
expect(report["verdicts"].get("Fail", 0) >= 1, "no Fail")
expect(report["dispositions"].get("alarm", 0) >= 1, "no alarm disposition")
reasons = {reason for counts in report["instruments"].values() for reason, count in counts["missing"].items() if count}
expect(reasons, "no instrument ever said why it had no value")

for failure in failures:
    print(f"demo: {failure}")
print(f"demo: verdicts {report['verdicts']}, missing reasons {sorted(reasons)}, first result after {report['first_result_s']:.1f} s")
sys.exit(1 if failures else 0)
