//! The clock service: passes on what the kernel says of its wall clock to whoever connects to a unix socket.
//!
//! The kernel knows asking it (`adjtimex(2)`) only together with setting it, so a sandbox that keeps an agent from setting the
//! clock keeps it from asking too. This is the part that asks: a process of its own without network, files, devices or keys.
//! It reads nothing from who connects; a connection is the question, and gets one [`Word`](super::word::Word) and the end:
//!
//! ```text
//! connect ─► {"v":1,"mono_ms":…,"state":0,"status":8193,…}\n ─► closed
//! ```

use std::{
    io::{self, Write as _},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    time::Duration,
};

use rustix::net::{
    AddressFamily,
    sockopt::{Timeout, set_socket_timeout, socket_acceptconn, socket_domain},
};
use thiserror::Error;

use super::system;

/// Longest wait for somebody who asks, before `between` is called again.
const ROUND: Duration = Duration::from_secs(5);

/// Why the service does not serve.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// Not handed over as it must be.
    #[error(
        "standard input is not a listening unix socket; a service unit hands one over with StandardInput=socket, see tidewaiter-clock.service"
    )]
    NoSocket,
    /// The kernel may not be asked here either.
    #[error("the kernel may not be asked for its clock: {0}")]
    Refused(#[source] io::Error),
    /// Nobody can connect any more.
    #[error("the socket of the clock service: {0}")]
    Socket(#[source] io::Error),
}

/// Takes the listening unix socket that the service manager hands over as `handed`.
///
/// # Errors
///
/// It is none.
pub fn listener(handed: impl AsFd) -> Result<UnixListener, ServiceError> {
    let handed = handed.as_fd();
    let listens = socket_acceptconn(handed).unwrap_or(false);
    if !listens || socket_domain(handed).ok() != Some(AddressFamily::UNIX) {
        return Err(ServiceError::NoSocket);
    }
    handed.try_clone_to_owned().map(UnixListener::from).map_err(ServiceError::Socket)
}

/// Answers until something fails; calls `between` after each answer, and every few seconds without one.
///
/// # Errors
///
/// Always: it ends for no other reason.
pub fn serve(listener: &UnixListener, mut between: impl FnMut()) -> Result<std::convert::Infallible, ServiceError> {
    // Refused from the start, it is not to look as if it served.
    system::word().map_err(ServiceError::Refused)?;
    listener.set_nonblocking(false).map_err(ServiceError::Socket)?;
    set_socket_timeout(listener, Timeout::Recv, Some(ROUND)).map_err(|why| ServiceError::Socket(why.into()))?;
    loop {
        between();
        match listener.accept() {
            Ok((asked, _)) => answer(asked),
            Err(why) if is_passing(&why) => {}
            Err(why) => return Err(ServiceError::Socket(why)),
        }
    }
}

fn is_passing(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted)
}

/// One answer. Who does not take it, or has gone, has asked for nothing; no answer says that nobody vouches.
fn answer(mut asked: UnixStream) {
    // A hundred bytes into an empty buffer; whatever it is that blocks, it must not hold up the next one.
    if asked.set_nonblocking(true).is_ok()
        && let Ok(word) = system::word()
    {
        let _ = asked.write_all(word.line().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{io::Read as _, os::fd::OwnedFd, thread};

    use super::{super::word::Word, *};

    #[test]
    fn each_connection_gets_one_word_and_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        // As the service manager hands it over.
        let handed = OwnedFd::from(UnixListener::bind(&path).unwrap());
        let listener = listener(&handed).unwrap();
        // Ends with the test.
        thread::spawn(move || serve(&listener, || ()).map(|_| ()));
        // Who goes away unanswered, or talks, holds up nobody.
        drop(UnixStream::connect(&path).unwrap());
        let mut talker = UnixStream::connect(&path).unwrap();
        let _ = talker.write_all(&[b'x'; 4096]);
        for _ in 0..300 {
            let mut line = Vec::new();
            UnixStream::connect(&path).unwrap().read_to_end(&mut line).unwrap();
            Word::read(&line).unwrap();
        }
    }

    #[test]
    fn only_a_listening_unix_socket_is_served() {
        let (pair, _other) = UnixStream::pair().unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let file = tempfile::tempfile().unwrap();
        for handed in [pair.as_fd(), tcp.as_fd(), file.as_fd()] {
            assert!(matches!(listener(handed), Err(ServiceError::NoSocket)));
        }
    }
}
