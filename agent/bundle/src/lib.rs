//! A case in one file: the records asked for, the chain around them, and what is needed to check them without us.
//!
//! ```text
//! manifest.json          what is in here: every file with its size and SHA-256 (format below)
//! README.txt             how to check it offline
//! statement.cbor         the agent's enrolment statement, where it is at hand
//! records.cborseq        records first_seq … last_seq of one chain, as signed (RFC 8742)
//! receipts.cborseq       receipts of the centre over them
//! heads.cborseq          signed heads of the centre's log
//! proofs/<seq>.cbor      that a record is in that log
//! nodes.json             what the centre found by the seals of instrument nodes, by record
//! evidence/<sha256>      contents that records name
//! tables/<sha256>.toml   limit tables that records name
//! plans/<sha256>.toml    monitoring plans that records name
//! registry.json          the registry's entries for the keys involved: for reading, never for checking
//! report.zh-CN.txt, report.en.txt
//! ```
//!
//! A plain tar file (POSIX ustar), in this order. Files that are not at hand are left out; the manifest says what there is.
//!
//! The manifest is not signed and proves nothing: it finds damage. What is proved is proved by the records, the receipts and
//! the checker's **own** registry. A checker that believed the registry inside would believe whoever made the file. What stands
//! in `nodes.json` is the maker's word, since the keys of nodes are with the centre alone.
//!
//! A file of a kind that a reader does not know is passed over, so kinds can be added without another version.
//!
//! In: bytes and a [`Case`]. Out: bytes, or [`Checked`]. Reading stores is for the agent and the centre.

mod case;
mod check;
mod manifest;
mod nodes;
mod report;

pub use case::{Case, CaseError, MAX_BYTES, MAX_RECORDS, about};
pub use check::{CheckError, Checked, Damage, check, is_bundle};
pub use manifest::{FileEntry, Manifest, VERSION};
pub use nodes::{NodeFinding, NodeName, NodeRecord};
pub use report::node_lines;
