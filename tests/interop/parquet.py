"""Reads the Parquet tables of a collector with DuckDB and compares every value with the JSON Lines and the records of the same store.

parquet.py FOLDER RECORDS.jsonl RECORDS.cborseq; prints one JSON object: rows by table, values compared.
What the JSON Lines do not tell (raw readings, clocks, keys) is taken from the records themselves, by the rules of record.cddl.
"""

import io
import json
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import cbor2
import duckdb

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
CLOCK_SOURCES = ["none", "rtc", "ntp", "nts", "ptp", "gnss", "operator", "host"]
NUMBERS = ["background", "uncertainty", "background_uncertainty"]
folder, lines_path, records_path = sys.argv[1:4]
database = duckdb.connect()


def at(text):
    """A time of the JSON Lines as milliseconds; none beyond the calendar, where it is told as its number."""
    if text is None or text.endswith(" ms"):
        return None
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


def both(name, text):
    """The digits and their value."""
    return {name: text, f"{name}_decimal": None if text is None else Decimal(text)}


def shown(pair):
    """Digits and places of a record as the text that was displayed."""
    if pair is None:
        return None
    digits, places = pair[0], pair[1]
    return str(Decimal(digits).scaleb(-places)) if places == 0 else f"{Decimal(digits).scaleb(-places):.{places}f}"


def outcome_of(it):
    """An outcome of a record: four items are a value, two the reason why there is none."""
    if len(it) == 4:
        return {**both("value", shown(it)), "unit": it[2], "quality": it[3], "missing": None, "missing_code": None}
    return {**both("value", None), "unit": None, "quality": None, "missing": it[0], "missing_code": it[1]}


def plan_of(plan):
    return {"plan_id": plan and plan["id"], "plan_version": plan and plan["version"]}


def table(name):
    """The rows of a table; times as milliseconds, JSON as what it says."""
    path = f"{folder}/{name}.parquet"
    described = database.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    kinds = {column: kind for column, kind, *_ in described}
    assert not any(kind in ("FLOAT", "DOUBLE") for kind in kinds.values()), kinds
    asked = [f"epoch_ms({it}) AS {it}" if kind == "TIMESTAMP WITH TIME ZONE" else it for it, kind in kinds.items()]
    found = database.execute(f"SELECT {', '.join(asked)} FROM '{path}'")
    rows = []
    for row in found.fetchall():
        cells = dict(zip(kinds, row))
        rows.append({it: json.loads(cell) if kinds[it] == "JSON" and cell is not None else cell for it, cell in cells.items()})
    return rows


def metadata(name):
    said = database.execute(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{folder}/{name}.parquet')")
    return dict(said.fetchall())


records = {}
with open(records_path, "rb") as file:
    stream = io.BytesIO(file.read())
while stream.tell() < len(stream.getbuffer()):
    begin = stream.tell()
    envelope = cbor2.load(stream).value
    header, body = cbor2.loads(envelope[0]), cbor2.loads(envelope[2])
    chain, seq, prev, _ = header[-70001]
    size = stream.tell() - begin
    records[chain.hex(), seq] = {"kid": header[4].hex(), "prev": prev.hex(), "body": body, "size": size}

expected = {"records": [], "inspections": [], "findings": [], "readings": [], "intervals": []}
with open(lines_path, encoding="utf-8") as file:
    lines = [json.loads(line) for line in file]
for line in lines:
    record = records[line["chain"], line["seq"]]
    number, block, raw = record["body"]
    detail = line["detail"]
    head = {it: line[it] for it in ("agent", "chain", "seq", "simulated", "drill")} | {"time": at(line["time"])}

    def put(name, **cells):
        expected[name].append(head | cells)

    small = {it: block[place] if block[place] < 2**63 else None for it, place in (("mono_ms", 1), ("boot", 2), ("clock_err_ms", 4))}
    put("records", received=at(line["received"]), hash=line["hash"], prev=record["prev"], kid=record["kid"],
        about=line["about"], clock=line["clock"], clock_source=CLOCK_SOURCES[block[5]], kind=line["kind"], kind_number=number,
        size=record["size"], detail=detail, **small)
    assert small["clock_err_ms"] in (line["clock_err_ms"], None)

    def measured(role, inspection):
        for position, it in enumerate(detail["measured"]):
            # The JSON Lines spell a code with its reason; the record keeps them apart.
            where = raw[8] if role == "measured" else raw[7]
            put("readings", role=role, inspection=inspection, position=position, instrument=it["instrument"], channel=None,
                parameter=it["parameter"], read_at=None, **outcome_of(where[position][3]),
                **{key: cell for name in NUMBERS for key, cell in both(name, it.get(name)).items()},
                derivation=it["derivation"], basis=it.get("basis"), stage=it["stage"], operator=None, sample=None, raw=None)
            assert it.get("value") == outcome_of(where[position][3])["value"], it

    def reading(role, inspection, position, it, operator, sample):
        absent = {key: None for name in NUMBERS for key in (name, f"{name}_decimal")}
        put("readings", role=role, inspection=inspection, position=position, instrument=it[1], channel=it[2], parameter=None,
            read_at=it[3][1], **outcome_of(it[4]), **absent, derivation=None, basis=None, stage=None, operator=operator,
            sample=sample, raw=it[5].hex())

    if line["kind"] == "inspection":
        put("inspections", inspection=detail["id"], place=detail["place"], procedure=detail["procedure"],
            subject=detail["subject"], identities=detail["identities"], declared=detail["declared"],
            opened=at(detail["opened"]), closed=at(detail["closed"]), incomplete=detail["incomplete"],
            verdict=detail["verdict"], reason=detail["reason"], disposition=detail["disposition"],
            alarm_mismatch=detail["alarm_mismatch"], alarms=detail["alarms"], faults=detail["faults"],
            measured_count=len(raw[8]), finding_count=len(raw[12]), reading_count=len(raw[11]),
            limit_tables=[{"id": it[1], "edition": it[2], "sha256": it[3].hex()} for it in raw[17]],
            operator=detail["operator"], origin=detail["origin"], software=raw[18][1], config=raw[18][2].hex(),
            **plan_of(detail["plan"]))
        for position, it in enumerate(detail["findings"]):
            put("findings", inspection=detail["id"], place=detail["place"], procedure=detail["procedure"], position=position,
                limit_table=it["table"], edition=it["edition"], row_id=it["row"], parameter=it["parameter"],
                verdict=it["verdict"], reason=it["reason"], raises_alarm=raw[12][position][7], value=it["value"],
                limit_applied=it["limit"], rule=it["rule"], stage=it["stage"], hazards=it.get("hazards", []),
                legal_force=it.get("legal_force", ""), advisory=it.get("advisory", False),
                **both("probability", it.get("probability")))
        measured("measured", detail["id"])
        for position, it in enumerate(raw[11]):
            reading("reading", detail["id"], position, it, None, None)
    elif line["kind"] == "follow-up":
        measured("follow-up", detail["follows"]["id"])
    elif line["kind"] in ("reading", "no-reading"):
        reading("single", None, 0, raw[1], raw.get(2), raw.get(3))
    elif line["kind"] == "interval":
        numbers = {key: cell for name in ("sum", "min", "max", "last") for key, cell in both(f"value_{name}", detail[name]).items()}
        put("intervals", watch=detail["watch"], instrument=detail["instrument"], channel=detail["channel"],
            began=at(detail["from"]), ended=at(detail["to"]), slots_expected=detail["slots_expected"],
            slots_received=detail["received"], slots_missing=detail["missing"], unit=detail["unit"],
            standing=detail.get("standing"), **plan_of(detail.get("plan")), **numbers)

compared, counts, sites = 0, {}, {}
chains = {it["chain"]: it for it in json.loads(metadata("records")["tidewaiter.chains"])}
for name, rows in expected.items():
    said = metadata(name)
    assert said["tidewaiter.schema"] == "1" and said["tidewaiter.table"] == name, said
    assert said["tidewaiter.command"].startswith("tidewaiter-collector export --format parquet"), said
    found = table(name)
    counts[name] = len(found)
    assert len(found) == len(rows), f"{name}: {len(found)} rows, not {len(rows)}"
    for row, (ought, is_) in enumerate(zip(rows, found)):
        assert sites.setdefault(is_["chain"], is_["site"]) == is_["site"] != ""
        del is_["site"]
        if name == "records":
            of = chains[is_["chain"]]
            assert is_.pop("arrival") >= row + 1
            assert is_.pop("signature") in ("valid", None)
            assert is_.pop("linked") == (of["upto"] is not None and is_["seq"] <= of["upto"])
            receipted = of["receipted_upto"]
            assert is_.pop("receipted") == (receipted is not None and is_["seq"] <= receipted)
        assert is_.keys() == ought.keys(), f"{name}: {is_.keys() ^ ought.keys()}"
        for column, cell in ought.items():
            assert is_[column] == cell and type(is_[column]) is type(cell), f"{name} {row} {column}: {is_[column]!r}, not {cell!r}"
            compared += 1
for chain in chains.values():
    heads = [line["hash"] for line in lines if (line["chain"], line["seq"]) == (chain["chain"], chain["upto"])]
    assert heads == ([] if chain["upto"] is None else [chain["hash"]]), chain
print(json.dumps({"rows": counts, "compared": compared}))
