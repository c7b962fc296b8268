//! The `[[cameras]]` of a site file: where a still is fetched from when something passes.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{instruments::ms, outputs, ports::Named};
use crate::reader::{Node, Value};

/// A camera that gives a still by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Id.
    pub id: String,
    /// Lane or rig it looks at.
    pub place: String,
    /// Address of the still; no credentials in it.
    pub url: String,
    /// User, and the file with the password in its first line.
    pub login: Option<(String, PathBuf)>,
    /// Authority of the camera's certificate, PEM; with `https`.
    pub ca: Option<PathBuf>,
    /// Longest time for one still.
    pub timeout: Duration,
    /// Largest still.
    pub max_bytes: u64,
    /// When a still is taken.
    pub on: Vec<Moment>,
}

/// When a still is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// An inspection opens.
    Start,
    /// It ends.
    End,
    /// It ends with the disposition alarm.
    Alarm,
}

impl Moment {
    /// Its word in the site file and in records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
            Self::Alarm => "alarm",
        }
    }
}

const MOMENTS: [Moment; 3] = [Moment::Start, Moment::End, Moment::Alarm];
/// Largest still unless the file says so.
const STILL: u64 = 8 << 20;

impl Camera {
    /// The address as it may stand in a record or a log: many cameras take credentials in the query.
    pub fn shown_url(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }
}

/// Reads all cameras; `places` are the ids of lanes and rigs, faulty ones included.
pub(super) fn read<'d>(root: &Node<'d>, base: &Path, places: &[String]) -> Vec<Camera> {
    let mut ids: Named<'d, ()> = Named::new();
    let mut cameras = Vec::new();
    for node in root.tables("cameras") {
        let id = node.need("id", "\"cam-7\"").and_then(|value| {
            let id = value.id()?;
            ids.add("camera", id, &value, None);
            Some(id.to_owned())
        });
        let place = node.need("place", "\"lane-7\"").and_then(|value| outputs::place(&value, places));
        let url_value = node.need("url", "\"http://192.168.7.30/snapshot.jpg\"");
        let url = url_value.as_ref().and_then(url);
        let user = node.may("user");
        let password = node.may("password_file");
        let login = match (&user, &password) {
            (Some(user), Some(file)) => {
                user.text().zip(file.text()).map(|(user, file)| Some((user.to_owned(), base.join(file))))
            }
            (None, None) => Some(None),
            (Some(one), None) => {
                one.fault("`user` is there without `password_file`", "password_file = \"cam-7.password\", mode 0600");
                None
            }
            (None, Some(one)) => {
                one.fault("`password_file` is there without `user`", "user = \"viewer\"");
                None
            }
        };
        let ca_value = node.may("ca");
        let ca = ca_value.as_ref().map(|value| Some(base.join(value.text()?)));
        let timeout = node.may("timeout").map_or(Some(ms(3_000)), |value| value.duration(ms(100), ms(30_000)));
        let max_bytes = node.may("max_size").map_or(Some(STILL), |value| value.size(1 << 10, 32 << 20));
        let on = node.may("on").map_or(Some(vec![Moment::Start]), |value| moments(&value));
        node.finish();
        let secure = url.as_deref().is_some_and(|it| it.starts_with("https:"));
        match (&url_value, &ca_value) {
            (Some(value), None) if secure => {
                value.fault(
                    "https needs `ca`, the authority that signed the camera's certificate",
                    "ca = \"camera-ca.pem\" beside it",
                );
                continue;
            }
            (Some(_), Some(value)) if url.is_some() && !secure => {
                value.fault("`ca` is there, and the camera is reached without TLS", "an https:// url, or nothing here");
                continue;
            }
            _ => {}
        }
        if let (Some(value), true, Some(Some(_))) = (&url_value, !secure, &login) {
            value.doubt(
                "the password goes over the network readable (basic) or guessable (digest); others on it can take it",
                "an https:// url, or a network of its own for cameras",
            );
        }
        let (Some(id), Some(place), Some(url), Some(login), Some(timeout), Some(max_bytes), Some(on)) =
            (id, place, url, login, timeout, max_bytes, on)
        else {
            continue;
        };
        let ca = match ca {
            Some(None) => continue,
            Some(Some(path)) => Some(path),
            None => None,
        };
        cameras.push(Camera { id, place, url, login, ca, timeout, max_bytes, on });
    }
    cameras
}

fn url(value: &Value<'_>) -> Option<String> {
    let text = value.text()?.trim();
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.map(|it| it.split(['/', '?', '#']).next().unwrap_or_default());
    match host {
        Some(host) if host.contains('@') => {
            value.fault(
                "credentials stand in the url, which anyone may read who may read this file",
                "the url without them, and `user` and `password_file`",
            );
            None
        }
        Some(host)
            if !host.is_empty()
                && host
                    .chars()
                    .all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | ':' | '[' | ']' | '_'))
                && text.bytes().all(|it| it.is_ascii_graphic()) =>
        {
            Some(text.to_owned())
        }
        _ => {
            value.fault(
                format!("`url` is {text:?}, which is not http://host/path or https://host/path"),
                value.assign("\"http://192.168.7.30/snapshot.jpg\""),
            );
            None
        }
    }
}

fn moments(value: &Value<'_>) -> Option<Vec<Moment>> {
    let mut found = Vec::new();
    for (text, item) in value.texts("[\"start\"]")? {
        let Some(moment) = MOMENTS.into_iter().find(|it| it.word() == text) else {
            item.fault(format!("{text:?} is no moment of an inspection"), "start, end or alarm");
            return None;
        };
        if !found.contains(&moment) {
            found.push(moment);
        }
    }
    Some(found)
}
