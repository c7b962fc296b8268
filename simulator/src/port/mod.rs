//! Where instruments are reached: pseudo-terminals here, TCP from tokio.

mod pty;

pub(crate) use pty::Pty;
