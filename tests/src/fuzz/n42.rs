//! N42 documents.

use tidewaiter_n42::{bounds, check, read, write};

/// The reader, the rules between elements, and the writer behind them.
///
/// # Panics
///
/// When one of them breaks a promise.
pub fn n42(bytes: &[u8]) {
    let found = match read(bytes) {
        Ok(found) => found,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(bytes.len() <= bounds::MAX_DOCUMENT_BYTES);
    assert!(check(&found.document, None).len() <= bounds::MAX_BREACHES);
    // Numbers that are not numbers equal nothing, so the writing is compared.
    let Ok(written) = write(&found.document) else { return };
    let again = read(written.as_bytes()).unwrap_or_else(|error| panic!("own document: {error}\n{written}"));
    assert_eq!(write(&again.document).as_deref().ok(), Some(written.as_str()));
}
