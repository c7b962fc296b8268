//! Names of one specimen: typed by the operator, read by the bench.

use tidewaiter_screening::inspection::Identity;

/// Source of an identity that the operator typed.
pub(crate) const MANUAL: &str = "manual";
/// Source of an identity that an instrument read.
pub(crate) const READ: &str = "read";

/// Identities of one specimen: typed by the operator, read by the bench, and room for a second reading.
const IDENTITIES: usize = 4;

/// What the operator typed, as an identity.
pub(crate) fn typed(kind: &str, text: &str) -> Identity {
    Identity { kind: kind.to_owned(), text: text.to_owned(), source: MANUAL.to_owned(), confidence: None }
}

/// Adds an identity. The operator's number and the bench's barcode stand side by side; two different barcodes
/// are ambiguous.
pub(crate) fn name(identities: &mut Vec<Identity>, mut identity: Identity) {
    if identities.iter().any(|known| known.text == identity.text) {
        return;
    }
    if identity.source == READ {
        for other in identities.iter_mut().filter(|known| known.source != MANUAL) {
            "ambiguous".clone_into(&mut other.source);
            "ambiguous".clone_into(&mut identity.source);
        }
    }
    if identities.len() < IDENTITIES {
        identities.push(identity);
    }
}
