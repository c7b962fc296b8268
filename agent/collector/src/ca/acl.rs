//! The broker's access list, as Mosquitto reads it (mosquitto.conf(5), `acl_file`).

use std::fmt::Write as _;

/// What everybody may: an agent publishes under its own name, the centre reads and answers. `%u` is the common name
/// of the client's certificate.
const ALL: &str = "\
# Written by tidewaiter-collector ca; changes here are lost.
pattern write tw/1/+/%u/record
pattern write tw/1/+/%u/alert
pattern write tw/1/+/%u/state
pattern write tw/1/+/%u/view/#
pattern write tw/1/+/%u/evidence/+
pattern read tw/1/+/%u/down/#

user centre
topic read tw/1/+/+/record
topic read tw/1/+/+/alert
topic read tw/1/+/+/state
topic read tw/1/+/+/evidence/+
topic write tw/1/+/+/down/#
";

/// The access list: denied names may nothing, also in a session that stands.
pub(super) fn text<'a>(denied: impl Iterator<Item = &'a str>) -> String {
    let mut text = ALL.to_owned();
    for name in denied {
        let _ = write!(text, "\nuser {name}\ntopic deny #\n");
    }
    text
}
