//! The time zone of a site: what the people in front of it have on the wall.
//!
//! Records are in UTC and stay so; pages, slips and tables show local time with its offset. The rules of all zones are
//! built in and used where the system brings none, so that a gateway without zone files shows the right time too.

use jiff::tz::{Offset, TimeZone};

use crate::{nearest, reader::Value};

/// The zone of a site that names none.
pub(super) const USUAL: &str = "Asia/Shanghai";

/// Asia/Shanghai; without any rules at hand its offset, which has been the same since 1991.
pub fn usual_zone() -> TimeZone {
    TimeZone::get(USUAL).unwrap_or_else(|_| TimeZone::fixed(Offset::constant(8)))
}

/// The name of a zone, or its offset where it has none: `Asia/Shanghai`, `+08:00`.
pub fn zone_name(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => jiff::Timestamp::UNIX_EPOCH.to_zoned(zone.clone()).strftime("%:z").to_string(),
    }
}

pub(super) fn read(value: &Value<'_>) -> Option<TimeZone> {
    let name = value.text()?;
    // Only names: a rule written out, as POSIX has them, could be read as one offset by one and as another by the next.
    match TimeZone::get(name) {
        Ok(zone) if zone.iana_name().is_some() => Some(zone),
        _ => {
            let known: Vec<String> = jiff::tz::db().available().map(|it| it.to_string()).collect();
            let meant = nearest(name, known.iter().map(String::as_str)).unwrap_or(USUAL);
            value.fault(format!("{name:?} is no time zone of the IANA database"), format!("zone = \"{meant}\""));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use jiff::Timestamp;

    use crate::site::site_from_str;

    fn zone(line: &str) -> Result<String, String> {
        let text = format!(
            "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"n\"\n{line}\n[store]\ndir = \"data\"\n\
             budget = \"1 GiB\"\n"
        );
        let at: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        site_from_str(&text, Path::new(""))
            .map(|(site, _)| at.to_zoned(site.zone).strftime("%H:%M%:z").to_string())
            .map_err(|report| report.to_string())
    }

    #[test]
    fn a_site_has_the_time_of_its_zone() {
        for (line, expected) in [
            ("", "08:00+08:00"),
            ("zone = \"Asia/Shanghai\"", "08:00+08:00"),
            ("zone = \"Asia/Urumqi\"", "06:00+06:00"),
            ("zone = \"Europe/Amsterdam\"", "02:00+02:00"),
            ("zone = \"UTC\"", "00:00+00:00"),
            ("zone = \"Asia/Shangai\"", "zone = \"Asia/Shanghai\""),
            ("zone = \"CST-8\"", "no time zone"),
            ("zone = \"\"", "zone"),
            ("zone = 8", "zone"),
            ("zone = \"../../etc/passwd\"", "no time zone"),
        ] {
            let found = zone(line).unwrap_or_else(|report| report);
            assert!(found.contains(expected), "{line}: {found}");
        }
    }
}
