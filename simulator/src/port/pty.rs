//! A serial line without hardware: the instrument's end of a pseudo-terminal.
//!
//! Two habits of a real line are added to the kernel's. Bytes nobody reads are lost and do not wait
//! for the next opener; and the line stays up when the other end closes it, so an agent may come and
//! go. Baud rate and parity are accepted and mean nothing.

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use rustix::{
    fs::{Mode, OFlags},
    io::ioctl_fionread,
    termios::{QueueSelector, ioctl_tiocnxcl, tcflush},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_serial::{SerialPort, SerialStream};

/// Unread bytes after which nobody is listening: a serial driver has a buffer of about this size, and
/// at ten frames of twelve bytes a second it is four seconds.
const UNREAD_BYTES: u64 = 512;

/// The instrument's end; clones are the same line.
#[derive(Clone, Debug)]
pub(crate) struct Pty {
    ends: Arc<Mutex<Ends>>,
    path: PathBuf,
}

#[derive(Debug)]
struct Ends {
    instrument: SerialStream,
    /// The other end, held open so that the line stays up between two users. A bare
    /// descriptor, because a serial port object would lock the device against the agent.
    line: OwnedFd,
}

impl Pty {
    /// Makes a new line.
    ///
    /// # Errors
    ///
    /// When the system has no pseudo-terminal to give.
    pub(crate) fn open() -> io::Result<Self> {
        let (instrument, mut other) = SerialStream::pair()?;
        other.set_exclusive(false)?;
        let path =
            other.name().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "pseudo-terminal without a name"))?;
        // The pair has made the line raw, which lasts as long as someone holds it.
        let line = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        drop(other);
        Ok(Self { ends: Arc::new(Mutex::new(Ends { instrument, line })), path: path.into() })
    }

    /// The device path to open.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncWrite for Pty {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut ends = self.ends();
        // Whoever opened the line may have claimed it for itself; when it is gone the claim must not stay.
        ioctl_tiocnxcl(&ends.line)?;
        if ioctl_fionread(&ends.line)? > UNREAD_BYTES {
            tcflush(&ends.line, QueueSelector::IFlush)?;
        }
        Poll::Ready(match ends.instrument.try_write(bytes) {
            // The kernel's buffer is full: the line loses these bytes.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(bytes.len()),
            other => other,
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Pty {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.ends().instrument).poll_read(context, buffer)
    }
}
