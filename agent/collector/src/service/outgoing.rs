//! What goes down beside receipts: heads of the log, and requests to send again.
//!
//! Both are worth only their newest: one head per agent and one request per chain wait here, so the queue cannot
//! grow beyond the number of agents and chains. Requests go first; a head is not in a hurry.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tidewaiter_mqtt::{Message, Qos};
use tidewaiter_record::ChainId;

use crate::{
    core::{HeadDue, ResendDue},
    topic,
};

/// What waits for room on the link.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    resends: BTreeMap<ChainId, ResendDue>,
    heads: BTreeMap<String, Bytes>,
    /// Topics that have had a head since this connection began.
    addressed: BTreeSet<String>,
    newest: Option<Bytes>,
}

impl Outgoing {
    /// The broker may have forgotten everything, and what was on its way is void.
    pub(super) fn connected(&mut self) {
        self.addressed.clear();
        self.heads.clear();
    }

    /// Takes a request, in place of an older one of its chain.
    pub(super) fn ask(&mut self, due: ResendDue) {
        self.resends.insert(due.chain, due);
    }

    /// Takes a new head for everybody.
    pub(super) fn announce(&mut self, head: &HeadDue, to: impl IntoIterator<Item = (String, String)>) {
        let bytes = Bytes::copy_from_slice(&head.bytes);
        self.newest = Some(bytes.clone());
        for (site, agent) in to {
            let topic = topic::beacon(&site, &agent);
            self.addressed.insert(topic.clone());
            self.heads.insert(topic, bytes.clone());
        }
    }

    /// Takes a head that somebody else has published, for agents that come later.
    pub(super) fn know(&mut self, head: &HeadDue) {
        self.newest = Some(Bytes::copy_from_slice(&head.bytes));
    }

    /// Gives the newest head to an agent that may not have it.
    pub(super) fn greet(&mut self, site: &str, agent: &str) {
        let Some(newest) = &self.newest else { return };
        let topic = topic::beacon(site, agent);
        if self.addressed.insert(topic.clone()) {
            self.heads.insert(topic, newest.clone());
        }
    }

    /// The next message, without removing it.
    pub(super) fn peek(&self) -> Option<Message> {
        let message = |topic, payload, retain| Message { topic, payload, qos: Qos::AtLeastOnce, retain };
        if let Some(due) = self.resends.values().next() {
            return Some(message(due.topic(), Bytes::copy_from_slice(&due.bytes), false));
        }
        let (topic, bytes) = self.heads.first_key_value()?;
        Some(message(topic.clone(), bytes.clone(), true))
    }

    /// Removes the message that [`Outgoing::peek`] gave.
    pub(super) fn sent(&mut self) {
        if self.resends.pop_first().is_none() {
            self.heads.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(byte: u8) -> HeadDue {
        HeadDue { number: byte.into(), size: 0, bytes: vec![byte] }
    }

    fn drain(out: &mut Outgoing) -> Vec<(String, u8)> {
        let mut all = Vec::new();
        while let Some(message) = out.peek() {
            out.sent();
            assert_eq!(message.retain, message.topic.ends_with("beacon"));
            all.push((message.topic, message.payload.first().copied().unwrap_or_default()));
        }
        all
    }

    #[test]
    fn the_newest_of_each_goes_and_requests_go_first() {
        let mut out = Outgoing::default();
        out.greet("s", "early");
        let all = ["a", "b"].map(|it| ("s".to_owned(), it.to_owned()));
        out.announce(&head(1), all.clone());
        out.announce(&head(2), all);
        for bytes in [vec![7], vec![8]] {
            let (site, agent, chain) = ("s".into(), "a".into(), ChainId([1; 16]));
            out.ask(ResendDue { site, agent, chain, from_seq: 1, upto_seq: 2, bytes });
        }
        let topic = |agent: &str, what: &str| format!("tw/1/s/{agent}/down/{what}");
        let expected = [(topic("a", "resend"), 8), (topic("a", "beacon"), 2), (topic("b", "beacon"), 2)];
        assert_eq!(drain(&mut out), expected);
        // Known agents have it; a new one gets it, once.
        for agent in ["a", "c", "c"] {
            out.greet("s", agent);
        }
        assert_eq!(drain(&mut out), [(topic("c", "beacon"), 2)]);
        out.connected();
        out.greet("s", "c");
        assert_eq!(drain(&mut out), [(topic("c", "beacon"), 2)]);
    }
}
