//! What is exported is what came in.

use tidewaiter_collector::{
    Store,
    export::{COLUMNS, ExportError, Format, Selection, export},
};
use tidewaiter_record::{Detail, RegistryClass, Verdict, Verifier, split_sequence};

use crate::{
    home::{Home, both},
    writer::{NOW, Writer, core_on, judged, registry, sort, textile},
};

fn write(store: &dyn Store, format: Format, which: &Selection) -> (u64, Vec<u8>) {
    let mut out = Vec::new();
    let written = export(store, format, which, &mut out).unwrap();
    (written, out)
}

both!(all_formats_tell_the_same_records);

fn all_formats_tell_the_same_records(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut other = Writer::new("lab-02", 2);
    let mut core = core_on(home.open(), &[&agent, &other]);
    let mut sealed = agent.events(300);
    let mut odd = judged(textile("7.6"));
    odd.subject.identities[0].text = "=cmd|' /C calc'!A0".into();
    odd.place = "=1+1".into();
    sealed.push(agent.seal(Detail::Inspection(Box::new(odd))));
    // Newest first: the order of arrival is not that of the chain.
    for it in sealed.iter().rev() {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    let foreign = other.event("x");
    core.accept(&other.topic(), &foreign.bytes, NOW).unwrap();

    let store = home.read();
    let (written, bytes) = write(store.as_ref(), Format::Cborseq, &Selection::default());
    let expected: Vec<u8> = sealed.iter().chain([&foreign]).flat_map(|it| it.bytes.clone()).collect();
    assert_eq!(written, 302);
    assert_eq!(bytes, expected);
    // The whole-stream verifier of the record crate reads it.
    let registry = registry(RegistryClass::Test, &[&agent, &other]);
    let mut verifier = Verifier::new(&registry);
    for item in split_sequence(&bytes) {
        assert!(verifier.push(item.unwrap()).is_some());
    }
    let report = verifier.finish();
    assert_eq!((report.records, report.accepted), (302, 302));
    assert_eq!((report.signature, report.chain), (Verdict::Ok, Verdict::Ok));

    let (written, lines) = write(store.as_ref(), Format::Jsonl, &Selection::default());
    let lines: Vec<serde_json::Value> =
        String::from_utf8(lines).unwrap().lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!((written, lines.len()), (302, 302));
    assert_eq!(lines[0]["seq"], 300);
    assert_eq!(lines[0]["hash"], sealed[300].hash.to_string());
    assert_eq!(lines[0]["detail"]["verdict"], "Fail");
    assert_eq!(lines[0]["detail"]["measured"][0]["value"], "7.6");
    assert_eq!(lines[0]["detail"]["measured"][0]["unit"], "[pH]");
    assert_eq!(lines[1]["kind"], "event");

    let (_, rows) =
        write(store.as_ref(), Format::Csv, &Selection { chain: Some(agent.chain()), ..Selection::default() });
    let mut reader = csv::Reader::from_reader(rows.as_slice());
    assert_eq!(reader.headers().unwrap(), COLUMNS.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 301);
    let column = |name: &str| COLUMNS.iter().position(|it| *it == name).unwrap();
    assert_eq!(&rows[0][column("verdict")], "Fail");
    assert_eq!(&rows[0][column("place")], "'=1+1", "no spreadsheet runs what a keyboard entered");
    assert_eq!(&rows[0][column("hash")], sealed[300].hash.to_string());

    let (written, _) = write(store.as_ref(), Format::Jsonl, &Selection { after: 301, ..Selection::default() });
    assert_eq!(written, 1);
}

both!(a_rotten_record_is_named_and_not_passed_on);

fn a_rotten_record_is_named_and_not_passed_on(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    for it in agent.events(3) {
        assert_eq!(sort(core.accept(&agent.topic(), &it.bytes, NOW).unwrap(), &[&agent]).receipts.len(), 1);
    }
    drop(core);
    home.change(
        "UPDATE record SET bytes = CAST(substr(bytes, 1, 40) || x'00' || substr(bytes, 42) AS BLOB) WHERE seq = 1",
        "UPDATE record SET bytes = set_byte(bytes, 40, 0) WHERE seq = 1",
    );
    let store = home.read();
    for format in [Format::Cborseq, Format::Jsonl, Format::Csv] {
        let mut out = Vec::new();
        let error = export(store.as_ref(), format, &Selection::default(), &mut out).unwrap_err();
        assert!(matches!(error, ExportError::Rotten { seq: 1, .. }), "{format:?}: {error}");
    }
}
