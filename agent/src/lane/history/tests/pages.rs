//! What a page says, and what it never lets through.

use super::*;

#[tokio::test]
async fn a_record_s_page_says_everything_and_whether_it_holds() {
    let desk = Desk::new().await;
    let seq = desk.record(&Sample::new(1, "9.10")).await;
    let after = desk.record(&Sample::new(2, "6.8")).await;
    let zh = desk.page(&format!("/record/{seq}")).await;
    let en = desk.page(&format!("/record/{seq}?lang=en")).await;
    for part in [
        "不合格（初筛）",
        "转人工查验",
        "9.10",
        "样品编号",
        "S-0001",
        "李娜",
        "2026-11-29 08:01:00 +08:00",
        "2026-11-29T00:01:00Z",
        "70 48 20 37 2e 36 30 0d 0a  pH 7.60··",
        "本机按同一限值表复算，结果一致",
        "结果：不合格（初筛）",
        &"07".repeat(16),
        &"09".repeat(32),
        "均由登记密钥签名",
        "每条记录都接在前一条之后",
        "不表示",
    ] {
        assert!(zh.contains(part), "{part} is not in the page");
    }
    for part in
        ["Fail (pre-screen)", "REFER", "pH 9.10 outside 4.0–8.5", "signed by registered keys", "A yes does not mean"]
    {
        assert!(en.contains(part), "{part} is not in the page");
    }
    assert!(en.contains(&format!("from {} to {after}", seq - 1)), "its neighbours were held against it");
    // Every message was found.
    for page in [&zh, &en] {
        for id in ["record-", "history-", "proof-", "stats-", "spectrum-", "slip-", "evidence-"] {
            let told = page.match_indices(&format!(">{id}")).next();
            assert_eq!(told, None, "{id}");
        }
    }
    // Where the steps are drawn from: the tables in force.
    assert!(zh.contains("依据：") && zh.contains("<svg class=\"plot\""));
}

#[tokio::test]
async fn what_others_wrote_stays_text() {
    let desk = Desk::new().await;
    let evil = "<script>alert(1)</script>\"'&";
    let sample = Sample { name: evil.to_owned(), id: "x-<img src=x>".into(), ..Sample::new(1, "9.1") };
    let seq = desk.record(&sample).await;
    desk.attach(&sample.id, "text/html", b"<script>alert(2)</script>").await;
    for path in [
        "/history".to_owned(),
        "/history?subject=%3Cscript%3E".to_owned(),
        "/history?place=%22%3E%3Cscript%3Ealert(3)%3C%2Fscript%3E".to_owned(),
        format!("/record/{seq}"),
        format!("/record/{seq}/slip"),
        "/stats?by=place".to_owned(),
    ] {
        let page = desk.page(&path).await;
        for part in ["<script>alert", "<img src=x", "<b>title", "style=\"", "onclick", "javascript:"] {
            assert!(!page.contains(part), "{path} lets {part} through");
        }
    }
    let refused = desk.get("/history?%3Cscript%3Ealert(4)=1").await;
    assert_eq!(refused.code, StatusCode::BAD_REQUEST);
    assert!(!refused.text().contains("<script>alert"));
}

#[tokio::test]
async fn evidence_is_never_run_by_a_browser() {
    let desk = Desk::new().await;
    let sample = Sample::new(1, "9.1");
    let inspection = desk.record(&sample).await;
    let large = vec![b'x'; 300_000];
    let png = b"\x89PNG\r\n\x1a\n0000".to_vec();
    for (media, content, expected, shown) in [
        ("text/html", b"<script>1</script>".to_vec(), "application/octet-stream", false),
        (
            "image/svg+xml",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"/>".to_vec(),
            "application/octet-stream",
            false,
        ),
        // A type is believed by the bytes alone.
        ("image/png", b"<html>".to_vec(), "application/octet-stream", false),
        ("application/pdf", png.clone(), "image/png", true),
        ("application/x-large", large.clone(), "application/octet-stream", false),
    ] {
        let seq = desk.attach(&sample.id, media, &content).await;
        let answer = desk.get(&format!("/evidence/{}", Hash::of(&content))).await;
        assert_eq!(answer.code, StatusCode::OK, "{media}");
        assert_eq!(answer.body, content, "{media}");
        assert_eq!(answer.header(header::CONTENT_TYPE), expected, "{media}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("sandbox"));
        assert_eq!(answer.header(header::CONTENT_DISPOSITION).starts_with("inline"), shown, "{media}");
        let page = desk.page(&format!("/record/{inspection}")).await;
        assert!(page.contains(&format!("/record/{seq}")), "{media}: the inspection names what was attached");
    }
}

const N42: &str = r#"<?xml version="1.0"?>
<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42">
<RadInstrumentInformation id="i"><RadInstrumentManufacturerName>m</RadInstrumentManufacturerName><RadInstrumentModelName>n</RadInstrumentModelName><RadInstrumentClassCode>Radionuclide Identifier</RadInstrumentClassCode><RadInstrumentVersion><RadInstrumentComponentName>Software</RadInstrumentComponentName><RadInstrumentComponentVersion>1</RadInstrumentComponentVersion></RadInstrumentVersion></RadInstrumentInformation>
<RadDetectorInformation id="d"><RadDetectorCategoryCode>Gamma</RadDetectorCategoryCode><RadDetectorKindCode>NaI</RadDetectorKindCode></RadDetectorInformation>
<EnergyCalibration id="e"><CoefficientValues>0 100 0</CoefficientValues></EnergyCalibration>
<RadMeasurement id="m1"><MeasurementClassCode>Foreground</MeasurementClassCode><StartDateTime>2026-11-29T08:00:00+08:00</StartDateTime><RealTimeDuration>PT61.5S</RealTimeDuration>
<Spectrum id="s" radDetectorInformationReference="d" energyCalibrationReference="e"><LiveTimeDuration>PT60S</LiveTimeDuration><ChannelData>5 9 20 8 4 3 66 12 2 1 0 0 0 0 7 1</ChannelData></Spectrum></RadMeasurement>
<AnalysisResults radMeasurementReferences="m1"><NuclideAnalysisResults><Nuclide><NuclideIdentifiedIndicator>true</NuclideIdentifiedIndicator><NuclideName>Cs-137</NuclideName><NuclideIDConfidenceValue>90</NuclideIDConfidenceValue></Nuclide></NuclideAnalysisResults></AnalysisResults>
</RadInstrumentData>"#;

#[tokio::test]
async fn a_spectrum_that_was_attached_is_drawn_with_what_the_instrument_named() {
    let desk = Desk::new().await;
    let sample = Sample::new(1, "6.8");
    let inspection = desk.record(&sample).await;
    let seq = desk.attach(&sample.id, "application/n42+xml", N42.as_bytes()).await;
    for path in [
        format!("/record/{inspection}?lang=en"),
        format!("/record/{seq}?lang=en"),
        format!("/record/{seq}/spectrum?scale=linear&lang=en"),
    ] {
        let page = desk.page(&path).await;
        for part in
            ["s (Foreground): 16 channels, total 138, live time 60 s, real time 61.5 s", "Cs-137 662", "energy (keV)"]
        {
            assert!(page.contains(part), "{path}: {part}");
        }
    }
    let broken =
        desk.attach(&sample.id, "application/n42+xml", b"<!DOCTYPE x [<!ENTITY a \"b\">]><RadInstrumentData/>").await;
    let page = desk.page(&format!("/record/{broken}/spectrum?lang=en")).await;
    assert!(page.contains("cannot be read"), "{page}");
}

#[tokio::test]
async fn statistics_are_those_of_the_command() {
    let desk = Desk::new().await;
    for (number, ph) in ["6.8", "6.9", "9.1", "7.0"].into_iter().enumerate() {
        desk.record(&Sample::new(number, ph)).await;
    }
    desk.record(&Sample { drill: true, ..Sample::new(9, "9.1") }).await;
    let page = desk.page("/stats?by=day&lang=en").await;
    for part in ["75.00 % (3 of 4", "2026-11-29", "Drills, counted apart: 1", "3 / 4 = 75.0 %"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(desk.page("/stats?from=2026-11-30").await.contains('0'));
    let table = desk.get("/stats.csv?by=procedure").await;
    assert_eq!(table.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    let text = table.text();
    let text = text.strip_prefix('\u{feff}').unwrap();
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(text.as_bytes()).into_records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0][0], &rows[1][1]), ("total", "textile-bench"));
    let head = csv::Reader::from_reader(text.as_bytes()).headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|it| it == name).unwrap();
    for row in &rows {
        assert_eq!((&row[column("pass-rate_percent")], &row[column("pass-rate_of_judged")]), ("75.00", "4"));
    }
}
