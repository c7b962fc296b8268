//! What a verifier answers.

use serde::{Serialize, Serializer};

use crate::id::{ChainId, Hash};

/// Most findings kept in a report. A stream of garbage must not become a report of the same size; the
/// counts in the verdicts go on.
pub const MAX_FINDINGS: usize = 1000;

/// The answers to four questions, apart, and a fifth line that says whether instruments were simulated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many items of the stream claimed to be records, malformed ones included.
    pub records: u64,
    /// How many of them are evidence: well formed, signed by a key that may, and not a repetition.
    pub accepted: u64,
    /// How many repeated an accepted record byte for byte.
    pub duplicates: u64,
    /// How many accepted ones have a content that this build does not know.
    pub content_unknown: u64,
    /// Is every record signed by a key that may sign it?
    pub signature: Verdict,
    /// Does every record follow the one before it, and is there only one at each place?
    pub chain: Verdict,
    /// Is every record there, and every poll slot of an interval accounted for?
    pub completeness: Verdict,
    /// Do clocks and claims agree with each other?
    pub time: Verdict,
    /// Whether an instrument or a key behind an accepted record is a simulated one.
    pub simulated: bool,
    /// How many accepted records name evidence beside the chain.
    pub evidence_named: u64,
    /// Each chain met, ordered by name.
    pub chains: Vec<ChainSummary>,
    /// What speaks against an answer, and what is worth knowing.
    pub findings: Vec<Finding>,
    /// How many more there were than are kept.
    pub findings_left_out: u64,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Verdict {
    /// Yes.
    Ok,
    /// No.
    Bad {
        /// How many findings say so.
        count: u64,
    },
    /// It cannot be answered from what was given.
    NotChecked {
        /// Why not.
        why: String,
    },
}

/// One chain as it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainSummary {
    /// The chain.
    pub chain: ChainId,
    /// The agent that writes it.
    pub agent: String,
    /// The smallest number accepted.
    pub first_seq: u64,
    /// The largest number accepted.
    pub last_seq: u64,
    /// The hash of that record.
    pub head: Hash,
    /// How many were accepted.
    pub records: u64,
    /// The last one is a clean end, so silence after it is expected.
    pub clean_end: bool,
    /// What the newest valid receipt covers.
    pub receipted_upto: Option<u64>,
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The question it bears on.
    pub question: Question,
    /// What, as a stable word.
    pub code: Code,
    /// In which chain, where that is known.
    pub chain: Option<ChainId>,
    /// At which number, where that is known.
    pub seq: Option<u64>,
    /// What, in a sentence with its values.
    pub what: String,
    /// The way out.
    pub way: &'static str,
}

/// What a finding bears on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Signed by a key that may?
    Signature,
    /// One after the other?
    Chain,
    /// All there?
    Completeness,
    /// Clocks and claims agree?
    Time,
    /// Simulated where that is not allowed?
    Simulated,
    /// No question: worth knowing.
    Note,
}

macro_rules! findings {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $question:ident, $way:literal;)*) => {
        /// What was found, as a stable word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All, ordered by question.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable spelling in reports.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it bears on.
            pub const fn question(self) -> Question {
                match self { $(Self::$name => Question::$question,)* }
            }

            /// The way out.
            pub const fn way(self) -> &'static str {
                match self { $(Self::$name => $way,)* }
            }
        }
    };
}

findings! {
    /// Bytes that are no item of this version.
    Malformed = "malformed", Signature, "fetch these bytes again from where they were stored first";
    /// The registry has no such key.
    UnknownKey = "unknown-key", Signature, "add the key to the registry if its enrolment is confirmed";
    /// The key is registered for something else.
    WrongRole = "wrong-role", Signature, "treat as forged: a key has one purpose";
    /// Header and registry name different algorithms.
    WrongAlgorithm = "wrong-algorithm", Signature, "treat as forged";
    /// Signed with the key of another agent.
    WrongAgent = "wrong-agent", Signature, "treat as forged, and look into the agent that owns the key";
    /// Signed with the key of another chain.
    ForeignChain = "foreign-chain", Signature, "treat as forged, and look into the agent that owns the key";
    /// Signed with a key outside its range.
    OutsideRange = "outside-range", Signature, "treat as forged: the key was not valid at this number";
    /// The signature does not fit the bytes.
    BadSignature = "bad-signature", Signature, "fetch these bytes again; if they stay so, they were altered";

    /// `prev` is not the hash of the record before.
    PrevMismatch = "prev-mismatch", Chain, "fetch both records again; if they stay so, one was replaced";
    /// Another record at a number that has one.
    Fork = "fork", Chain, "keep both as evidence: the key signs in two places";
    /// A record that stands after its successors.
    OutOfOrder = "out-of-order", Chain, "sort the stream by sequence number and verify again";
    /// The chain does not begin as its enrolment says.
    Genesis = "genesis", Chain, "compare the enrolment statement with the registry";
    /// A receipt names another record at its number.
    ReceiptMismatch = "receipt-mismatch", Chain, "keep both as evidence: the centre holds another chain";
    /// A key-rotate record whose new key is not proven, or used elsewhere.
    BadRotation = "bad-rotation", Chain, "look into the agent: the key before stays in force, what the new one signs is forged";
    /// A head of the log older than one that the chain named before.
    AnchorBackwards = "anchor-backwards", Chain, "look for a restored disk image, or a centre that went back";
    /// Two roots of the centre's log at one size, or a log that got smaller.
    LogMismatch = "log-mismatch", Chain, "keep both as evidence: the centre shows different histories, or the record names a false one";
    /// A second chain of an agent that nobody allowed.
    ResetUnproven = "reset-unproven", Chain, "add the statement that allowed the reset to the registry, or treat the chain as forged";

    /// Numbers without a record.
    Gap = "gap", Completeness, "ask the agent, or the centre, for these numbers";
    /// A receipt covers numbers beyond the last record.
    ReceiptBeyond = "receipt-beyond", Completeness, "fetch the rest of the chain from the centre";
    /// Poll slots neither measured nor explained.
    Slots = "slots", Completeness, "look into the agent: it owes a reason for each of these slots";
    /// No sign of life for too long within a start that has heartbeats.
    Silence = "silence", Completeness, "look into the agent: it owes a record a minute while it runs";
    /// Evidence that a record names is not where evidence is kept.
    EvidenceMissing = "evidence-missing", Completeness, "fetch the evidence from the agent or the centre; its content has to have this hash";

    /// A smaller start count after a larger one.
    BootBackwards = "boot-backwards", Time, "look for a restored disk image";
    /// The monotonic clock went back within one start.
    MonoBackwards = "mono-backwards", Time, "look into the host: its monotonic clock is broken";
    /// Two claims of synchronised time contradict each other by more than their error bounds.
    WallContradiction = "wall-contradiction", Time, "take the wall times from here on as not known";
    /// A quality that the named source cannot give.
    QualitySource = "quality-source", Time, "take the wall time as not known";
    /// A wall time from before this format existed, claimed to be known.
    BeforeFormat = "before-format", Time, "take the wall time as not known";
    /// A claim to be younger than its own receipt.
    AfterReceipt = "after-receipt", Time, "trust the time of the receipt";

    /// A simulated record before a production registry.
    Simulated = "simulated", Simulated, "keep it out of statistics, and ask why it was sent here";

    /// The stream ends and nothing says that the chain does.
    OpenEnd = "open-end", Note, "newer records may exist: give the newest receipt to be sure";
    /// A start that followed no clean end.
    UncleanStart = "unclean-start", Note, "none needed: the recovery record says what was found";
    /// The registry does not name the enrolment statement.
    GenesisUnproven = "genesis-unproven", Note, "add the hash of the statement to the registry";
    /// The chain replaces another one.
    ChainReset = "chain-reset", Note, "none needed: ask whoever signed the statement if in doubt";
    /// Records name evidence, and no place of evidence was given.
    EvidenceNotGiven = "evidence-not-given", Note, "give the folder of evidence to have it checked too";
    /// Heads of the log are there, but not those that records name.
    AnchorUnproven = "anchor-unproven", Note, "give all heads of the centre to have the anchors checked too";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl Report {
    /// Whether anything speaks against the records. Questions that could not be checked do not.
    pub fn is_bad(&self) -> bool {
        let answers = [&self.signature, &self.chain, &self.completeness, &self.time];
        let simulated = self.findings.iter().any(|it| it.question == Question::Simulated);
        simulated || answers.into_iter().any(|it| matches!(it, Verdict::Bad { .. }))
    }
}
