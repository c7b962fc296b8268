#!/usr/bin/env python3
"""Checks an evidence bundle of Tidewaiter with Python's own tarfile and the verifier beside this file.

    python3 bundle.py case.tar --registry registry.json

Prints the verifier's report as JSON, with what does not fit in the bundle under "damage", and
what the centre says of instrument nodes, its word, under "nodes". Exit codes: 0 nothing speaks
against it, 1 something does, 2 wrong use or no bundle.
"""

import argparse
import hashlib
import json
import os
import sys
import tarfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verify  # noqa: E402

VERSION = 1
CONTENTS = (("evidence/", ""), ("tables/", ".toml"), ("plans/", ".toml"))


def files_of(path):
    """Every file of the archive, in order, as name and bytes."""
    with tarfile.open(path, mode="r:") as archive:
        for member in archive:
            if not member.isfile():
                raise ValueError(f"{member.name} is no plain file")
            yield member.name, archive.extractfile(member).read()


def check(path, registry):
    """Gives the report and the damage found."""
    found, damage, manifest = {}, [], None
    for name, content in files_of(path):
        if manifest is None:
            if name != "manifest.json":
                raise ValueError("the archive does not begin with manifest.json")
            manifest = json.loads(content)
            if manifest.get("version") != VERSION:
                raise ValueError(f"version {manifest.get('version')!r} is not known")
            continue
        if name in found:
            damage.append({"file": name, "what": "it is there twice"})
        found[name] = content
    if manifest is None:
        raise ValueError("the archive is empty")
    listed = {entry["name"]: entry for entry in manifest["files"]}
    for name, content in found.items():
        entry = listed.get(name)
        digest = hashlib.sha256(content).hexdigest()
        if entry is None:
            damage.append({"file": name, "what": "the manifest does not list it"})
        elif (entry["size"], entry["sha256"]) != (len(content), digest):
            damage.append({"file": name, "what": "size or SHA-256 differs from the manifest"})
        for folder, ending in CONTENTS:
            if name.startswith(folder) and name != f"{folder}{digest}{ending}":
                damage.append({"file": name, "what": "its content has another SHA-256 than its name"})
    for name in listed.keys() - found.keys():
        damage.append({"file": name, "what": "the manifest lists it and it is not there"})

    verifier = verify.Verifier(registry, manifest["first_seq"])
    if hasattr(verifier, "evidence_present"):
        for name, content in found.items():
            if name.startswith("evidence/"):
                verifier.evidence_present(hashlib.sha256(content).digest(), len(content))
    if manifest["first_seq"] == 0 and "statement.cbor" in found:
        verifier.push_stream(found["statement.cbor"])
    for name in ("records.cborseq", "receipts.cborseq"):
        verifier.push_stream(found.get(name, b""))
    report = verifier.finish()
    nodes = []
    if "nodes.json" in found:
        said = json.loads(found["nodes.json"])
        if said.get("version") == VERSION:
            nodes = said["records"]
        else:
            damage.append({"file": "nodes.json", "what": f"version {said.get('version')!r} is not known"})
        for record in nodes:
            if not manifest["first_seq"] <= record["seq"] <= manifest["last_seq"]:
                damage.append({"file": "nodes.json", "what": f"it speaks of record {record['seq']}, which is not here"})
    report["nodes"] = nodes
    return verifier, report, damage


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Checks an evidence bundle of Tidewaiter.")
    parser.add_argument("--registry", required=True, help="the JSON document of keys, from the authority")
    parser.add_argument("file", metavar="TAR")
    options = parser.parse_args(arguments)
    try:
        with open(options.registry, encoding="utf-8") as file:
            registry = verify.load_registry(file.read())
        verifier, report, damage = check(options.file, registry)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, tarfile.TarError) as error:
        print(f"bundle.py: {error}", file=sys.stderr)
        return 2
    report["damage"] = damage
    print(json.dumps(report, ensure_ascii=False, indent=2))
    spoken_against = any(record["findings"] for record in report["nodes"])
    return 1 if damage or spoken_against or any(verifier.bad.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
