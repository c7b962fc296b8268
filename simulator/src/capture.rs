//! Bytes of a port with their times: written down, and played back.
//!
//! A capture is two files. `NAME` holds the bytes and nothing else, so that `tidewaiter listen --file NAME` reads it. Beside it,
//! `NAME.times` has a line for each piece that came: milliseconds since the first byte, a blank, how many bytes. A capture
//! without times (from another tool) is played at a line speed.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Bytes read at once.
const PIECE: usize = 4096;
/// Largest capture: an hour at 115200 Bd, as `tidewaiter listen` reads.
const MOST: u64 = 64 << 20;
/// Clients at once.
const MOST_CLIENTS: usize = 8;
/// Bits on the line for a byte: start, eight, stop.
const BITS: u64 = 10;

/// Why a capture cannot be made or played.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The port fails.
    #[error("{target}: {source}")]
    Port {
        /// Which.
        target: String,
        /// Why.
        source: io::Error,
    },
    /// Times and bytes do not belong together.
    #[error("{}:{line}: {what}; leave the file away to play at a line speed", path.display())]
    Times {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It is no address.
    #[error("{0:?} is no port; write tcp://HOST:PORT or serial:///dev/…?baud=9600")]
    Target(String),
    /// There is nothing in it.
    #[error("{}: empty, there is nothing to play", .0.display())]
    Empty(PathBuf),
}

fn file(path: &Path) -> impl Fn(io::Error) -> CaptureError {
    let path = path.to_owned();
    move |source| CaptureError::File { path: path.clone(), source }
}

/// The file of times beside a capture.
fn times_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".times");
    PathBuf::from(name)
}

/// Writes what `target` sends into `path` until `until` is over or the port ends; returns how many bytes.
///
/// Only listens. An existing file is not overwritten.
///
/// # Errors
///
/// When port or file fail.
pub async fn record(target: &str, path: &Path, until: impl Future<Output = ()>) -> Result<u64, CaptureError> {
    let port = |source| CaptureError::Port { target: target.to_owned(), source };
    let mut stream: Box<dyn AsyncRead + Send + Unpin> = if let Some(address) = target.strip_prefix("tcp://") {
        Box::new(TcpStream::connect(address).await.map_err(port)?)
    } else if let Some(line) = target.strip_prefix("serial://") {
        let (device, query) = line.split_once('?').unwrap_or((line, ""));
        let baud = query.split('&').find_map(|it| it.strip_prefix("baud=")).unwrap_or("9600");
        let baud: u32 = baud.parse().map_err(|_| CaptureError::Target(target.to_owned()))?;
        let opened = tokio_serial::SerialStream::open(&tokio_serial::new(device, baud));
        Box::new(opened.map_err(|why| port(io::Error::other(why)))?)
    } else {
        return Err(CaptureError::Target(target.to_owned()));
    };
    let mut bytes = File::create_new(path).map_err(file(path))?;
    let times_path = times_of(path);
    let mut times = File::create(&times_path).map_err(file(&times_path))?;
    let (mut piece, mut begun, mut total) = (vec![0; PIECE], None, 0_u64);
    tokio::pin!(until);
    while total < MOST {
        let read = tokio::select! {
            read = stream.read(&mut piece) => read.map_err(port)?,
            () = &mut until => break,
        };
        if read == 0 {
            break;
        }
        let at = begun.get_or_insert_with(Instant::now).elapsed().as_millis();
        bytes.write_all(piece.get(..read).unwrap_or_default()).map_err(file(path))?;
        writeln!(times, "{at} {read}").map_err(file(&times_path))?;
        total += read as u64;
    }
    bytes.sync_all().map_err(file(path))?;
    times.sync_all().map_err(file(&times_path))?;
    Ok(total)
}

/// Pieces of a capture and when they are due, milliseconds from the first.
#[derive(Debug)]
pub struct Playback {
    pieces: Vec<(u64, Vec<u8>)>,
}

impl Playback {
    /// Reads a capture; without times its bytes go at `baud`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is empty, or bytes and times do not belong together.
    pub fn open(path: &Path, baud: u32) -> Result<Self, CaptureError> {
        let size = fs::metadata(path).map_err(file(path))?.len();
        let bytes = fs::read(path).map_err(file(path))?;
        if bytes.is_empty() {
            return Err(CaptureError::Empty(path.to_owned()));
        }
        if size > MOST {
            return Err(CaptureError::File { path: path.to_owned(), source: io::Error::other("larger than 64 MiB") });
        }
        let times = times_of(path);
        let pieces = match fs::read_to_string(&times) {
            Ok(text) => timed(&bytes, &text, &times)?,
            Err(why) if why.kind() == io::ErrorKind::NotFound => paced(&bytes, baud),
            Err(why) => return Err(file(&times)(why)),
        };
        Ok(Self { pieces })
    }

    /// How long it lasts.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_millis(self.pieces.last().map_or(0, |(at, _)| *at))
    }

    async fn play(&self, stream: &mut TcpStream, again: bool) -> io::Result<()> {
        loop {
            let begun = Instant::now();
            for (at, bytes) in &self.pieces {
                sleep_until(begun + Duration::from_millis(*at)).await;
                stream.write_all(bytes).await?;
            }
            if !again {
                return stream.shutdown().await;
            }
            // A file of one piece would otherwise be sent as fast as the network takes it.
            sleep_until(begun + self.length().max(Duration::from_secs(1))).await;
        }
    }
}

fn timed(bytes: &[u8], text: &str, path: &Path) -> Result<Vec<(u64, Vec<u8>)>, CaptureError> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for (line, words) in text.lines().enumerate() {
        let wrong = |what: &str| CaptureError::Times { path: path.to_owned(), line: line + 1, what: what.to_owned() };
        let numbers = words.split_once(' ').and_then(|(at, size)| Some((at.parse().ok()?, size.trim().parse().ok()?)));
        let (at, size): (u64, usize) = numbers.ok_or_else(|| wrong("not `MILLISECONDS BYTES`"))?;
        let (piece, after) = rest.split_at_checked(size).ok_or_else(|| wrong("more bytes than the capture has"))?;
        pieces.push((at, piece.to_vec()));
        rest = after;
    }
    if !rest.is_empty() {
        let what = format!("{} bytes of the capture have no time", rest.len());
        return Err(CaptureError::Times { path: path.to_owned(), line: text.lines().count(), what });
    }
    Ok(pieces)
}

/// A line sends byte by byte; pieces of a twentieth of a second look the same to a reader.
fn paced(bytes: &[u8], baud: u32) -> Vec<(u64, Vec<u8>)> {
    let per_second = (u64::from(baud) / BITS).max(1);
    let size = usize::try_from((per_second / 20).max(1)).unwrap_or(usize::MAX);
    let step = (size as u64).saturating_mul(1000) / per_second;
    bytes.chunks(size).zip(0_u64..).map(|(piece, number)| (number * step, piece.to_vec())).collect()
}

/// Plays `playback` to every client of `listener` from its beginning, until dropped.
///
/// # Errors
///
/// When no client can be accepted any more.
pub async fn replay(listener: TcpListener, playback: Playback, again: bool) -> io::Result<()> {
    let playback = Arc::new(playback);
    let mut clients = JoinSet::new();
    loop {
        let (mut stream, peer): (TcpStream, SocketAddr) = listener.accept().await?;
        while clients.try_join_next().is_some() {}
        if clients.len() >= MOST_CLIENTS {
            tracing::warn!(%peer, "refused: {MOST_CLIENTS} clients already");
            continue;
        }
        let playback = Arc::clone(&playback);
        clients.spawn(async move {
            let _ = stream.set_nodelay(true);
            if let Err(error) = playback.play(&mut stream, again).await {
                tracing::debug!(%error, %peer, "client has gone");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_and_bytes_must_belong_together() {
        let path = Path::new("x.times");
        assert_eq!(timed(b"abc", "0 1\n20 2\n", path).unwrap(), [(0, b"a".to_vec()), (20, b"bc".to_vec())]);
        for wrong in ["0 4\n", "0 1\n", "0\n", "x 3\n"] {
            assert!(timed(b"abc", wrong, path).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn without_times_the_line_speed_paces() {
        let pieces = paced(&[0; 960], 9600);
        assert_eq!(pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>(), 960);
        assert_eq!(pieces.last().unwrap().0, 950, "960 bytes take a second at 9600 Bd");
    }

    #[tokio::test]
    async fn what_is_recorded_is_played_back() {
        let folder = tempfile::tempdir().unwrap();
        let first = folder.path().join("first.bin");
        fs::write(&first, b"ST,+0012.50kg\r\n").unwrap();
        fs::write(times_of(&first), "0 5\n30 10\n").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("tcp://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(replay(listener, Playback::open(&first, 9600).unwrap(), false));
        let second = folder.path().join("second.bin");
        let total = record(&target, &second, std::future::pending()).await.unwrap();
        server.abort();
        assert_eq!(total, 15);
        assert_eq!(fs::read(&second).unwrap(), fs::read(&first).unwrap());
        assert!(Playback::open(&second, 9600).unwrap().length() >= Duration::from_millis(20), "the pause is kept");
    }
}
