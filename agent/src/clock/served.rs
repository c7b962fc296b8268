//! The clocks of this machine for an agent in a sandbox, which may not ask the kernel whether somebody keeps its clock: it asks
//! the clock service, which may ([`super::service`]).
//!
//! No answer, a late one, an old one, or one that is not understood: nobody vouches.

use std::{
    io::{self, Read as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use thiserror::Error;
use tidewaiter_drivers::reading::Moment;
use tracing::{info, warn};

use super::{
    Clock, Host, Kernel, SystemClock, system,
    word::{Word, WordError},
};

/// Where the clock service listens, as its units have it.
pub const SOCKET: &str = "/run/tidewaiter-clock/socket";
/// Longest wait for an answer: the keeper waits for it before it seals.
const DEADLINE: Duration = Duration::from_millis(250);
/// How long a service that did not answer is not asked again.
const PAUSE_MS: u64 = 2000;
/// Longest answer that is read.
const LONGEST: u64 = 1024;

/// Why the clock service did not answer.
#[derive(Debug, Error)]
pub enum Unanswered {
    /// Not to be reached, or too late.
    #[error("{path}: {why}", path = path.display())]
    Line {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        why: io::Error,
    },
    /// It took the question and said nothing, or not all of it.
    #[error(
        "the clock service at {path} closed the connection {said}; see what it says of that, journalctl -u tidewaiter-clock, and start it \
         again, systemctl restart tidewaiter-clock", path = path.display(),
        said = if *bytes == 0 { "without an answer" } else { "in the middle of its answer" }
    )]
    Closed {
        /// The socket.
        path: PathBuf,
        /// How much had come.
        bytes: usize,
    },
    /// Not understood.
    #[error(transparent)]
    Word(#[from] WordError),
    /// The kernel was not asked between the question and now.
    #[error("the answer is of {found_ms} ms after the start of the machine, the question was put at {asked_ms} ms")]
    Stale {
        /// When the kernel was asked, `CLOCK_BOOTTIME`.
        found_ms: u64,
        /// When the question was put.
        asked_ms: u64,
    },
    /// It did not answer a moment ago, and is not asked again yet.
    #[error("did not answer a moment ago")]
    Pausing,
}

/// Who gave the kernel's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The kernel itself.
    Kernel,
    /// The clock service.
    Service,
}

/// The clocks of this machine; where the kernel may not be asked how it keeps its own, the clock service is.
#[derive(Debug)]
pub struct ServedClock {
    socket: PathBuf,
    own: fn() -> io::Result<Word>,
    door: Mutex<Door>,
}

/// What is known of the service.
#[derive(Debug, Default)]
struct Door {
    /// It did not answer then, `CLOCK_BOOTTIME`.
    silent_ms: Option<u64>,
    /// Whether it answered when that was last logged.
    logged: Option<bool>,
}

impl ServedClock {
    /// Asks the kernel, and the service at `socket` where that is refused.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), own: system::word, door: Mutex::default() }
    }

    /// The kernel's word, and who gave it.
    ///
    /// # Errors
    ///
    /// The kernel may not be asked, and the service did not answer.
    pub fn word(&self) -> Result<(Word, Source), Unanswered> {
        if let Ok(word) = (self.own)() {
            return Ok((word, Source::Kernel));
        }
        let asked_ms = SystemClock.now().mono_ms;
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        if door.silent_ms.is_some_and(|since| asked_ms.saturating_sub(since) < PAUSE_MS) {
            return Err(Unanswered::Pausing);
        }
        let answer = ask(&self.socket, asked_ms);
        door.silent_ms = answer.is_err().then(|| SystemClock.now().mono_ms);
        let before = door.logged.replace(answer.is_ok());
        match &answer {
            Ok(_) if before != Some(true) => info!(socket = %self.socket.display(), "the clock service is asked"),
            Err(why) if before != Some(false) => {
                warn!(%why, "the clock service does not answer: nobody vouches for the time");
            }
            _ => {}
        }
        answer.map(|word| (word, Source::Service))
    }
}

impl Clock for ServedClock {
    fn now(&self) -> Moment {
        SystemClock.now()
    }

    fn kernel(&self) -> Kernel {
        let told = self.word().map(|(word, _)| word.told()).unwrap_or_default();
        Kernel { asleep_ms: system::asleep_ms(), ..told }
    }

    fn host(&self) -> Host {
        SystemClock.host()
    }
}

/// Asks the service once, at `asked_ms`.
fn ask(path: &Path, asked_ms: u64) -> Result<Word, Unanswered> {
    let line = line(path).map_err(|why| Unanswered::Line { path: path.to_owned(), why })?;
    if !line.ends_with(b"\n") && (line.len() as u64) < LONGEST {
        return Err(Unanswered::Closed { path: path.to_owned(), bytes: line.len() });
    }
    let word = Word::read(&line)?;
    // Whoever answers, it is the kernel's word of now: not one kept from before, and not one from another machine.
    if !(asked_ms..=SystemClock.now().mono_ms).contains(&word.mono_ms) {
        return Err(Unanswered::Stale { found_ms: word.mono_ms, asked_ms });
    }
    Ok(word)
}

fn line(path: &Path) -> io::Result<Vec<u8>> {
    let until = Instant::now() + DEADLINE;
    // A service that takes no connections lets them queue; a full queue must not be waited for.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    let mut line = Vec::new();
    let mut part = [0; 256];
    let mut rest = (&stream).take(LONGEST);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match rest.read(&mut part) {
            Ok(0) => return Ok(line),
            Ok(count) => line.extend(part.iter().take(count)),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            Err(why) => return Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{io::Write as _, os::unix::net::UnixListener, thread};

    use rtime_clock::adjtime::Timex;

    use super::{super::service, *};

    fn refused() -> io::Result<Word> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    /// A clock in a sandbox, asking at `socket`.
    fn sandboxed(socket: &Path) -> ServedClock {
        ServedClock { own: refused, ..ServedClock::new(socket) }
    }

    /// What a kept clock says.
    fn kept(mono_ms: u64) -> Word {
        let mut timex = Timex::default();
        (timex.0.status, timex.0.maxerror, timex.0.tick) = (0x2001, 2_500, 10_000);
        Word::new(mono_ms, 0, &timex)
    }

    type Answer = Box<dyn Fn(UnixStream) + Send>;

    /// A service that says `answer` to each question.
    fn served(path: &Path, answer: impl Fn(UnixStream) + Send + 'static) {
        let listener = UnixListener::bind(path).unwrap();
        // Ends with the test.
        thread::spawn(move || listener.incoming().flatten().for_each(answer));
    }

    #[test]
    fn in_a_sandbox_the_service_s_word_counts_as_the_kernel_s_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        served(&path, |mut asked| {
            let _ = asked.write_all(kept(SystemClock.now().mono_ms).line().as_bytes());
        });
        let clock = sandboxed(&path);
        assert_eq!(clock.kernel().synchronised, Some(3));
        assert_eq!(clock.word().unwrap().1, Source::Service);
        assert_eq!(ServedClock::new(&path).word().unwrap().1, Source::Kernel, "who may ask asks nobody else");
    }

    #[test]
    fn the_real_service_says_what_the_kernel_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || service::serve(&listener, || ()).map(|_| ()));
        let (through, own) = (sandboxed(&path).kernel(), SystemClock.kernel());
        assert_eq!((through.leap, through.slewing), (own.leap, own.slewing));
        // The bound grows by 0.5 ms a second between the two questions.
        let far = through.synchronised.zip(own.synchronised).map(|(a, b)| a.abs_diff(b));
        assert!(through.synchronised.is_some() == own.synchronised.is_some() && far.is_none_or(|it| it < 100));
    }

    #[test]
    fn without_a_good_answer_nobody_vouches() {
        let dir = tempfile::tempdir().unwrap();
        let says = |text: fn() -> String| -> Answer {
            Box::new(move |mut asked| {
                let _ = asked.write_all(text().as_bytes());
            })
        };
        let rows: Vec<(&str, Option<Answer>)> = vec![
            ("nobody listens", None),
            ("gone at once", Some(Box::new(drop))),
            // Held open, never answered.
            ("silent", Some(Box::new(|asked| drop(thread::spawn(move || (thread::park(), asked)))))),
            ("garbage", Some(says(|| "synchronised\n".to_owned()))),
            ("half a line", Some(says(|| kept(SystemClock.now().mono_ms).line().split_at(40).0.to_owned()))),
            ("too long", Some(says(|| format!("{}{}", " ".repeat(1024), kept(SystemClock.now().mono_ms).line())))),
            ("kept from before", Some(says(|| kept(SystemClock.now().mono_ms.saturating_sub(60_000)).line()))),
            ("of another machine", Some(says(|| kept(SystemClock.now().mono_ms + 60_000).line()))),
        ];
        for (name, answer) in rows {
            let path = dir.path().join(name);
            if let Some(answer) = answer {
                served(&path, answer);
            }
            let clock = sandboxed(&path);
            let found = clock.word();
            assert!(found.is_err(), "{name}: {found:?}");
            assert_eq!(clock.kernel().synchronised, None, "{name}");
            // Asked in vain once, it is left alone for a while: sealing must not wait for it each time.
            assert!(matches!(clock.word(), Err(Unanswered::Pausing)), "{name}");
        }
    }

    #[test]
    fn a_service_that_closes_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        for (name, said, what) in
            [("dumb", "", "without an answer"), ("half", "{\"v\":1,", "in the middle of its answer")]
        {
            let path = dir.path().join(name);
            served(&path, move |mut asked| {
                let _ = asked.write_all(said.as_bytes());
            });
            let why = sandboxed(&path).word().unwrap_err().to_string();
            for word in [path.to_str().unwrap(), what, "journalctl -u tidewaiter-clock", "systemctl restart"] {
                assert!(why.contains(word), "{why}");
            }
            assert!(!why.contains("EOF"), "{why}");
        }
    }

    #[test]
    fn a_service_that_comes_back_vouches_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let clock = sandboxed(&path);
        assert_eq!(clock.kernel().synchronised, None);
        served(&path, |mut asked| {
            let _ = asked.write_all(kept(SystemClock.now().mono_ms).line().as_bytes());
        });
        // As if the pause were over.
        clock.door.lock().unwrap().silent_ms = Some(SystemClock.now().mono_ms.saturating_sub(PAUSE_MS));
        assert_eq!(clock.kernel().synchronised, Some(3));
    }

    #[test]
    fn a_full_queue_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        // Takes no connection, and lets few queue.
        let listener = UnixListener::bind(&path).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        let mut queued = Vec::new();
        for _ in 0..64 {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
            if connect(&socket, &SocketAddrUnix::new(&path).unwrap()).is_err() {
                break;
            }
            queued.push(socket);
        }
        assert!(matches!(sandboxed(&path).word(), Err(Unanswered::Line { .. })));
    }
}
