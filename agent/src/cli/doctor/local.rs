//! This machine: ports, key, store, disk, clock, time zone, service.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Command};

use rustix::fs::{Access, access, statvfs};
use tidewaiter_config::{
    Severity,
    site::{Link, Site, check_environment, hours_held},
};
use tidewaiter_record::Signer as _;

use super::{super::status::mebibytes, Answers};
use crate::{
    cli::output::said,
    clock::{Clock as _, SystemClock},
    keys,
    outbox::{SqliteStore, fsck},
};

/// Largest store that is read through here; a larger one is for `tidewaiter fsck`, which shows how far it is.
const MOST_READ: u64 = 256 << 20;
/// Free bytes below which a disk is full for every purpose.
const LEAST_FREE: u64 = 64 << 20;
/// Present while systemd is the machine's first process (`sd_booted(3)`).
const SYSTEMD: &str = "/run/systemd/system";
/// Where the agent is a service, its unit.
pub(super) const UNIT: &str = "tidewaiter.service";
/// Where that unit asks whether the clock is kept.
const CLOCK: &str = "tidewaiter-clock.socket";
/// Zone whose data must be there: that of the ports.
const ZONE: &str = "Asia/Shanghai";
/// Where systems keep that data.
const ZONES: &str = "/usr/share/zoneinfo";

/// What needs no site file: clock, time zones, service.
pub(super) fn machine(answers: &mut Answers) {
    match SystemClock.kernel().synchronised {
        Some(error) => answers.ok("clock", said!("doctor-clock-kept", error = error)),
        None => answers.warn("clock", said!("doctor-clock-loose"), said!("doctor-clock-way")),
    }
    if jiff::tz::TimeZone::get(ZONE).is_ok() || Path::new(ZONES).join(ZONE).exists() {
        answers.ok("zone", ZONE);
    } else {
        answers.fail("zone", said!("doctor-zone-none", zone = ZONE, dir = ZONES), said!("doctor-zone-way"));
    }
    if !Path::new(SYSTEMD).exists() {
        return answers.skipped("service", said!("doctor-no-systemd"));
    }
    match active(UNIT) {
        Ok(state) => match state.as_str() {
            "active" => answers.ok("service", format!("{UNIT}: {state}")),
            "failed" => answers.fail("service", format!("{UNIT}: {state}"), format!("journalctl -u {UNIT} -n 50")),
            _ => answers.warn("service", format!("{UNIT}: {state}"), format!("systemctl enable --now {UNIT}")),
        },
        Err(why) => return answers.skipped("service", format!("systemctl: {why}")),
    }
    let asks = |unit| active(unit).is_ok_and(|state| state == "active");
    if asks(UNIT) && !asks(CLOCK) {
        answers.warn("clock", said!("doctor-clock-unasked", socket = CLOCK), format!("systemctl restart {UNIT}"));
    }
}

/// The state of a unit, in systemd's word.
fn active(unit: &str) -> std::io::Result<String> {
    let told = Command::new("systemctl").args(["is-active", unit]).output()?;
    Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

/// Devices, hosts and files that the site names, and whether devices may be opened.
pub(super) fn ports(site: &Site, answers: &mut Answers) {
    let mut findings = check_environment(site);
    // Registry, certificates and broker have checks of their own, which say more.
    findings.retain(|it| !it.file.starts_with("uplink "));
    for it in &findings {
        let what = format!("{}: {}", it.file, it.what);
        match it.severity {
            Severity::Error => answers.fail("ports", what, it.way_out.clone()),
            Severity::Warning => answers.warn("ports", what, it.way_out.clone()),
        }
    }
    let mut closed = false;
    for port in &site.ports {
        let (Link::Serial(line) | Link::ModbusRtu(line)) = &port.link else { continue };
        if line.path.exists() && access(&line.path, Access::READ_OK | Access::WRITE_OK).is_err() {
            closed = true;
            let (group, path) = (group_of(&line.path), line.path.display());
            answers.fail(
                "ports",
                said!("doctor-port-closed", port = port.id, path = path, group = group),
                said!("doctor-port-way", group = group),
            );
        }
    }
    if findings.is_empty() && !closed {
        answers.ok("ports", said!("doctor-ports", ports: site.ports.len()));
    }
}

/// The group that owns a device, by name where `/etc/group` knows it; on Debian `dialout`.
fn group_of(path: &Path) -> String {
    let Ok(id) = fs::metadata(path).map(|it| it.gid().to_string()) else { return "dialout".to_owned() };
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let named = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    named.unwrap_or(id)
}

/// The agent's own key: there, readable, private.
pub(super) fn key(site: &Site, answers: &mut Answers) {
    match keys::load_with(&site.store.dir, &site.agent, &site.keys) {
        Ok(own) => answers.ok("key", said!("doctor-key", kid = own.signer.kid(), place = own.signer.place())),
        Err(why) => answers.fail("key", why.to_string(), said!("doctor-key-way")),
    }
}

/// The store: what was written to it, or not.
pub(super) fn store(site: &Site, answers: &mut Answers) {
    let path = site.store.dir.join(SqliteStore::FILE);
    let Ok(size) = fs::metadata(&path).map(|it| it.len()) else {
        return answers.skipped("store", said!("doctor-store-none", path = path.display()));
    };
    if size > MOST_READ {
        let (size, dir) = (mebibytes(size), site.store.dir.display());
        return answers.skipped("store", said!("doctor-store-large", size = size, dir = dir));
    }
    match fsck::check(&site.store.dir, None, &[]) {
        Ok(checked) if checked.damage.is_empty() => {
            let receipted = checked.receipted.map_or_else(|| "–".to_owned(), |seq| format!("#{seq}"));
            answers.ok("store", said!("doctor-store", records: checked.records, receipted = receipted));
        }
        Ok(checked) => {
            for damage in checked.damage.iter().take(5) {
                let seq = damage.seq.map_or_else(String::new, |seq| format!("#{seq} "));
                let what = format!("{seq}{}: {}", damage.class.word(), damage.what);
                answers.fail("store", what, said!("doctor-store-way", dir = site.store.dir.display()));
            }
        }
        Err(why) => answers.fail("store", why.to_string(), said!("doctor-store-way", dir = site.store.dir.display())),
    }
}

/// Room on the disk for what the store may still take, and how long that lasts.
pub(super) fn disk(site: &Site, answers: &mut Answers) {
    // Before the first start the folder is not there; its nearest ancestor is on the same disk.
    let base = site.store.dir.ancestors().find(|it| it.exists()).unwrap_or(Path::new("."));
    let free = match statvfs(base) {
        Ok(it) => it.f_bavail.saturating_mul(it.f_frsize),
        Err(why) => return answers.fail("disk", format!("{}: {why}", base.display()), said!("doctor-disk-way")),
    };
    let used = fs::metadata(site.store.dir.join(SqliteStore::FILE)).map_or(0, |it| it.len());
    let wanted = site.store.budget_bytes.saturating_sub(used);
    let (have, need, hours) = (mebibytes(free), mebibytes(wanted), hours_held(site));
    let what = said!("doctor-disk", free = have, wanted = need, hours: hours);
    if free < LEAST_FREE {
        answers.fail("disk", what, said!("doctor-disk-way"));
    } else if free < wanted {
        answers.warn("disk", what, said!("doctor-disk-way"));
    } else {
        answers.ok("disk", what);
    }
}
