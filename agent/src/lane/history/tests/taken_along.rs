//! Files and slips: what leaves the machine.

use std::process::Command;

use super::*;
use crate::lane::history::{sheet::HEADER, slip::square};

fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let text = text.strip_prefix('\u{feff}').expect("the mark");
    assert!(text.ends_with("\r\n"));
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_table_holds_what_was_searched_with_its_digits() {
    let desk = Desk::new().await;
    desk.record(&Sample::new(1, "6.80")).await;
    let evil = Sample { name: "=HYPERLINK(\"x\"),\n粤".into(), ..Sample::new(2, "9.10") };
    let seq = desk.record(&evil).await;
    let answer = desk.get("/history.csv?verdict=Fail").await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    assert_eq!(answer.header(header::CONTENT_DISPOSITION), "attachment; filename=\"lab-1-inspections.csv\"");
    let found = rows(&answer.text());
    assert!(!found.is_empty());
    for row in &found {
        let cell = |name: &str| row[name].as_str();
        assert_eq!(cell("record"), seq.to_string());
        assert_eq!((cell("time"), cell("time_local")), ("2026-11-29T00:02:00Z", "2026-11-29 08:02:00 +08:00"));
        assert_eq!(cell("subject"), "'=HYPERLINK(\"x\"),\n粤");
        assert_eq!(cell("disposition"), "refer");
    }
    let judged: Vec<_> = found.iter().filter(|it| it["verdict"] == "Fail").collect();
    assert_eq!(judged.len(), 1);
    assert_eq!((judged[0]["value"].as_str(), judged[0]["parameter"].as_str()), ("9.10 [pH]", "ph"));
    let nothing = desk.get("/history.csv?place=nowhere").await.text();
    assert_eq!(nothing, format!("\u{feff}{}\r\n", HEADER.join(",")));
    let both = rows(&desk.get("/history.csv").await.text());
    let mut numbers: Vec<u64> = both.iter().map(|it| it["record"].parse().unwrap()).collect();
    assert!(numbers.is_sorted(), "oldest first");
    numbers.dedup();
    assert_eq!(numbers.len(), 2);
}

/// A reader we did not write: Python's csv, told nothing but that the file is UTF-8 with a mark.
#[tokio::test]
async fn a_table_is_read_back_by_python() {
    const READER: &str = "import csv, json, sys\n\
        rows = list(csv.DictReader(open(sys.argv[1], encoding='utf-8-sig', newline='')))\n\
        print(json.dumps(rows))";
    let desk = Desk::new().await;
    for (number, name) in ["粤B·12345", "a \"quoted\", name", "two\r\nlines", "@SUM(A1)"].into_iter().enumerate() {
        desk.record(&Sample { name: name.into(), ..Sample::new(number, "7.50") }).await;
    }
    let answer = desk.get("/history.csv?personal=yes").await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("table.csv");
    std::fs::write(&file, &answer.body).unwrap();
    let told = Command::new("python3").args(["-c", READER]).arg(&file).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let read: Vec<BTreeMap<String, String>> = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(read, rows(&answer.text()));
    let mut subjects: Vec<&str> = read.iter().map(|it| it["subject"].as_str()).collect();
    subjects.dedup();
    assert_eq!(subjects, ["粤B·12345", "a \"quoted\", name", "two\r\nlines", "'@SUM(A1)"]);
    assert!(read.iter().any(|it| it["value"] == "7.50 [pH]"));
}

#[tokio::test]
async fn a_table_masks_plates_unless_asked() {
    let desk = Desk::new().await;
    desk.record(&Sample { name: "粤B12345".into(), ..Sample::new(1, "6.80") }).await;
    for (path, subject) in [("/history.csv", "粤B1***"), ("/history.csv?personal=yes", "粤B12345")] {
        let found = rows(&desk.get(path).await.text());
        assert!(!found.is_empty() && found.iter().all(|it| it["subject"] == subject), "{path}: {found:?}");
    }
}

#[tokio::test]
async fn the_bytes_are_those_that_were_signed() {
    let desk = Desk::new().await;
    let seq = desk.record(&Sample::new(1, "6.8")).await;
    let stored = desk.outbox.entries(seq, 1).await.unwrap().unwrap().remove(0);
    for path in [format!("/record/{seq}/raw"), format!("/record/{seq}.cbor")] {
        let answer = desk.get(&path).await;
        assert_eq!(answer.body, stored.bytes, "{path}");
        assert_eq!(answer.header(header::CONTENT_DISPOSITION), format!("attachment; filename=\"record-{seq}.cbor\""));
    }
    let json: serde_json::Value = serde_json::from_slice(&desk.get(&format!("/record/{seq}.json")).await.body).unwrap();
    assert_eq!(json["hash"], stored.hash.to_string());
}

#[tokio::test]
async fn a_slip_speaks_both_languages_and_carries_the_record_s_name() {
    let desk = Desk::new().await;
    let sample = Sample { drill: true, simulated: true, ..Sample::new(1, "9.1") };
    let seq = desk.record(&sample).await;
    let hash = desk.outbox.entries(seq, 1).await.unwrap().unwrap()[0].hash;
    for path in [format!("/record/{seq}/slip"), format!("/record/{seq}/slip?lang=en")] {
        let page = desk.page(&path).await;
        for part in [
            "检测单（初筛）",
            "Inspection slip (pre-screen)",
            "不合格（初筛）",
            "Fail (pre-screen)",
            "模拟数据",
            "SIMULATED",
            "演练",
            "DRILL",
            "2026-11-29 08:01:00 +08:00",
            &format!("已记录 #{seq}"),
            &format!("RECORDED #{seq}"),
            "盐田 &#60;实验室&#62;",
            "S-0001",
            &format!("tidewaiter:record/{}/{seq}/{hash}", "07".repeat(16)),
            "<svg class=\"square\"",
        ] {
            assert!(page.contains(part), "{path}: {part} is not in {page}");
        }
        let place = |text: &str| page.find(text).unwrap();
        assert!(place("检测单（初筛）</h1>") < place("Inspection slip (pre-screen)</h1>"), "Chinese first");
    }
}

/// Lorries with a dose rate and alarms become documents; a textile sample does not.
#[tokio::test]
async fn a_radiation_inspection_is_an_n42_document() {
    let desk = Desk::new().await;
    let textile = desk.record(&Sample::new(1, "6.8")).await;
    assert_eq!(desk.get(&format!("/record/{textile}.n42")).await.code, StatusCode::NOT_FOUND);
    let mut lorry = Sample::new(2, "6.8").inspection(desk.clock.now());
    let shown = Indication { value: "0.35".parse().unwrap(), unit: Unit::MicrosievertPerHour, quality: Quality::Good };
    lorry.closed.mono_ms += 12_340;
    lorry.procedure = "lorry-gate".into();
    lorry.measured =
        vec![Measured { background: "0.11".parse().ok(), ..Measured::new("dose-rate", "probe-1", Ok(shown), "max") }];
    lorry.alarms = vec![tidewaiter_screening::inspection::Alarm {
        instrument: "portal-1".into(),
        kind: "neutron".into(),
        by_device: true,
        recomputed: true,
    }];
    let judged = screen(&lorry, &[], &[], date(2026, 11, 29), None);
    let draft = seal::inspection(&lorry, &judged, &[], Vec::new(), &standing());
    let seq = desk.outbox.seal(draft).await.unwrap().seq;
    let answer = desk.get(&format!("/record/{seq}.n42")).await;
    assert_eq!(answer.code, StatusCode::OK, "{}", answer.text());
    let document = tidewaiter_n42::read(&answer.body).unwrap().document;
    let foreground = document.measurements.iter().find(|it| it.id == "foreground").unwrap();
    assert_eq!(foreground.real_time.as_seconds().to_string(), "12.340");
    assert_eq!(foreground.dose_rates[0].value.unwrap().to_string(), "0.35");
    assert!(foreground.remarks.iter().any(|it| it.contains("background 0.11")), "{:?}", foreground.remarks);
    assert_eq!(document.analyses[0].alarms.len(), 1);
    valid_by_schema(&answer.body);
}

/// The standard's own schema is not in this repository; see `drivers/n42/README.md`.
fn valid_by_schema(document: &[u8]) {
    let Some(samples) = std::env::var_os("TIDEWAITER_SAMPLES") else {
        return eprintln!("TIDEWAITER_SAMPLES names no folder: not held against the schema");
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("inspection.n42");
    std::fs::write(&file, document).unwrap();
    let schema = Path::new(&samples).join("n42/n42.xsd");
    let told = Command::new("xmllint").arg("--noout").arg("--schema").arg(schema).arg(&file).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

/// A reader we did not write reads the code that we drew.
#[test]
fn the_code_on_a_slip_is_read_by_zbar() {
    const PIXELS: usize = 6;
    let text = format!("tidewaiter:record/{}/9223372036854775807/{}", "0a".repeat(16), "f9".repeat(32));
    let svg = square(&text).unwrap();
    let side: usize = svg.split_once("viewBox=\"0 0 ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    let mut pixels = vec![255_u8; side * side * PIXELS * PIXELS];
    let path = svg.split_once(" d=\"").unwrap().1.split('"').next().unwrap();
    for module in path.split('M').skip(1) {
        let place = module.strip_suffix("h1v1h-1z").unwrap();
        let (x, y) =
            place.split_once(' ').map(|(x, y)| (x.parse::<usize>().unwrap(), y.parse::<usize>().unwrap())).unwrap();
        for row in y * PIXELS..(y + 1) * PIXELS {
            let from = row * side * PIXELS + x * PIXELS;
            pixels[from..from + PIXELS].fill(0);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("code.pgm");
    let head = format!("P5\n{0} {0}\n255\n", side * PIXELS).into_bytes();
    std::fs::write(&file, [head, pixels].concat()).unwrap();
    let Ok(told) =
        Command::new("zbarimg").args(["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"]).arg(&file).output()
    else {
        return eprintln!("zbarimg (zbar-tools) is missing: the code was not read");
    };
    assert_eq!(String::from_utf8(told.stdout).unwrap().trim_end(), text);
}
