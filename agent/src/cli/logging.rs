//! Where the log goes.

use std::{env, io::IsTerminal as _};

use tidewaiter_config::site::Site;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::{Failure, LogFormat};

/// Names the device and inode of a stream that leads to the journal (systemd.exec(5)).
const JOURNAL_STREAM: &str = "JOURNAL_STREAM";

/// Begins to log as asked: to standard error, or to the journal with fields of its own.
pub(super) fn begin(format: Option<LogFormat>, filter: &str, site: &Site) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|why| Failure::usage(format!("--log-filter {filter:?}: {why}")))?;
    let format = format.unwrap_or_else(|| if leads_to_journal() { LogFormat::Journal } else { LogFormat::Text });
    let journal = match format {
        LogFormat::Journal => Some(tracing_journald::layer()),
        LogFormat::Text | LogFormat::Json => None,
    };
    if let Some(Ok(journal)) = journal {
        // Fields of events stand beside these: INSTRUMENT, PORT, SEQ, PLACE …
        let journal = journal
            .with_field_prefix(None)
            .with_syslog_identifier("tidewaiter".to_owned())
            .with_custom_fields([("SITE", site.id.as_str()), ("AGENT", site.agent.as_str())]);
        tracing_subscriber::registry().with(filter).with(journal).init();
        return Ok(());
    }
    let stderr = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if format == LogFormat::Json {
        stderr.json().init();
    } else {
        stderr.init();
    }
    if let Some(Err(why)) = journal {
        tracing::warn!(%why, "there is no journal here; logging to standard error");
    }
    Ok(())
}

/// Whether standard error is the very stream that the service manager connected to the journal.
fn leads_to_journal() -> bool {
    let named = env::var(JOURNAL_STREAM).ok();
    let of_stderr = rustix::fs::fstat(std::io::stderr()).ok().map(|it| format!("{}:{}", it.st_dev, it.st_ino));
    named.is_some() && named == of_stderr
}
