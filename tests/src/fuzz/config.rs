//! Site files, limit tables, programmes, declarations and profiles; and line profiles as decoders.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use tidewaiter_config::{
    Report, declarations, limits,
    profile::{self, LineProfile, Profile},
    site_from_str,
};

use super::stream::{Reread, readings};

/// A folder that is not there: a site file of this target finds nothing beside itself.
const NOWHERE: &str = "/nonexistent/tidewaiter";

/// Most raw bytes of a frame that a line profile may ask for.
const MAX_RAW_BYTES: usize = 4 * 1024;

/// Bytes that every shipped line profile reads; a frame has at most some dozens.
const MAX_STREAM_BYTES: usize = 256;

/// Findings of a report that is drawn. Drawing costs far more than reading, and more of them bring no new paths.
const MAX_RENDERED: usize = 3;

static SHIPPED: LazyLock<Vec<Arc<LineProfile>>> =
    LazyLock::new(|| profile::builtin_lines().into_iter().map(Arc::new).collect());

/// Every reader of configuration over the bytes as text, and every shipped line profile over the bytes as they
/// are.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn config(bytes: &[u8]) {
    // Other bytes never reach these readers: a file that is no UTF-8 is refused when it is opened.
    if let Ok(text) = str::from_utf8(bytes) {
        files(text, bytes);
    }
    for profile in SHIPPED.iter() {
        stream(profile, bytes.get(..MAX_STREAM_BYTES).unwrap_or(bytes));
    }
}

fn files(text: &str, bytes: &[u8]) {
    // Absolute paths would let an invented site file open devices of the machine that runs this.
    if !text.contains("/dev") && !text.contains("/proc") && !text.contains('\\') {
        verdict(text, site_from_str(text, Path::new(NOWHERE)));
    }
    verdict(text, limits::load_str("limits.toml", text));
    verdict(text, limits::load_programme_str("programme.toml", text));
    verdict(text, declarations::load_str("declarations.csv", text));
    if let Some((Profile::Line(profile), _)) = verdict(text, profile::load_any("profile.toml", text)) {
        stream(&Arc::new(profile), bytes);
    }
}

fn stream(profile: &Arc<LineProfile>, bytes: &[u8]) {
    readings(&profile.id, bytes, MAX_RAW_BYTES, Reread::Never, || profile::line::Decoder::new(Arc::clone(profile)));
}

/// What is refused is refused for at least one error, and every finding points into the text and can be shown.
fn verdict<T>(text: &str, read: Result<T, Report>) -> Option<T> {
    let report = match read {
        Ok(read) => return Some(read),
        Err(report) => report,
    };
    assert!(report.has_errors(), "refused without an error");
    for finding in report.findings() {
        assert!(!finding.what.is_empty() && !finding.way_out.is_empty(), "a finding without words: {finding:?}");
        if finding.line > 0 {
            assert!(finding.line <= text.split('\n').count(), "{finding:?} is beyond the text");
            assert!(finding.span.start <= finding.span.end && finding.span.end <= text.len(), "{finding:?}");
        }
    }
    if report.findings().len() <= MAX_RENDERED {
        assert!(!report.render(false).is_empty());
    }
    None
}
