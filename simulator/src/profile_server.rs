//! An instrument made of a profile's own test vectors: what an integrator tries a profile against
//! before the real one is at hand.
//!
//! A register profile answers Modbus TCP, and RTU on a pseudo-terminal, with the vectors' register words
//! at the channels' addresses. A line profile says the vectors' raw bytes, unasked or in answer to its
//! request. Where a channel has several vectors they take turns; vectors that must be refused or ignored
//! are not sent. `warming-up` and `fault` have turns of their own, because a raised one makes every other
//! value unbelievable. A heartbeat counts on from its vector, because an instrument whose heartbeat stands
//! still is broken. The words are never encoded here, so a profile is shown what its document says and
//! not what this program makes of it.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use tidewaiter_config::profile::{
    Fact, LineProfile, Profile, RegisterChannel, RegisterProfile, Vector,
    line::{Expectation, LineVector},
    sealed::block_of,
};
use tidewaiter_drivers::{
    Decimal,
    modbus::{
        register::{Encoding, decode, encode, encode_ascii},
        rtu,
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    port::Pty,
    serve::{
        modbus::{ILLEGAL_ADDRESS, Request, Tables, answer},
        node::Life,
        registers::{Image, read_function},
        stream::{gone, unheard},
    },
    simulation::relink,
};

/// How long each vector of a channel is shown before its next; also the beat of a heartbeat.
const TURN: Duration = Duration::from_secs(1);
/// Channels whose raised bit makes the agent hold back every other value of the instrument.
const HOLDING_BACK: [&str; 2] = ["warming-up", "fault"];
/// One turn in so many is theirs, when a vector raises one of them; otherwise nothing else would be shown.
const HELD_BACK_EVERY: usize = 3;
/// From one unasked line to the next.
const LINE_PERIOD: Duration = Duration::from_millis(500);
/// Silence that ends an RTU request; a pseudo-terminal has no line speed to take 3.5 characters of.
const RTU_SILENCE: Duration = Duration::from_millis(5);
/// Clients at a time: as many as a device usually bears.
const MOST_CLIENTS: usize = 8;
/// Pause after a failed accept or line, so that a lasting fault does not spin.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a profile is not served.
#[derive(Debug, thiserror::Error)]
pub enum ProfileServerError {
    /// There is nothing to show.
    #[error(
        "profile {0} has no vector with a value to show; give it one [[vectors]] with what the instrument sends and shows"
    )]
    Empty(String),
    /// The TCP port cannot be had.
    #[error("cannot listen on {address}; choose another port, 0 picks one")]
    Listen {
        /// Address tried.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The pseudo-terminal or its link cannot be had.
    #[error("cannot make the serial line {path}; choose a writable directory, and /dev/pts must be mounted")]
    Terminal {
        /// Link path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A profile that is served; dropping it closes its ports.
#[derive(Debug)]
pub struct ProfileServer {
    address: SocketAddr,
    /// Link and what it leads to.
    link: Option<(PathBuf, PathBuf)>,
    hidden: Vec<String>,
    _tasks: JoinSet<()>,
}

impl ProfileServer {
    /// Opens a TCP port, and with `dir` a pseudo-terminal with the link `<profile id>.tty` in it.
    ///
    /// Any unit id is answered.
    ///
    /// # Errors
    ///
    /// When the profile has nothing to show, or a port cannot be had.
    pub async fn start(profile: Profile, listen: SocketAddr, dir: Option<&Path>) -> Result<Self, ProfileServerError> {
        let (id, hidden, exhibit) = match profile {
            Profile::Registers(profile) => {
                let exhibit = Registers { profile, begun: OnceLock::new(), life: Life::start() };
                if exhibit.profile.vectors.is_empty() {
                    return Err(ProfileServerError::Empty(exhibit.profile.id));
                }
                (exhibit.profile.id.clone(), exhibit.hidden(), Exhibit::Registers(exhibit))
            }
            Profile::Line(profile) => {
                let lines = Lines::of(profile);
                if lines.said.is_empty() {
                    return Err(ProfileServerError::Empty(lines.profile.id));
                }
                (lines.profile.id.clone(), Vec::new(), Exhibit::Lines(lines))
            }
        };
        let exhibit = Arc::new(exhibit);
        let refuse = |source| ProfileServerError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&exhibit)));
        let mut link = None;
        if let Some(dir) = dir {
            let path = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()).join(format!("{id}.tty"));
            let refuse = |source| ProfileServerError::Terminal { path: path.clone(), source };
            fs::create_dir_all(dir).map_err(refuse)?;
            let terminal = Pty::open().map_err(refuse)?;
            relink(terminal.path(), &path).map_err(refuse)?;
            link = Some((path, terminal.path().to_owned()));
            tasks.spawn(async move {
                loop {
                    if let Err(error) = exhibit.on_line(terminal.clone()).await {
                        tracing::warn!(%error, "serial line failed");
                    }
                    sleep(PAUSE).await;
                }
            });
        }
        Ok(Self { address, link, hidden, _tasks: tasks })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The link to the serial line, when there is one.
    pub fn terminal(&self) -> Option<&Path> {
        self.link.as_ref().map(|(link, _)| link.as_path())
    }

    /// Channels that do not show their vectors, because they have none or another channel has the same registers.
    pub fn hidden(&self) -> &[String] {
        &self.hidden
    }
}

impl Drop for ProfileServer {
    fn drop(&mut self) {
        if let Some((link, target)) = &self.link {
            // Another server may have taken the name over.
            if fs::read_link(link).is_ok_and(|it| it == *target) {
                let _ = fs::remove_file(link);
            }
        }
    }
}

/// Connections end with this task.
async fn accept(listener: TcpListener, exhibit: Arc<Exhibit>) {
    let mut clients = JoinSet::new();
    loop {
        match listener.accept().await {
            // Beyond the limit a device closes at once; the client sees the end of the stream.
            Ok((stream, _)) if clients.len() < MOST_CLIENTS => {
                let exhibit = Arc::clone(&exhibit);
                clients.spawn(async move {
                    // An answer of a few bytes must not wait for the next one.
                    let _ = stream.set_nodelay(true);
                    if let Err(error) = exhibit.on_tcp(stream).await {
                        tracing::warn!(%error, "connection failed");
                    }
                });
            }
            Ok((_, peer)) => tracing::warn!(%peer, "refused: {MOST_CLIENTS} clients already"),
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                sleep(PAUSE).await;
            }
        }
        while clients.try_join_next().is_some() {}
    }
}

/// What is shown.
#[derive(Debug)]
enum Exhibit {
    Registers(Registers),
    Lines(Lines),
}

impl Exhibit {
    async fn on_tcp(&self, stream: TcpStream) -> io::Result<()> {
        gone(match self {
            Self::Registers(it) => it.over_tcp(stream).await,
            Self::Lines(it) => it.speak(stream).await,
        })
    }

    async fn on_line(&self, line: Pty) -> io::Result<()> {
        gone(match self {
            Self::Registers(it) => it.over_rtu(line).await,
            Self::Lines(it) => it.speak(line).await,
        })
    }
}

/// The vectors of a register profile, in its registers.
#[derive(Debug)]
struct Registers {
    profile: RegisterProfile,
    /// The first request for a value.
    begun: OnceLock<Instant>,
    /// Of an instrument that seals its block: numbers, starts and uptime are its own, and not a vector's.
    life: Life,
}

impl Registers {
    fn vectors(&self, channel: &RegisterChannel) -> Vec<&Vector> {
        self.profile.vectors.iter().filter(|it| it.channel == channel.name).collect()
    }

    /// What a channel's registers hold in this turn; for a bit, that bit alone.
    fn words(&self, channel: &RegisterChannel, turn: usize) -> Option<Vec<u16>> {
        let vectors = self.vectors(channel);
        if channel.heartbeat_polls.is_some() {
            return Some(counted(channel.encoding, &vectors.first()?.registers, turn));
        }
        let (shown, held_back) = self.phase(turn);
        if holds_back(channel) {
            let vector = vectors.iter().find(|it| raises(channel, it)).filter(|_| held_back);
            return vectors.first().map(|_| vector.map_or_else(|| vec![0], |it| bits_of(channel, &it.registers)));
        }
        let words = &vectors.get(shown.checked_rem(vectors.len())?)?.registers;
        Some(bits_of(channel, words))
    }

    /// Which vector of each channel has this turn, and whether the turn belongs to those that hold back the others.
    fn phase(&self, turn: usize) -> (usize, bool) {
        let raised = |it: &Vector| self.profile.channel(&it.channel).is_some_and(|of| holds_back(of) && raises(of, it));
        if self.profile.vectors.iter().any(raised) {
            (turn - turn / HELD_BACK_EVERY, turn % HELD_BACK_EVERY == HELD_BACK_EVERY - 1)
        } else {
            (turn, false)
        }
    }

    /// The block that has this turn, sealed with a key that everybody knows.
    fn sealed(&self, turn: usize) -> Option<Vec<u16>> {
        let vector = self.profile.vectors.get(turn.checked_rem(self.profile.vectors.len())?)?;
        let block = block_of(&vector.registers).ok()?;
        Some(self.life.sealed(block, core::array::from_fn(|at| u8::try_from(at).unwrap_or(0))))
    }

    fn image(&self, turn: usize) -> Image {
        let mut image = Image::default();
        if self.profile.sealed.is_some() {
            self.identify(&mut image);
            return image;
        }
        let (bits, whole): (Vec<_>, Vec<_>) =
            self.profile.channels.iter().partition(|it| matches!(it.encoding, Encoding::Bit(_)));
        for channel in whole {
            let function = read_function(channel.table);
            let words = self.words(channel, turn).unwrap_or_default();
            let taken = (channel.address..).zip(&words).any(|(at, _)| image.word(function, at).is_some());
            if !taken {
                (channel.address..).zip(words).for_each(|(at, word)| image.set(function, at, word));
            }
        }
        // The bits of a register come from several channels, those of a whole value from that value.
        let values = image.clone();
        for channel in bits {
            let function = read_function(channel.table);
            if values.word(function, channel.address).is_none() {
                let word = self.words(channel, turn).and_then(|it| it.first().copied()).unwrap_or_default();
                image.set(function, channel.address, word);
            }
        }
        self.identify(&mut image);
        image
    }

    /// The registers that say who it is.
    fn identify(&self, image: &mut Image) {
        for it in &self.profile.identity {
            let function = read_function(it.table);
            let words = match it.encoding {
                Encoding::Ascii(count) => {
                    let mut text = match it.fact {
                        Fact::Vendor => "Tidewaiter simulator",
                        Fact::Product => &self.profile.id,
                        Fact::Revision => env!("CARGO_PKG_VERSION"),
                        Fact::Serial | Fact::Software => "1",
                    };
                    text = text.get(..usize::from(count) * 2).unwrap_or(text);
                    encode_ascii(text, count).map(|it| it.to_vec())
                }
                Encoding::Hex(count) => Ok(vec![0x5151; usize::from(count)]),
                other => encode(&other, Decimal::whole(1), 0).map(|it| it.to_vec()),
            };
            for (at, word) in (it.address..).zip(words.unwrap_or_default()) {
                if image.word(function, at).is_none() {
                    image.set(function, at, word);
                }
            }
        }
    }

    /// Channels whose registers do not hold their vectors in every turn.
    fn hidden(&self) -> Vec<String> {
        if self.profile.sealed.is_some() {
            // Its vectors are whole blocks and take turns as such, but for what an instrument counts on by itself.
            return Vec::new();
        }
        let most = self.profile.channels.iter().map(|it| self.vectors(it).len()).max().unwrap_or(0);
        let mut hidden = Vec::new();
        for turn in 0..most.saturating_mul(HELD_BACK_EVERY) {
            let image = self.image(turn);
            for channel in &self.profile.channels {
                let function = read_function(channel.table);
                let mask = match channel.encoding {
                    Encoding::Bit(bit) => bit_mask(bit),
                    _ => u16::MAX,
                };
                let held = self.words(channel, turn).is_some_and(|words| {
                    (channel.address..)
                        .zip(words)
                        .all(|(at, word)| image.word(function, at).is_some_and(|it| it & mask == word))
                });
                if !held && !hidden.contains(&channel.name) {
                    hidden.push(channel.name.clone());
                }
            }
        }
        hidden
    }

    async fn over_tcp<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) -> io::Result<()> {
        while let Some(request) = Request::read(&mut stream).await? {
            stream.write_all(&request.answered(self)).await?;
            stream.flush().await?;
        }
        Ok(())
    }

    /// Answers requests that end with silence; what is damaged or too long is not answered, as on a line.
    async fn over_rtu<S: AsyncRead + AsyncWrite + Unpin>(&self, mut line: S) -> io::Result<()> {
        loop {
            let mut frame = vec![line.read_u8().await?];
            while let Ok(byte) = timeout(RTU_SILENCE, line.read_u8()).await {
                let byte = byte?;
                if frame.len() <= rtu::MAX_ADU_BYTES {
                    frame.push(byte);
                }
            }
            // A request to everybody is answered by nobody.
            let Some(asked) = rtu::parse(&frame).ok().filter(|it| it.unit_id != 0) else { continue };
            if let Some(answer) = rtu::build(asked.unit_id, &answer(self, asked.unit_id, asked.pdu)) {
                line.write_all(&answer).await?;
                line.flush().await?;
            }
        }
    }
}

impl Tables for Registers {
    fn is_here(&self, _: u8) -> bool {
        true
    }

    fn product(&self) -> &str {
        &self.profile.id
    }

    fn max_registers(&self) -> Option<u16> {
        Some(self.profile.max_registers)
    }

    fn cells(&self, function: u8, address: u16, count: u16) -> Result<Vec<u16>, u8> {
        // The first turn is half over with the first request: polls once a turn then fall into its middle.
        let since = self.begun.get_or_init(Instant::now).elapsed() + TURN / 2;
        let turn = since.as_secs() / TURN.as_secs();
        let turn = usize::try_from(turn).unwrap_or(usize::MAX);
        if let Some(sealed) = self.profile.sealed
            && (function, address) == (read_function(sealed.table), sealed.address)
        {
            return self.sealed(turn).filter(|_| count == sealed.count).ok_or(ILLEGAL_ADDRESS);
        }
        self.image(turn).read(function, address, count).ok_or(ILLEGAL_ADDRESS)
    }
}

fn holds_back(channel: &RegisterChannel) -> bool {
    HOLDING_BACK.contains(&channel.name.as_str()) && matches!(channel.encoding, Encoding::Bit(_))
}

fn raises(channel: &RegisterChannel, vector: &Vector) -> bool {
    bits_of(channel, &vector.registers).iter().any(|word| *word != 0)
}

/// The part of these words that is the channel's.
fn bits_of(channel: &RegisterChannel, words: &[u16]) -> Vec<u16> {
    match channel.encoding {
        Encoding::Bit(bit) => words.iter().map(|word| word & bit_mask(bit)).collect(),
        _ => words.to_vec(),
    }
}

/// A bit number is at most 15; a profile with another is refused at load.
const fn bit_mask(bit: u8) -> u16 {
    1_u16.wrapping_shl(bit as u32)
}

/// A heartbeat so many turns after its vector; at the end of its range it begins again at the vector.
fn counted(encoding: Encoding, first: &[u16], turn: usize) -> Vec<u16> {
    let beat = || {
        let start = decode(&encoding, first, 0, None).ok()?.digits();
        let room = match encoding {
            Encoding::Bit(_) => 2 - start,
            Encoding::U16 => i64::from(u16::MAX) + 1 - start,
            _ => i64::from(i16::MAX),
        };
        let on = i64::try_from(turn).ok()?.checked_rem(room.max(1))?;
        let value = if matches!(encoding, Encoding::Bit(_)) {
            (start + i64::try_from(turn).ok()?) % 2
        } else {
            start.checked_add(on)?
        };
        encode(&encoding, Decimal::whole(value), 0).map(|it| it.to_vec()).ok()
    };
    beat().unwrap_or_else(|| first.to_vec())
}

/// The vectors of a line profile that show something.
#[derive(Debug)]
struct Lines {
    profile: LineProfile,
    said: Vec<Vec<u8>>,
}

impl Lines {
    fn of(profile: LineProfile) -> Self {
        let shows = |it: &&LineVector| matches!(it.expect, Expectation::Statement { .. });
        let said = profile.vectors.iter().filter(shows).map(|it| it.raw.clone()).collect();
        Self { profile, said }
    }

    /// Speaks unasked, or answers where the profile asks.
    async fn speak<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<()> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut said = self.said.iter().cycle();
        let Some(request) = &self.profile.request else {
            let speaking = async {
                for line in said {
                    writer.write_all(line).await?;
                    writer.flush().await?;
                    sleep(LINE_PERIOD).await;
                }
                Ok(())
            };
            return tokio::select! {
                ended = speaking => ended,
                ended = unheard(reader) => ended,
            };
        };
        // The last bytes heard, as many as a request has.
        let mut heard = std::collections::VecDeque::with_capacity(request.send.len() + 1);
        loop {
            heard.push_back(reader.read_u8().await?);
            if heard.len() > request.send.len() {
                heard.pop_front();
            }
            if !heard.iter().eq(&request.send) {
                continue;
            }
            heard.clear();
            if request.echo {
                writer.write_all(&request.send).await?;
            }
            for line in said.by_ref().take(usize::from(request.statements)) {
                writer.write_all(line).await?;
            }
            writer.flush().await?;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use tidewaiter_config::profile::{builtin, line::builtin_lines};
    use tidewaiter_drivers::wire::{Decode, Event};

    use super::*;

    fn registers(id: &str) -> Registers {
        let profile = builtin().into_iter().find(|it| it.id == id).unwrap();
        Registers { profile, begun: OnceLock::new(), life: Life::start() }
    }

    #[test]
    fn every_shipped_register_profile_can_show_its_vectors() {
        for profile in builtin() {
            let proven: Vec<String> = profile.vectors.iter().map(|it| it.channel.clone()).collect();
            let id = profile.id.clone();
            let hidden = Registers { profile, begun: OnceLock::new(), life: Life::start() }.hidden();
            assert!(hidden.iter().all(|it| !proven.contains(it)), "{id}: {hidden:?}");
        }
    }

    #[test]
    fn bits_of_one_register_come_together_and_vectors_take_turns() {
        let ash = registers("coal-ash-proposed");
        // 6.3 of the Modbus specification: function 4 reads input registers.
        assert_eq!(ash.image(0).read(4, 0, 6).unwrap(), [1, 3, 0x444B, 0x2000, 0x414D, 0x70A4]);
        assert_eq!(ash.image(0).read(4, 14, 2).unwrap(), [3, 0]);
        assert_eq!(ash.image(2).read(4, 14, 2).unwrap(), [5, 2], "a turn of its own for the fault");
        assert_eq!(ash.image(3).read(4, 14, 2).unwrap(), [6, 0]);
        assert_eq!(ash.image(1).read(4, 4, 2).unwrap(), [0x7FC0, 0]);
        assert_eq!(ash.image(7).read(4, 14, 1).unwrap(), [10], "the heartbeat counts on");
        assert_eq!(ash.image(0).read(4, 15, 2), None, "beyond the last register");
    }

    #[test]
    fn a_heartbeat_at_the_end_of_its_range_begins_again() {
        assert_eq!(counted(Encoding::U16, &[65_534], 1), [65_535]);
        assert_eq!(counted(Encoding::U16, &[65_534], 2), [65_534]);
        assert_eq!(counted(Encoding::Bit(3), &[8], 1), [0]);
        assert_eq!(counted(Encoding::Bit(3), &[8], 2), [8]);
    }

    #[tokio::test(start_paused = true)]
    async fn rtu_answers_whole_requests_only() {
        let (mut near, far) = tokio::io::duplex(1024);
        let ash = registers("coal-ash-proposed");
        tokio::spawn(async move { ash.over_rtu(far).await });
        let asked = rtu::build(7, &[4, 0, 0, 0, 2]).unwrap();
        near.write_all(&asked[..5]).await.unwrap();
        sleep(RTU_SILENCE * 4).await;
        near.write_all(&asked).await.unwrap();
        let mut answer = [0; 9];
        near.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[..7], [7, 4, 4, 0, 1, 0, 3]);
        assert_eq!(rtu::parse(&answer).unwrap().unit_id, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn lines_take_turns_and_what_must_be_refused_is_not_said() {
        for profile in builtin_lines() {
            let lines = Lines::of(profile.clone());
            let (due, request) = (lines.said.len(), profile.request.clone());
            let (mut near, far) = tokio::io::duplex(4096);
            let speaking = tokio::spawn(async move { lines.speak(far).await });
            let mut decoder = tidewaiter_config::profile::line::Decoder::at_frame_start(Arc::new(profile.clone()));
            let mut frames = 0;
            let echo = request.as_ref().filter(|it| it.echo).map_or(0, |it| it.send.len());
            while frames < due {
                if let Some(request) = &request {
                    near.write_all(&request.send).await.unwrap();
                    let mut echoed = vec![0; echo];
                    near.read_exact(&mut echoed).await.unwrap();
                    decoder.begin();
                }
                let before = frames;
                while frames == before {
                    match decoder.push(near.read_u8().await.unwrap()) {
                        Some(Event::Frame(_)) => frames += 1,
                        Some(other) => panic!("{}: {other:?}", profile.id),
                        None => {}
                    }
                }
            }
            assert!(frames > 0, "{} says nothing", profile.id);
            speaking.abort();
        }
    }
}
