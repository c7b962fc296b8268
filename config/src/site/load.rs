//! The reader of the site file as a whole.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::{
    Record, Site, Store, Tls, Uplink, WallClock, cameras, checks,
    estimate::{LEAST_OUTAGE_HOURS, estimated_bytes_per_hour, hours_held},
    instruments,
    instruments::hours,
    keys, local, outputs,
    places::{self, Known, Places},
    ports, register, rigs, zone,
};
use crate::{
    limits::{self, LimitTable, Programme},
    profile,
    reader::{Document, Files, Node, Value, decode_utf8, show_size},
    report::{Finding, Report},
};

/// The only version of the format so far.
const VERSION: u32 = 1;

/// Un-receipted records in flight unless the file says so: a second of receipts at 64 records a second.
const WINDOW: u16 = 64;

/// Shortest time after which a heartbeat may be due; the longest is what the record format promises.
const LEAST_HEARTBEAT: Duration = Duration::from_secs(5);

/// Smallest store: room for some dozen records beside the database's own pages.
const LEAST_BUDGET: u64 = 1 << 20;
const MOST_BUDGET: u64 = 16 << 40;
const BUDGET: u64 = 512 << 20;

/// Reads a site file and everything it refers to: limit tables, programmes and profiles.
///
/// # Errors
///
/// Every fault of every file, each with its place and what to write instead. The findings beside a
/// site are warnings.
pub fn load_site(path: &Path) -> Result<(Site, Vec<Finding>), Report> {
    load_site_from(&Files::disk(), path)
}

/// As [`load_site`], from another source than the disk, or with everything read remembered.
///
/// # Errors
///
/// As [`load_site`].
pub fn load_site_from(files: &Files, path: &Path) -> Result<(Site, Vec<Finding>), Report> {
    let name = path.display().to_string();
    let bytes = files.read(path)?;
    let text = decode_utf8(&name, &bytes)?;
    let base = path.parent().unwrap_or(Path::new(""));
    let (mut site, warnings) = read_text(files, &name, &text, base)?;
    site.digest = Sha256::digest(&bytes).into();
    Ok((site, warnings))
}

/// Reads a site file from a text; `base_dir` is where its relative paths begin.
///
/// # Errors
///
/// As [`load_site`]; the file is called `site.toml` in findings.
pub fn site_from_str(text: &str, base_dir: &Path) -> Result<(Site, Vec<Finding>), Report> {
    read_text(&Files::disk(), "site.toml", text.strip_prefix('\u{FEFF}').unwrap_or(text), base_dir)
}

fn read_text(files: &Files, name: &str, text: &str, base: &Path) -> Result<(Site, Vec<Finding>), Report> {
    let document = Document::new(name, text);
    let parsed = document.parse();
    let mut others = Report::default();
    let site = read(files, &Node::root(&document, &parsed), base, Sha256::digest(text.as_bytes()).into(), &mut others);
    let mut report = document.into_report();
    report.absorb(others);
    match site {
        Some(site) if !report.has_errors() => Ok((site, report.into_findings())),
        _ => Err(report),
    }
}

fn read(files: &Files, root: &Node<'_>, base: &Path, digest: [u8; 32], others: &mut Report) -> Option<Site> {
    let version = root.need("version", "1").and_then(|value| value.integer(VERSION, VERSION));
    let identity = identity(root);
    let store = store(root, base);
    let clock = root.may("clock").map_or_else(|| Some(WallClock::default()), |value| clock(&value.table()?));
    let keys = keys::read(root, base);
    let uplink = root.may("uplink").map_or(Some(None), |value| uplink(&value.table()?, base).map(Some));
    let local = local::read(root, base);
    let privacy = local::privacy(root);
    let record = root.may("record").map_or(Some(Record::default()), |value| record(&value.table()?));
    let declarations = declarations(root, base);
    let plan = root.may("plan").map_or(Some(None), |value| plan(&value.table()?, base).map(Some));
    let authority = root.may("authority").map_or(Some(None), |value| authority(&value, root, base).map(Some));
    let (limits, tables, programmes) = tables(files, root, base, others);
    let profiles = profiles(files, root, base, others);

    let ports = ports::read(root);
    let instruments = instruments::read(root, &ports, &profiles);
    let known = Known { instruments: &instruments, tables: &tables, programmes: &programmes };
    let mut places = Places::new();
    let lanes = places::lanes(root, &known, &mut places);
    let rigs = rigs::read(root, &known, &mut places);
    let watches = places::watches(root, &known, &mut places);
    let checks = checks::read(root, &known, &mut places);
    let stands: Vec<String> = places
        .ids()
        .filter(|id| !watches.iter().any(|it| it.id == *id) && !checks.iter().any(|it| it.id == *id))
        .map(str::to_owned)
        .collect();
    let outputs = outputs::read(root, &ports, &stands);
    let cameras = cameras::read(root, base, &stands);
    root.finish();

    let mut used: Vec<&str> =
        instruments.ids().filter_map(|id| instruments.get(id)).map(|it| it.port.as_str()).collect();
    // What was not read may hang there.
    let all_read = instruments.ids().count() == used.len() && outputs.len() == root.tables("outputs").len();
    used.extend(outputs.iter().filter_map(|it| Some(it.unit()?.port.as_str())));
    for (id, value) in ports.values() {
        if all_read && !used.contains(&id) {
            value.doubt(
                format!("no instrument hangs on the port {id:?}; it will not be opened"),
                "an [[instruments]] table with this port, or nothing; remove the port",
            );
        }
    }

    version?;
    let (id, agent, name, zone) = identity?;
    let (store, budget_place) = store?;
    let entries: Vec<(String, Value<'_>)> =
        instruments.values().map(|(id, value)| (id.to_owned(), value.clone())).collect();
    let site = Site {
        id,
        agent,
        name,
        zone,
        store,
        clock: clock?,
        keys: keys?,
        uplink: uplink?,
        local: local?,
        privacy: privacy?,
        record: record?,
        ports: ports.into_things(),
        instruments: instruments.into_things(),
        lanes,
        rigs,
        watches,
        checks,
        outputs,
        cameras,
        declarations: declarations?,
        plan: plan?,
        authority: authority?,
        limits,
        tables,
        programmes,
        digest,
    };
    register::check_use(&site, entries.iter().map(|(id, value)| (id.as_str(), value)));
    // On a faulty file the estimate would be of another site.
    if !root.document().has_errors() {
        check_budget(&site, budget_place.as_ref());
    }
    Some(site)
}

fn check_budget(site: &Site, place: Option<&Value<'_>>) {
    let held = hours_held(site);
    if let Some(place) = place
        && held < LEAST_OUTAGE_HOURS
    {
        let enough = estimated_bytes_per_hour(site).saturating_mul(LEAST_OUTAGE_HOURS);
        place.doubt(
            format!(
                "{} hold {held} h of this site's full traffic without uplink, and {LEAST_OUTAGE_HOURS} h are wanted",
                show_size(site.store.budget_bytes)
            ),
            place.assign(format!("\"{} MiB\"", enough.div_ceil(1 << 20))),
        );
    }
}

fn identity(root: &Node<'_>) -> Option<(String, String, String, TimeZone)> {
    let node = root.need_table("site", "id, agent and name")?;
    let id = node.need("id", "\"yantian\"").and_then(|value| Some(value.id()?.to_owned()));
    let agent = node.need("agent", "\"gate-07\"").and_then(|value| Some(value.id()?.to_owned()));
    let name = node.need("name", "\"盐田港 7 号闸口\"").and_then(|value| Some(value.text()?.to_owned()));
    let zone = node.may("zone").map_or_else(|| Some(zone::usual_zone()), |value| zone::read(&value));
    node.finish();
    Some((id?, agent?, name?, zone?))
}

fn store<'d>(root: &Node<'d>, base: &Path) -> Option<(Store, Option<Value<'d>>)> {
    let node = root.need_table("store", "dir, budget and keep")?;
    let dir = path(&node, "dir", "\"data\"", base);
    let budget = node.may("budget");
    let budget_bytes = budget.as_ref().map_or(Some(BUDGET), |value| value.size(LEAST_BUDGET, MOST_BUDGET));
    let keep = node.may("keep").map_or(Some(hours(24 * 30)), |value| value.duration(hours(1), hours(24 * 3_650)));
    node.finish();
    Some((Store { dir: dir?, budget_bytes: budget_bytes?, keep: keep? }, budget))
}

fn clock(node: &Node<'_>) -> Option<WallClock> {
    let default = WallClock::default();
    let drift_ppm = node.may("drift_ppm").map_or(Some(default.drift_ppm), |value| value.integer(1_u32, 1_000));
    let limit = node
        .may("holdover_limit")
        .map_or(Some(default.holdover_limit), |value| value.duration(Duration::from_secs(1), hours(24)));
    node.finish();
    Some(WallClock { drift_ppm: drift_ppm?, holdover_limit: limit? })
}

fn record(node: &Node<'_>) -> Option<Record> {
    let usual = Record::default().heartbeat;
    let heartbeat = node.may("heartbeat").map_or(Some(usual), |value| value.duration(LEAST_HEARTBEAT, usual));
    node.finish();
    Some(Record { heartbeat: heartbeat? })
}

fn path(node: &Node<'_>, key: &'static str, example: &str, base: &Path) -> Option<PathBuf> {
    node.need(key, example).and_then(|value| Some(base.join(value.text()?)))
}

fn uplink(node: &Node<'_>, base: &Path) -> Option<Uplink> {
    let broker_value = node.need("broker", "\"mqtts://broker.example:8883\"");
    let broker = broker_value.as_ref().and_then(broker);
    let registry = path(node, "registry", "\"registry.json\"", base);
    let window = node.may("window").map_or(Some(WINDOW), |value| value.integer(1_u16, 1_024));
    let tls_value = node.may("tls");
    let tls = tls_value.as_ref().map(|value| {
        let inner = value.table()?;
        let ca = path(&inner, "ca", "\"ca.pem\"", base);
        let certificate = path(&inner, "certificate", "\"agent.pem\"", base);
        let key = path(&inner, "key", "\"agent.key\"", base);
        inner.finish();
        Some(Tls { ca: ca?, certificate: certificate?, key: key? })
    });
    node.finish();
    let (secure, host, port) = broker?;
    match (secure, &tls_value) {
        (true, None) => {
            node.document().absence(
                node.span(),
                "mqtts needs the table [uplink.tls]",
                "[uplink.tls] with ca, certificate and key, PEM files",
            );
            return None;
        }
        (false, Some(value)) => {
            value.fault(
                "[uplink.tls] is there, and the broker is reached without TLS",
                format!("broker = \"mqtts://{host}:8883\", or nothing here"),
            );
            return None;
        }
        _ => {}
    }
    let tls = match tls {
        Some(tls) => Some(tls?),
        None => None,
    };
    Some(Uplink { host, port, tls, window: window?, registry: registry? })
}

/// `mqtts://host[:port]`, or `mqtt://` to loopback.
fn broker(value: &Value<'_>) -> Option<(bool, String, u16)> {
    let text = value.text()?.trim();
    let (secure, rest) = match text.split_once("://") {
        Some(("mqtts", rest)) => (true, rest),
        Some(("mqtt", rest)) => (false, rest),
        _ => {
            let host = text.rsplit("://").next().unwrap_or(text);
            value.fault(
                format!("`broker` is {text:?}, which begins with neither mqtts:// nor mqtt://"),
                value.assign(format!("\"mqtts://{host}\"")),
            );
            return None;
        }
    };
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => (host, port.parse::<u16>().ok().filter(|&it| it > 0)),
        _ => (rest, Some(if secure { 8883 } else { 1883 })),
    };
    let host = host.trim_matches(['[', ']']);
    let sound =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'));
    let (Some(port), true) = (port, sound) else {
        value.fault(
            format!("`broker` is {text:?}, which is not mqtts://host:port"),
            value.assign("\"mqtts://broker.example:8883\""),
        );
        return None;
    };
    if !secure && !is_loopback(host) {
        value.fault(
            format!("plain mqtt to {host:?} would carry records and receipts unprotected; it is for loopback only"),
            format!("{}, with [uplink.tls]", value.assign(format!("\"mqtts://{host}:8883\""))),
        );
        return None;
    }
    Some((secure, host.to_owned(), port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn declarations(root: &Node<'_>, base: &Path) -> Option<Vec<PathBuf>> {
    let nodes = root.tables("declarations");
    let mut files: Vec<PathBuf> = Vec::new();
    for node in &nodes {
        files.extend(path(node, "file", "\"declarations.csv\"", base));
        node.finish();
    }
    (files.len() == nodes.len()).then_some(files)
}

/// The monitoring plan's file. What it says is read apart: a faulty plan must not keep an agent down whose active
/// plan is sound.
fn plan(node: &Node<'_>, base: &Path) -> Option<PathBuf> {
    let file = path(node, "file", "\"plan.toml\"", base);
    node.finish();
    file
}

/// The root that signed orders are measured by. Plans then come signed too: a file beside it would be a second way in
/// for what two persons must sign.
fn authority(value: &Value<'_>, root: &Node<'_>, base: &Path) -> Option<PathBuf> {
    let node = value.table()?;
    let file = path(&node, "root", "\"root.cbor\"", base);
    node.finish();
    if root.may("plan").is_some() {
        value.fault(
            "[authority] and [plan] stand side by side; with an authority the plan comes signed by two persons",
            "one of the two; remove [plan], and have the plan assigned",
        );
        return None;
    }
    file
}

/// The folder a `[limits]` or `[profiles]` table names.
fn folder<'d>(files: &Files, root: &Node<'d>, key: &'static str, base: &Path) -> Option<(PathBuf, Value<'d>)> {
    let node = root.may(key)?.table()?;
    let value = node.need("dir", "\"limits\"");
    node.finish();
    let value = value?;
    let dir = base.join(value.text()?);
    if !files.is_dir(&dir) {
        value.dangling(
            format!("there is no folder {}", dir.display()),
            "a folder relative to this file, or nothing; remove the table",
        );
        return None;
    }
    Some((dir, value))
}

type Tables = (Option<PathBuf>, Vec<LimitTable>, Vec<Programme>);

/// The folder of own tables, and the tables and programmes there are with the built-in ones.
fn tables(files: &Files, root: &Node<'_>, base: &Path, others: &mut Report) -> Tables {
    let (mut tables, mut programmes) = (limits::builtin(), limits::builtin_programmes());
    let folder = folder(files, root, "limits", base);
    let dir = folder.as_ref().map(|(dir, _)| dir.clone());
    if let Some((dir, place)) = folder {
        match limits::load_dir_from(files, &dir) {
            Ok(folder) => {
                for programme in folder.programmes {
                    if programmes.iter().any(|known| known.id == programme.id) {
                        place.fault(
                            format!("two programmes have the id {:?}", programme.id),
                            "another id in the file of this folder",
                        );
                    }
                    programmes.push(programme);
                }
                tables.extend(folder.tables);
            }
            Err(faults) => others.absorb(faults),
        }
        if let Some(clash) = limits::clash(&tables) {
            place.fault(clash.to_string(), clash.way_out());
        }
    }
    (dir, tables, programmes)
}

fn profiles(files: &Files, root: &Node<'_>, base: &Path, others: &mut Report) -> profile::Folder {
    let mut profiles = profile::Folder { registers: profile::builtin(), lines: profile::builtin_lines() };
    if let Some((dir, place)) = folder(files, root, "profiles", base) {
        match profile::load_dir_from(files, &dir) {
            Ok((own, doubts)) => {
                others.absorb(doubts);
                let clash = |id: &str| {
                    place.fault(format!("two profiles have the id {id:?}"), "another id in the file of this folder");
                };
                for own in own.registers {
                    if profiles.registers.iter().any(|known| known.id == own.id) {
                        clash(&own.id);
                    }
                    profiles.registers.push(own);
                }
                for own in own.lines {
                    if profiles.lines.iter().any(|known| known.id == own.id) {
                        clash(&own.id);
                    }
                    profiles.lines.push(own);
                }
            }
            Err(faults) => others.absorb(faults),
        }
    }
    profiles
}
