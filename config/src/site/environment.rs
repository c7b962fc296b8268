//! Whether the world outside fits the site file: devices, host names, files.
//!
//! Asked by `tidewaiter check` and never at start: an unplugged scale must not keep a gate's agent
//! down. Nothing is opened for writing, because opening a serial device moves its control lines.

use std::{
    net::ToSocketAddrs,
    ops::Range,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

use super::{Keys, Link, Site, Wire};
use crate::report::{Finding, Report, Severity, line_column};

/// Where udev links serial adapters by maker, model and serial number.
const BY_ID: &str = "/dev/serial/by-id";

/// A step on the way to a value: a key, or the position in a list.
#[derive(Clone, Copy)]
enum Step {
    Key(&'static str),
    At(usize),
}

/// What was found, and where in a site file the thing is named.
struct Found {
    finding: Finding,
    way: Vec<Step>,
}

/// Looks whether devices and files exist and host names resolve.
///
/// Findings name the thing they concern in place of a file and have no line; see
/// [`check_environment_in`] for those. Resolving a name may take seconds.
pub fn check_environment(site: &Site) -> Vec<Finding> {
    survey(site).into_iter().map(|it| it.finding).collect()
}

/// As [`check_environment`], with every finding placed in the site file it was loaded from.
pub fn check_environment_in(site: &Site, file: &str, text: &str) -> Report {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let (root, _) = DeTable::parse_recoverable(text);
    let findings = survey(site)
        .into_iter()
        .map(|Found { mut finding, way }| {
            if let Some(span) = walk(root.get_ref(), &way) {
                (finding.line, finding.column) = line_column(text, span.start);
                finding.what = format!("{}: {}", finding.file, finding.what);
                file.clone_into(&mut finding.file);
                finding.span = span;
            }
            finding
        })
        .collect();
    Report::new(file, text, findings)
}

fn walk(root: &DeTable<'_>, way: &[Step]) -> Option<Range<usize>> {
    let (Step::Key(first), rest) = way.split_first()? else { return None };
    let mut item = root.get(*first)?;
    for step in rest {
        item = match (step, item.get_ref()) {
            (Step::Key(key), DeValue::Table(table)) => table.get(*key)?,
            (Step::At(index), DeValue::Array(items)) => items.get(*index)?,
            _ => return None,
        };
    }
    Some(item.span())
}

fn survey(site: &Site) -> Vec<Found> {
    let mut found = Vec::new();
    for (index, port) in site.ports.iter().enumerate() {
        let subject = format!("port {:?}", port.id);
        let way = |key| vec![Step::Key("ports"), Step::At(index), Step::Key(port.link.word()), Step::Key(key)];
        match &port.link {
            Link::Serial(line) | Link::ModbusRtu(line) => {
                device(&mut found, &subject, &line.path, way("path"));
                if let Some(stable) = stable_name(&line.path, Path::new(BY_ID)) {
                    let what = format!(
                        "{} is numbered by the order of plugging in; this adapter's own name is {}",
                        line.path.display(),
                        stable.display()
                    );
                    add(&mut found, &subject, what, format!("path = \"{}\"", stable.display()), way("path"));
                    if let Some(last) = found.last_mut() {
                        last.finding.severity = Severity::Warning;
                    }
                }
            }
            Link::Tcp { host, port } | Link::ModbusTcp { host, port } | Link::ModbusRtuTcp { host, port, .. } => {
                resolve(&mut found, &subject, host, *port, way("address"));
            }
        }
    }
    if let Some(uplink) = &site.uplink {
        let way = |key| vec![Step::Key("uplink"), Step::Key(key)];
        resolve(&mut found, "uplink broker", &uplink.host, uplink.port, way("broker"));
        file(&mut found, "uplink registry", &uplink.registry, "the key registry from the centre", way("registry"));
        if let Some(tls) = &uplink.tls {
            let way = |key| vec![Step::Key("uplink"), Step::Key("tls"), Step::Key(key)];
            file(
                &mut found,
                "uplink authority",
                &tls.ca,
                "the authority that signed the broker's certificate, PEM",
                way("ca"),
            );
            file(
                &mut found,
                "uplink certificate",
                &tls.certificate,
                "this agent's certificate, PEM",
                way("certificate"),
            );
            file(&mut found, "uplink key", &tls.key, "this agent's private key, PEM", way("key"));
        }
    }
    if let Some(users) = &site.local.users {
        let way = vec![Step::Key("local"), Step::Key("users")];
        file(&mut found, "local users", users, "the users file; `tidewaiter users add` makes it", way);
    }
    if let Some(tls) = &site.local.tls {
        let way = |key| vec![Step::Key("local"), Step::Key("tls"), Step::Key(key)];
        file(&mut found, "local certificate", &tls.certificate, "the page's certificate, PEM", way("certificate"));
        file(&mut found, "local key", &tls.key, "the private key of the page's certificate, PEM", way("key"));
    }
    if let Keys::Pkcs11(place) = &site.keys {
        let way = |key| vec![Step::Key("keys"), Step::Key(key)];
        file(&mut found, "keys module", &place.module, "the library that speaks with the token", way("module"));
        file(&mut found, "keys PIN", &place.pin_file, "a file with the PIN of the token's user", way("pin_file"));
    }
    fixtures(site, &mut found);
    for (index, declarations) in site.declarations.iter().enumerate() {
        let way = vec![Step::Key("declarations"), Step::At(index), Step::Key("file")];
        file(&mut found, "declarations", declarations, "a CSV file with a column `subject`, or a TOML file", way);
    }
    let nearest = site.store.dir.ancestors().find(|it| it.exists());
    if let Some(standing) = nearest
        && !standing.is_dir()
    {
        let what = format!("{} cannot be made: {} is no folder", site.store.dir.display(), standing.display());
        add(&mut found, "store", what, "dir = the path of a folder", vec![Step::Key("store"), Step::Key("dir")]);
    }
    found
}

/// GPIO chips, and what cameras need beside their address.
fn fixtures(site: &Site, found: &mut Vec<Found>) {
    for (index, output) in site.outputs.iter().enumerate() {
        if let Wire::Gpio { chip, .. } = &output.wire {
            let way = ["gpio", "chip"].map(Step::Key);
            let way = [Step::Key("outputs"), Step::At(index)].into_iter().chain(way).collect();
            let subject = format!("output {:?}", output.id);
            if !std::fs::metadata(chip).is_ok_and(|it| it.file_type().is_char_device()) {
                add(found, &subject, format!("{chip} is no GPIO chip here"), "a chip that `gpiodetect` lists", way);
            }
        }
    }
    for (index, camera) in site.cameras.iter().enumerate() {
        let way = |key| vec![Step::Key("cameras"), Step::At(index), Step::Key(key)];
        let subject = format!("camera {:?}", camera.id);
        if let Some((_, password)) = &camera.login {
            file(found, &subject, password, "a file with the password in its first line", way("password_file"));
            if std::fs::metadata(password).is_ok_and(|it| it.permissions().mode() & 0o077 != 0) {
                let what = format!("{} may be read by others, and is not used", password.display());
                add(found, &subject, what, format!("chmod 600 {}", password.display()), way("password_file"));
            }
        }
        if let Some(ca) = &camera.ca {
            file(found, &subject, ca, "the authority that signed the camera's certificate, PEM", way("ca"));
        }
    }
}

fn add(found: &mut Vec<Found>, subject: &str, what: String, way_out: impl Into<String>, way: Vec<Step>) {
    let finding = Finding {
        severity: Severity::Error,
        file: subject.to_owned(),
        line: 0,
        column: 0,
        span: 0..0,
        what,
        way_out: way_out.into(),
    };
    found.push(Found { finding, way });
}

fn device(found: &mut Vec<Found>, subject: &str, path: &Path, way: Vec<Step>) {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.file_type().is_char_device() => {}
        Ok(_) => add(found, subject, format!("{} is no serial device", path.display()), way_to_device(), way),
        Err(error) => add(found, subject, format!("{}: {error}", path.display()), way_to_device(), way),
    }
}

/// The name a numbered USB adapter has by its maker and serial number, if `by_id` links to it.
fn stable_name(path: &Path, by_id: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    if !name.starts_with("ttyUSB") && !name.starts_with("ttyACM") {
        return None;
    }
    let device = path.canonicalize().ok()?;
    let mut links: Vec<PathBuf> = std::fs::read_dir(by_id)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|link| link.canonicalize().is_ok_and(|it| it == device))
        .collect();
    links.sort();
    links.into_iter().next()
}

/// What is plugged in, to copy from.
fn way_to_device() -> String {
    let mut devices: Vec<String> = std::fs::read_dir(BY_ID)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().display().to_string()))
        .collect();
    devices.sort();
    if devices.is_empty() {
        "path = a device under /dev/serial/by-id/ (none is plugged in now)".to_owned()
    } else {
        format!("path = \"{}\"", devices.join("\" or \""))
    }
}

fn resolve(found: &mut Vec<Found>, subject: &str, host: &str, port: u16, way: Vec<Step>) {
    let what = match (host, port).to_socket_addrs().map(|mut addresses| addresses.next()) {
        Ok(Some(_)) => return,
        Ok(None) => format!("the name {host:?} has no address"),
        Err(error) => format!("the name {host:?} does not resolve: {error}"),
    };
    add(found, subject, what, "a name the network knows, or the address in digits", way);
}

fn file(found: &mut Vec<Found>, subject: &str, path: &Path, meaning: &str, way: Vec<Step>) {
    if let Err(error) = std::fs::File::open(path) {
        let way_out = format!("the path of {meaning}, relative to the site file");
        add(found, subject, format!("{}: {error}", path.display()), way_out, way);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::os::unix::fs::symlink;

    use super::*;

    /// As udev leaves it: a device node, and a relative link to it named after the adapter.
    #[test]
    fn a_numbered_adapter_has_a_stable_name() {
        let dev = tempfile::tempdir().unwrap();
        let by_id = dev.path().join("serial/by-id");
        std::fs::create_dir_all(&by_id).unwrap();
        let (usb, other, fixed) = (dev.path().join("ttyUSB0"), dev.path().join("ttyUSB1"), dev.path().join("ttyS0"));
        for device in [&usb, &other, &fixed] {
            std::fs::write(device, "").unwrap();
        }
        symlink("../../ttyUSB0", by_id.join("usb-FTDI_A10K-if00-port0")).unwrap();
        symlink("../../ttyS0", by_id.join("never-asked")).unwrap();
        symlink("../../gone", by_id.join("dangling")).unwrap();
        assert_eq!(stable_name(&usb, &by_id), Some(by_id.join("usb-FTDI_A10K-if00-port0")));
        assert_eq!(stable_name(&other, &by_id), None, "no link leads to it");
        assert_eq!(stable_name(&fixed, &by_id), None, "a built-in port keeps its number");
        assert_eq!(stable_name(&dev.path().join("ttyUSB9"), &by_id), None, "unplugged");
        assert_eq!(stable_name(&usb, &dev.path().join("none")), None, "no folder of links");
    }
}
