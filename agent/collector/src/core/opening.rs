//! From bytes to a record that its registered key has signed, or the finding against it.

use tidewaiter_record::{
    ChainId, Detail, Hash, Record, Registry, RegistryClass, Role, SignatureError, parse, verify_signature,
};

use crate::finding::{Bad, Finding};

/// Number of the kind genesis.
const GENESIS: u64 = 0;

/// A record whose signature holds.
pub(super) struct Opened {
    pub(super) agent: String,
    pub(super) chain: ChainId,
    pub(super) seq: u64,
    pub(super) prev: Hash,
    pub(super) hash: Hash,
    /// What record 0 must name as its predecessor, where the registry says it.
    pub(super) genesis_prev: Option<Hash>,
    /// What is wrong with it as the record at its place of a chain, whatever its neighbours are.
    pub(super) misplaced: Option<String>,
    /// What speaks against its answer.
    pub(super) findings: Vec<Finding>,
    pub(super) record: Record,
}

/// Opens a message that came on the topic of `topic_agent`.
///
/// # Errors
///
/// The finding, and what the record claims to be where it could be read that far.
pub(super) fn open(
    topic_agent: &str,
    bytes: &[u8],
    registry: &Registry,
) -> Result<Opened, (Finding, Option<(ChainId, u64)>)> {
    let record = parse(bytes).map_err(|it| (Finding::new(Bad::Malformed, it.to_string()), None))?;
    let (chain, seq) = (record.header.chain, record.header.seq);
    let claimed = Some((chain, seq));
    if record.header.agent != topic_agent {
        let detail = format!("the topic says agent {topic_agent:?}, the record is issued by {:?}", record.header.agent);
        return Err((Finding::new(Bad::TopicMismatch, detail), claimed));
    }
    let key = verify_signature(&record, registry).map_err(|it| (Finding::new(cause(&it), it.to_string()), claimed))?;
    let mut findings = Vec::new();
    if registry.class() == RegistryClass::Production && (record.simulated() || key.simulated) {
        let detail = "a simulated instrument stands behind it, and the registry is of class production";
        findings.push(Finding::new(Bad::Simulated, detail));
    }
    Ok(Opened {
        agent: record.header.agent.clone(),
        chain,
        seq,
        prev: record.header.prev,
        hash: record.hash(),
        genesis_prev: registry.statement_of(chain),
        misplaced: misplaced(&record),
        findings,
        record,
    })
}

/// A chain begins with a genesis that repeats its enrolment statement, and begins once.
fn misplaced(record: &Record) -> Option<String> {
    let header = &record.header;
    match (&record.body.detail, header.seq) {
        (Detail::Genesis(genesis), 0) if genesis.statement != header.prev => {
            Some(format!("genesis names statement {}, its predecessor is {}", genesis.statement, header.prev))
        }
        // By number: the content of a genesis may be younger than this build.
        (detail, 0) if detail.kind() != GENESIS => {
            Some(format!("record 0 is a {}, a chain begins with a genesis", detail.word()))
        }
        (detail, seq @ 1..) if detail.kind() == GENESIS => {
            Some(format!("record {seq} is a genesis, a chain begins once"))
        }
        _ => None,
    }
}

/// Whether the registry has a record key of this agent.
pub(super) fn is_registered(registry: &Registry, agent: &str) -> bool {
    registry.keys().any(|it| it.role == Role::Agent && it.agent == agent)
}

/// The cause in our words.
pub(crate) fn cause(error: &SignatureError) -> Bad {
    match error {
        SignatureError::UnknownKey(_) => Bad::UnknownKey,
        SignatureError::BadSignature(_) => Bad::Signature,
        SignatureError::WrongRole { .. }
        | SignatureError::WrongAlgorithm { .. }
        | SignatureError::WrongAgent { .. }
        | SignatureError::ForeignChain { .. }
        | SignatureError::OutsideRange { .. } => Bad::KeyNotFor,
    }
}
