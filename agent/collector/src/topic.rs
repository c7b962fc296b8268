//! The topic names of the uplink, as the centre sees them.
//!
//! ```text
//! tw / 1 / {site} / {agent} / record | alert | state             agent → centre
//! tw / 1 / {site} / {agent} / evidence / {sha256}                agent → centre
//! tw / 1 / {site} / {agent} / down / receipt | resend | beacon   centre → agent
//! ```
//!
//! Segment positions are fixed. A topic is a claim of whoever published: the core compares the agent
//! segment with the issuer inside the signed record and never believes the topic alone.

use tidewaiter_record::Hash;

/// What a centre subscribes to, at `QoS` 1.
const FILTERS: [&str; 4] = ["tw/1/+/+/record", "tw/1/+/+/alert", "tw/1/+/+/state", "tw/1/+/+/evidence/+"];

/// What a centre subscribes to, alone or with others under a name.
///
/// States are never shared: they are retained, and a shared subscription is not given what is retained (MQTT 5.0, 4.8.2).
/// Each collector writes the newest of each agent, and that is one row.
///
/// # Examples
///
/// ```
/// let filters = tidewaiter_collector::topic::filters(Some("centre"));
/// assert_eq!(filters[0], "$share/centre/tw/1/+/+/record");
/// assert_eq!(filters[2], "tw/1/+/+/state");
/// ```
pub fn filters(share: Option<&str>) -> Vec<String> {
    let filter = |it: &str| match share {
        Some(name) if !it.ends_with("/state") => format!("$share/{name}/{it}"),
        _ => it.to_owned(),
    };
    FILTERS.map(filter).to_vec()
}

/// Longest site or agent segment, in bytes: they become keys of tables and parts of topics.
pub const MAX_SEGMENT: usize = 128;

/// What an uplink topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Sealed records in sequence order.
    Record,
    /// The same sealed bytes, ahead of any backlog.
    Alert,
    /// The agent's unsigned statement about itself.
    State,
    /// A piece of the content with this SHA-256.
    Evidence(Hash),
}

/// An uplink topic taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Uplink<'a> {
    /// Site segment.
    pub site: &'a str,
    /// Agent segment.
    pub agent: &'a str,
    /// What is published there.
    pub stream: Stream,
}

/// Takes an uplink topic apart; `None` for any other topic name.
///
/// # Examples
///
/// ```
/// use tidewaiter_collector::topic::{Stream, parse};
///
/// let uplink = parse("tw/1/yantian/gate-07/alert").unwrap();
/// assert_eq!((uplink.site, uplink.agent, uplink.stream), ("yantian", "gate-07", Stream::Alert));
/// assert!(parse("tw/1/yantian/gate-07/down/receipt").is_none());
/// ```
pub fn parse(topic: &str) -> Option<Uplink<'_>> {
    let mut segments = topic.split('/');
    let (tw, version) = (segments.next()?, segments.next()?);
    let (site, agent, stream) = (segments.next()?, segments.next()?, segments.next()?);
    let last = segments.next();
    if tw != "tw" || version != "1" || segments.next().is_some() || !is_segment(site) || !is_segment(agent) {
        return None;
    }
    let stream = match (stream, last) {
        ("record", None) => Stream::Record,
        ("alert", None) => Stream::Alert,
        ("state", None) => Stream::State,
        // One spelling of a hash, so that one content has one topic.
        ("evidence", Some(hash)) => Stream::Evidence(hash.parse().ok().filter(|it: &Hash| it.to_string() == hash)?),
        _ => return None,
    };
    Some(Uplink { site, agent, stream })
}

/// Where the receipts of an agent go.
pub fn receipt(site: &str, agent: &str) -> String {
    format!("tw/1/{site}/{agent}/down/receipt")
}

/// Where requests to an agent to send again go.
pub fn resend(site: &str, agent: &str) -> String {
    format!("tw/1/{site}/{agent}/down/resend")
}

/// Where an agent finds the newest head of the log.
pub fn beacon(site: &str, agent: &str) -> String {
    format!("tw/1/{site}/{agent}/down/beacon")
}

/// Whether a text can stand as one segment of a topic name that we publish to.
///
/// Wildcards and control characters are refused: MQTT 5.0, 3.3.2-2 forbids the first in a topic name,
/// and the second let a broker close the connection (1.5.4), which would silence the centre.
pub fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_SEGMENT
        && text.chars().all(|it| !it.is_control() && !matches!(it, '+' | '#' | '/'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn takes_only_the_uplink_topics() {
        let check = |topic: &str, expected: Option<Stream>| {
            assert_eq!(parse(topic).map(|it| it.stream), expected, "{topic:?}");
        };
        check("tw/1/a/b/record", Some(Stream::Record));
        check("tw/1/盐田/7号闸口/record", Some(Stream::Record));
        check("tw/1/a/b/state", Some(Stream::State));
        let hash = "0a".repeat(32);
        check(&format!("tw/1/a/b/evidence/{hash}"), Some(Stream::Evidence(Hash([10; 32]))));
        check(&format!("tw/1/a/b/evidence/{}", "0A".repeat(32)), None);
        check(&format!("tw/1/a/b/evidence/{hash}/1"), None);
        check("tw/1/a/b/evidence/0a", None);
        check("tw/1/a/b/evidence", None);
        check("tw/2/a/b/record", None);
        check("tw/1/a/b/record/", None);
        check("/tw/1/a/b/record", None);
        check("tw/1//b/record", None);
        check("tw/1/a/+/record", None);
        check("tw/1/a/b\u{0}/record", None);
        check("tw/1/a/b/view", None);
        check("tw/1/a/record", None);
        check("", None);
        check(&format!("tw/1/a/{}/record", "b".repeat(MAX_SEGMENT + 1)), None);
    }

    #[test]
    fn what_goes_down_is_no_uplink_topic() {
        let (site, agent) = ("yantian", "gate-07");
        for (topic, name) in
            [(receipt(site, agent), "receipt"), (resend(site, agent), "resend"), (beacon(site, agent), "beacon")]
        {
            assert_eq!(topic, format!("tw/1/yantian/gate-07/down/{name}"));
            assert_eq!(parse(&topic), None);
        }
    }
}
