"""Reads /metrics with the parsers of Prometheus' own Python client; prints one JSON object: sample -> value."""

import json
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
    kind = answer.headers["Content-Type"]
    text = answer.read().decode("utf-8")
assert kind.startswith("application/openmetrics-text"), kind
samples = {}
for family in text_string_to_metric_families(text):
    assert family.documentation, family.name
    assert family.name.startswith("tidewaiter_"), family.name
    for sample in family.samples:
        labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
        key = f"{sample.name}{{{labels}}}" if labels else sample.name
        assert key not in samples, key
        samples[key] = sample.value
print(json.dumps(samples))
