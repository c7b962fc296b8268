"""The page tells the truth: see README.md in this folder.

    python tests/browser --bin target/debug [--out target/browser] [--only cells,people,api] [--fault NAME] [--keep DIR]

Exit code 0: all held; 1: something did not; 3: a program is missing.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

TOOLS = {"chromium": "chromium", "chromedriver": "chromium-driver", "mosquitto": "mosquitto", "cc": "gcc",
         "softhsm2-util": "softhsm2"}


def alone():
    """Begins again in a mount namespace of its own, where file systems of the test's are nobody else's and vanish with it."""
    if os.environ.get("TIDEWAITER_BROWSER_ALONE"):
        return
    os.environ["TIDEWAITER_BROWSER_ALONE"] = "1"
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    if subprocess.run(["unshare", *flags, "true"], capture_output=True).returncode == 0:
        os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.orig_argv[1:]])
    print("no file system can be mounted here: a full disk is played by the shim")


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--bin", type=pathlib.Path, required=True)
    asked.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/browser"))
    asked.add_argument("--only", default="cells,people,api")
    asked.add_argument("--fault")
    asked.add_argument("--keep", type=pathlib.Path)
    asked = asked.parse_args()
    path = os.environ["PATH"] = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool, path=path)]
    if missing:
        print(f"missing: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 3
    alone()
    out, programs = asked.out.absolute(), asked.bin.absolute()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shim = out / "shim.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", shim, pathlib.Path(__file__).parent / "shim.c", "-ldl"], check=True)
    begun, failures = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="tidewaiter-browser-", ignore_cleanup_errors=True) as folder:
        root = asked.keep or pathlib.Path(folder)
        for part in asked.only.split(","):
            module = __import__({"cells": "matrix"}.get(part, part))
            failures += module.run(programs, shim, root, out, asked)
    for failure in failures:
        print(f"FAILED {failure}")
    print(json.dumps({"failures": len(failures), "seconds": round(time.monotonic() - begun)}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
