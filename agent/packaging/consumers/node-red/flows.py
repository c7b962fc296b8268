#!/usr/bin/env python3
"""Puts prove.js into flows.json: a function node keeps its code inside the flow file. `flows.py --check` only compares."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
FLOW = "tidewaiter-flow"
NODES = [
    {"id": FLOW, "type": "tab", "label": "Tidewaiter", "info": "Records that prove themselves. The registry: `tidewaiter-collector keys export`."},
    {
        "id": "tw-broker", "type": "mqtt-broker", "name": "broker", "broker": "127.0.0.1", "port": "1883", "clientid": "",
        "usetls": False, "protocolVersion": "5", "keepalive": "60", "cleansession": True, "autoConnect": True,
    },
    {
        "id": "tw-once", "type": "inject", "z": FLOW, "name": "at start, and hourly", "props": [], "repeat": "3600",
        "once": True, "onceDelay": 0.1, "x": 150, "y": 60, "wires": [["tw-registry-file"]],
    },
    {
        "id": "tw-registry-file", "type": "file in", "z": FLOW, "name": "registry.json",
        "filename": "TIDEWAITER_REGISTRY", "filenameType": "env", "format": "utf8", "allProps": False,
        "x": 340, "y": 60, "wires": [["tw-registry-json"]],
    },
    {"id": "tw-registry-json", "type": "json", "z": FLOW, "name": "", "property": "payload", "action": "obj", "x": 500, "y": 60, "wires": [["tw-registry-keep"]]},
    {
        "id": "tw-registry-keep", "type": "change", "z": FLOW, "name": "keep",
        "rules": [{"t": "set", "p": "registry", "pt": "flow", "to": "payload", "tot": "msg"}],
        "x": 640, "y": 60, "wires": [[]],
    },
    {
        "id": "tw-in", "type": "mqtt in", "z": FLOW, "name": "records", "topic": "tw/1/+/+/record", "qos": "1",
        "datatype": "buffer", "broker": "tw-broker", "nl": False, "rap": True, "rh": 0, "inputs": 0,
        "x": 130, "y": 140, "wires": [["tw-prove"]],
    },
    {
        "id": "tw-alert", "type": "mqtt in", "z": FLOW, "name": "alerts", "topic": "tw/1/+/+/alert", "qos": "1",
        "datatype": "buffer", "broker": "tw-broker", "nl": False, "rap": True, "rh": 0, "inputs": 0,
        "x": 130, "y": 200, "wires": [["tw-prove"]],
    },
    {
        "id": "tw-prove", "type": "function", "z": FLOW, "name": "prove", "func": "", "outputs": 2, "timeout": 0,
        "noerr": 0, "initialize": "", "finalize": "",
        "libs": [{"var": "cbor", "module": "cbor-x"}, {"var": "crypto", "module": "crypto"}],
        "x": 320, "y": 160, "wires": [["tw-results"], ["tw-refused"]],
    },
    {
        "id": "tw-results", "type": "switch", "z": FLOW, "name": "results", "property": "payload.kind", "propertyType": "msg",
        "rules": [{"t": "eq", "v": "inspection", "vt": "str"}], "checkall": "true", "repair": False, "outputs": 1,
        "x": 500, "y": 140, "wires": [["tw-show"]],
    },
    {"id": "tw-show", "type": "debug", "z": FLOW, "name": "result", "active": True, "tosidebar": True, "console": True, "complete": "payload", "targetType": "msg", "x": 660, "y": 140, "wires": []},
    {"id": "tw-refused", "type": "debug", "z": FLOW, "name": "refused", "active": True, "tosidebar": True, "console": True, "complete": "payload", "targetType": "msg", "x": 500, "y": 200, "wires": []},
]  # fmt: skip

for node in NODES:
    if node["id"] == "tw-prove":
        node["func"] = (HERE / "prove.js").read_text()
text = json.dumps(NODES, indent=2, ensure_ascii=False) + "\n"
if "--check" in sys.argv:
    same = (HERE / "flows.json").read_text() == text
    print("flows.json is prove.js and these nodes" if same else "flows.json differs: run flows.py")
    sys.exit(0 if same else 1)
(HERE / "flows.json").write_text(text)
