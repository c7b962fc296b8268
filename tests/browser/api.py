"""The interface for programs under a fuzzer that reads its description and knows nothing else: Schemathesis.

Asked of every answer: no 5xx but the 503 that is described, a status and a media type that are described, a body as its schema
says, methods that are not there refused, nothing done for who has no key, and nothing taken that the schema refuses. Afterwards
the agent still lives, still records, and its chain verifies.
"""

import json
import subprocess
import sys
import time

from cells import until_up
from world import World, need

SEED = 20261129
EXAMPLES = 25
# The bound of a run. On two quiet cores it takes forty seconds; a busy machine is no fault of the agent.
WITHIN = 300
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method", "ignored_auth",
]


def run(programs, shim, root, out, asked):
    world = World(programs, shim, root, "api", budget="64 MiB")
    try:
        world.start()
        until_up(world)
        begun = time.monotonic()
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{world.url}/api/v1/openapi.json",
            "--header", f"Authorization: Bearer {world.key()}", "--checks", ",".join(CHECKS), "--seed", str(SEED),
            "--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing", "--request-timeout", "10", "--no-shrink",
            "--continue-on-failure", "--warnings", "off", "--report", "ndjson", "--report-ndjson-path", str(out / "api.ndjson"),
        ]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN, cwd=root, env=world.environment | {"NO_COLOR": "1"})
        except subprocess.TimeoutExpired:
            return [f"the fuzzer is not through after {WITHIN} s"]
        (out / "api.txt").write_text(ended.stdout + ended.stderr)
        for line in ended.stdout.splitlines():
            if any(it in line for it in ("Test cases:", "generated", "unique failures", "Seed:", "Operations:")):
                print(line.strip())
        failures = [] if ended.returncode == 0 else [f"schemathesis: exit code {ended.returncode}, see {out / 'api.txt'}"]
        took = round(time.monotonic() - begun, 1)
        code, status = world.ask("/api/v1/status")
        need(code == 200 and not status["stopped"], f"after it the agent says {status}")
        need(world.post(1), "after it the agent records nothing")
        records = root / "api.cborseq"
        world.tool("tidewaiter", "export", "--config", world.site, "--format", "cborseq", "--out", records)
        world.tool("tidewaiter", "verify", records, "--registry", world.centre / "registry.json")
        print(json.dumps({"seconds": took, "sealed": status["counters"]["sealed"]}))
        return failures
    finally:
        world.close()
