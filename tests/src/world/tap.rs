//! Listens to what the agent sends on its Modbus connections, so that a test can say what it never sent.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tidewaiter_agent::acquire::PortStream;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// One request, cut by hand from its MBAP frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who was asked.
    pub instrument: String,
    /// Unit id.
    pub unit: u8,
    /// Function code.
    pub function: u8,
    /// What follows it.
    pub data: Vec<u8>,
}

/// All requests so far.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Vec<Asked>>);

impl Heard {
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A connection that is listened to.
#[derive(Debug)]
pub(super) struct Tap {
    stream: DuplexStream,
    heard: Arc<Heard>,
    instrument: String,
    bytes: Vec<u8>,
}

impl Tap {
    pub(super) fn new(stream: DuplexStream, heard: Arc<Heard>, instrument: &str) -> Self {
        Self { stream, heard, instrument: instrument.to_owned(), bytes: Vec::new() }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        while let Some(&[_, _, _, _, high, low, unit]) = self.bytes.first_chunk::<7>() {
            let length = 6 + usize::from(u16::from_be_bytes([high, low]));
            let Some(frame) = self.bytes.get(..length) else { return };
            let Some((function, data)) = frame.get(7..).and_then(<[u8]>::split_first) else { return };
            let asked = Asked { instrument: self.instrument.clone(), unit, function: *function, data: data.to_vec() };
            self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
            self.bytes.drain(..length);
        }
    }
}

impl PortStream for Tap {
    fn discard_input(&mut self) -> io::Result<()> {
        self.stream.discard_input()
    }
}

impl AsyncRead for Tap {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.hear(bytes.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
