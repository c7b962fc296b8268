//! The seam to the world: what a port can do, and who opens it.

use std::{fmt::Debug, io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tidewaiter_config::site::Link;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    time::timeout,
};

use super::fine_timer::FineTimer;

/// Pause after the first failure to open a port, or a port that brought nothing before it was lost.
pub(super) const FIRST_RETRY: Duration = Duration::from_millis(250);
/// Longest pause: a cable plugged in again is noticed within a quarter of a minute.
pub(super) const MOST_RETRY: Duration = Duration::from_secs(15);
/// No port takes longer to open; an [`Opener`] with a limit of its own should stay below this, so
/// that its more telling error is the one reported.
const OPEN_TIMEOUT: Duration = Duration::from_secs(6);

/// An open port: bytes both ways.
///
/// A read of zero bytes means that the port is lost; it is never polled again after that.
pub trait PortStream: AsyncRead + AsyncWrite + Send + Unpin + Debug {
    /// Throws away what the operating system holds unread.
    ///
    /// # Errors
    ///
    /// When the port is gone.
    fn discard_input(&mut self) -> io::Result<()>;

    /// The timer that keeps the silences of this line, where the runtime's milliseconds are too coarse.
    fn timer(&self) -> Option<Arc<FineTimer>> {
        None
    }
}

/// Opens ports.
pub trait Opener: Send + Sync + 'static {
    /// Opens the port behind `link`. A port that is still held elsewhere is an error, not a share.
    fn open(&self, link: &Link) -> BoxFuture<'static, io::Result<Box<dyn PortStream>>>;
}

/// The in-memory pipe of tests and of the in-process world. It holds nothing that its reader does
/// not see, so there is nothing to throw away beyond what a read returns.
impl PortStream for DuplexStream {
    fn discard_input(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a port within [`OPEN_TIMEOUT`].
pub(super) async fn open(opener: &dyn Opener, link: &Link) -> io::Result<Box<dyn PortStream>> {
    timeout(OPEN_TIMEOUT, opener.open(link)).await.unwrap_or_else(|_| {
        let late = format!("the port did not open within {} s", OPEN_TIMEOUT.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, late))
    })
}
