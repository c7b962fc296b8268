//! `tidewaiter evidence`: attach a spectrum, a still or a document to an inspection; show what there is; get it back.

use std::{fs, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tidewaiter_console::note;
use tidewaiter_record::{Detail, Evidence, Hash, body::MAX_EVIDENCE_BYTES};

use super::{
    FINDING, Failure, OK, Outcome, Place, operate,
    output::{outln, said},
    place::Agent,
};
use crate::{evidence::DiskEvidence, outbox::Archive};

/// Records read at once.
const PAGE: usize = 256;
/// A large file takes a while to become durable on a slow disk.
const PATIENCE: Duration = Duration::from_secs(120);
/// Media types by the ending of a file's name.
const ENDINGS: [(&str, &str); 10] = [
    ("n42", "application/n42+xml"),
    ("xml", "application/xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("pdf", "application/pdf"),
    ("csv", "text/csv"),
    ("txt", "text/plain"),
    ("json", "application/json"),
    ("mp4", "video/mp4"),
];

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub(super) enum EvidenceCommand {
    /// Attach a file to an inspection: it is kept, recorded, and sent to the centre.
    ///
    /// Example: tidewaiter evidence add spectrum.n42 --inspection lane-7-3-41 --operator 'Li Na' --config site.toml
    Add(AddArgs),
    /// List the evidence that stored records name.
    ///
    /// Example: tidewaiter evidence list --config site.toml --inspection lane-7-3-41
    List(ListArgs),
    /// Write the content of a piece of evidence out, after comparing it with its hash.
    ///
    /// Example: tidewaiter evidence get 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --out spectrum.n42 --config site.toml
    Get(GetArgs),
}

/// Options of `tidewaiter evidence add`.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// File, 1 byte to 64 MiB.
    file: PathBuf,
    /// Inspection it belongs to; `tidewaiter status` and `log` show the ids.
    #[arg(long, value_name = "ID")]
    inspection: Option<String>,
    /// Instrument or camera it comes from.
    #[arg(long)]
    instrument: Option<String>,
    /// Media type, such as application/n42+xml; by the ending of the file's name without it.
    #[arg(long, value_name = "TYPE/SUBTYPE")]
    media: Option<String>,
    /// What it is, in words; the file's name without it.
    #[arg(long)]
    title: Option<String>,
    /// Who attaches it.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    #[command(flatten)]
    place: Place,
}

/// Options of `tidewaiter evidence list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only that of this inspection.
    #[arg(long, value_name = "ID")]
    inspection: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Options of `tidewaiter evidence get`.
#[derive(Debug, Args)]
pub(super) struct GetArgs {
    /// SHA-256 of the content, 64 hexadecimal digits.
    #[arg(value_name = "SHA256", value_parser = hash)]
    sha256: Hash,
    /// File to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    place: Place,
}

fn hash(text: &str) -> Result<Hash, String> {
    let bytes = hex::decode(text).ok().and_then(|it| it.try_into().ok());
    bytes.map(Hash).ok_or_else(|| "a SHA-256 is 64 hexadecimal digits".to_owned())
}

pub(super) fn evidence(command: &EvidenceCommand) -> Outcome {
    match command {
        EvidenceCommand::Add(args) => add(args),
        EvidenceCommand::List(args) => list(args),
        EvidenceCommand::Get(args) => get(args),
    }
}

fn add(args: &AddArgs) -> Outcome {
    let failed = |why: &dyn std::fmt::Display| Failure::environment(format!("{}: {why}", args.file.display()));
    let size = fs::metadata(&args.file).map_err(|why| failed(&why))?.len();
    if size > MAX_EVIDENCE_BYTES {
        return Err(Failure::usage(said!(
            "evidence-large",
            path = args.file.display(),
            size = size,
            most = MAX_EVIDENCE_BYTES
        )));
    }
    let content = fs::read(&args.file).map_err(|why| failed(&why))?;
    let ending = args.file.extension().and_then(|it| it.to_str()).unwrap_or_default().to_ascii_lowercase();
    let guessed = ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, media)| *media);
    let media = args.media.as_deref().or(guessed).unwrap_or("application/octet-stream");
    let name = args.file.file_name().map(|it| it.to_string_lossy().into_owned());
    let texts = [
        ("operator", Some(&args.operator)),
        ("inspection", args.inspection.as_ref()),
        ("instrument", args.instrument.as_ref()),
        ("title", args.title.as_ref().or(name.as_ref())),
    ];
    let given: Vec<(&str, &str)> = texts.into_iter().filter_map(|(key, text)| Some((key, text?.as_str()))).collect();
    let answer = send(args.place.running()?, &given, media, &content)?;
    match answer {
        Ok(answer) => {
            let text = |key: &str| answer.get(key).map(ToString::to_string).unwrap_or_default();
            outln!("{}", said!("evidence-recorded", number = text("seq"), hash = text("sha256").trim_matches('"')));
            Ok(OK)
        }
        Err(why) => {
            note(format_args!("tidewaiter: {why}"));
            Ok(FINDING)
        }
    }
}

/// Posts the content; what the agent answers, or why it refuses.
#[allow(clippy::needless_pass_by_value, reason = "found for this one request, and handed over")]
fn send(agent: Agent, query: &[(&str, &str)], media: &str, content: &[u8]) -> Result<Result<Value, String>, Failure> {
    let url = format!("http://{}/api/v1/evidence", agent.address);
    let mut request = operate::http(PATIENCE).post(url).header("authorization", agent.bearer()?);
    for (key, text) in query {
        request = request.query(key, text);
    }
    let mut answer = request
        .header("content-type", media)
        .send(content)
        .map_err(|why| Failure::environment(said!("say-agent-silent", address = agent.address, why = why)))?;
    let code = answer.status().as_u16();
    let body: Value = answer.body_mut().read_json().unwrap_or(Value::Null);
    Ok(match code {
        200 => Ok(body),
        _ => Err(body.get("error").and_then(Value::as_str).map_or_else(|| said!("say-refused"), str::to_owned)),
    })
}

fn list(args: &ListArgs) -> Outcome {
    let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
    each(&archive, |seq, it| {
        if args.inspection.is_some() && args.inspection != it.inspection {
            return true;
        }
        if args.json {
            outln!(
                "{}",
                json!({
                    "seq": seq, "inspection": it.inspection, "instrument": it.instrument, "media": it.media,
                    "sha256": it.hash, "size": it.size, "inline": it.content.is_some(), "facts": it.facts,
                })
            );
        } else {
            let title = it.facts.get("title").map_or("", String::as_str);
            let inspection = it.inspection.as_deref().unwrap_or("–");
            outln!(
                "{}",
                said!(
                    "evidence-line",
                    number = seq,
                    inspection = inspection,
                    media = it.media,
                    size = it.size,
                    hash = it.hash,
                    title = title
                )
            );
        }
        true
    })?;
    Ok(OK)
}

fn get(args: &GetArgs) -> Outcome {
    let dir = args.place.data_dir()?;
    let beside = DiskEvidence::path(&dir, args.sha256);
    let mut content = fs::read(&beside).ok();
    if content.is_none() {
        let archive = Archive::open(&dir).map_err(Failure::environment)?;
        each(&archive, |_, it| {
            if it.hash == args.sha256 {
                content.clone_from(&it.content);
            }
            content.is_none()
        })?;
    }
    let Some(content) = content else {
        note(format_args!("tidewaiter: {}", said!("evidence-not-here", hash = args.sha256)));
        return Ok(FINDING);
    };
    if Hash::of(&content) != args.sha256 {
        let told = said!("evidence-changed", path = beside.display(), hash = Hash::of(&content));
        note(format_args!("tidewaiter: {told}"));
        return Ok(FINDING);
    }
    let written = fs::OpenOptions::new().write(true).create_new(true).open(&args.out).and_then(|mut file| {
        use std::io::Write as _;
        file.write_all(&content)?;
        file.sync_all()
    });
    written.map_err(|why| Failure::environment(format!("{}: {why}", args.out.display())))?;
    outln!("{}", said!("say-bytes", bytes = content.len()));
    Ok(OK)
}

/// Walks the evidence records until `go_on` says no.
fn each(archive: &Archive, mut go_on: impl FnMut(u64, &Evidence) -> bool) -> Result<(), Failure> {
    let mut next = 0;
    loop {
        let page = archive.entries(next, PAGE).map_err(Failure::environment)?;
        let Some(last) = page.last() else { return Ok(()) };
        next = last.seq + 1;
        for entry in page {
            if let Ok(record) = tidewaiter_record::parse(&entry.bytes)
                && let Detail::Evidence(it) = &record.body.detail
                && !go_on(entry.seq, it)
            {
                return Ok(());
            }
        }
    }
}
