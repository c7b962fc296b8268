//! What speaks against a record: one word per cause, the same word in counters, JSON and exports.

use std::fmt;

use serde::Serialize;

/// Why a record is bad.
///
/// The first group keeps a record out of its chain: it is refused, and no receipt ever covers it. The
/// second group ([`Bad::keeps_out`] is false) speaks against the *answer* in an authentic record: such a
/// record is stored and receipted, because a receipt says "safe", and an agent that could never get rid
/// of it would stop recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bad {
    /// The topic is none of the uplink's.
    Topic,
    /// The agent segment of the topic, or the owner of the chain, is not the issuer in the record.
    TopicMismatch,
    /// The bytes are no record: not canonical, too large, or a field out of range.
    Malformed,
    /// No registered key has this key id.
    UnknownKey,
    /// The key is registered, but not for this agent, chain, role or sequence number.
    KeyNotFor,
    /// The signature does not hold.
    Signature,
    /// The previous-hash does not name the record before it, or a genesis stands anywhere but at 0.
    ChainLink,
    /// The chain already has another record under this sequence number.
    Equivocation,
    /// Our recomputation from the record and the same tables gives another verdict or disposition.
    VerdictDrift,
    /// Simulated instruments, where the registry is of class production.
    Simulated,
    /// It names a head of our log that our log never had: the log or the agent was restored from a copy, or one of them lies.
    Anchor,
    /// It hands its chain to a new key that did not prove itself; the old key stays.
    KeyProof,
    /// Content that came for it has another hash than the one it names.
    EvidenceHash,
    /// Numbers of the chain have been missing for a long time, though they were asked for.
    OpenGap,
    /// A block of an instrument node is not sealed with the key of the node, or no key was in force.
    NodeMac,
    /// The block is another node's than the one registered for the instrument.
    NodeSerial,
    /// A block is replayed or held back: its number, starts or uptime do not fit the moment claimed for it.
    NodeSequence,
    /// The record says something else than the block it was read from.
    NodeValue,
    /// A reading of a node without the block it was read from.
    NodeBlockMissing,
}

impl Bad {
    /// All causes, in the order in which they are looked for.
    pub const ALL: [Self; 19] = [
        Self::Topic,
        Self::Malformed,
        Self::TopicMismatch,
        Self::UnknownKey,
        Self::KeyNotFor,
        Self::Signature,
        Self::ChainLink,
        Self::Equivocation,
        Self::VerdictDrift,
        Self::Simulated,
        Self::Anchor,
        Self::KeyProof,
        Self::EvidenceHash,
        Self::OpenGap,
        Self::NodeMac,
        Self::NodeSerial,
        Self::NodeSequence,
        Self::NodeValue,
        Self::NodeBlockMissing,
    ];

    /// The stable spelling.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::TopicMismatch => "topic-mismatch",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown-key",
            Self::KeyNotFor => "key-not-for",
            Self::Signature => "signature",
            Self::ChainLink => "chain-link",
            Self::Equivocation => "equivocation",
            Self::VerdictDrift => "verdict-drift",
            Self::Simulated => "simulated",
            Self::Anchor => "anchor",
            Self::KeyProof => "key-proof",
            Self::EvidenceHash => "evidence-hash",
            Self::OpenGap => "open-gap",
            Self::NodeMac => "node-mac",
            Self::NodeSerial => "node-serial",
            Self::NodeSequence => "node-sequence",
            Self::NodeValue => "node-value",
            Self::NodeBlockMissing => "node-block-missing",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// Whether a record with this finding stays out of its chain.
    pub const fn keeps_out(self) -> bool {
        !matches!(
            self,
            Self::VerdictDrift
                | Self::Simulated
                | Self::Anchor
                | Self::KeyProof
                | Self::EvidenceHash
                | Self::OpenGap
                | Self::NodeMac
                | Self::NodeSerial
                | Self::NodeSequence
                | Self::NodeValue
                | Self::NodeBlockMissing
        )
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One finding against one record, with what was found and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The cause.
    pub bad: Bad,
    /// In technical English: found, expected, way out.
    pub detail: String,
}

impl Finding {
    /// A finding with its detail.
    pub fn new(bad: Bad, detail: impl Into<String>) -> Self {
        Self { bad, detail: detail.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.bad, self.detail)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words_read_back_and_equal_the_json_spelling() {
        for bad in Bad::ALL {
            assert_eq!(Bad::from_word(bad.word()), Some(bad));
            assert_eq!(serde_json::to_string(&bad).unwrap(), format!("\"{bad}\""));
        }
        assert_eq!(Bad::from_word("fine"), None);
    }
}
