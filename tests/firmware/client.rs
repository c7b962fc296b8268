//! A Modbus client that shares no line with the node: it knows frames by their length and their CRC, and says what
//! came where another client would repair it.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Its bytes after the function code, without the CRC.
    Bytes(Vec<u8>),
    /// An exception.
    Exception(u8),
    /// Nothing in time.
    Silence,
    /// Bytes that are no reply to this request.
    Garbage(Vec<u8>),
}

/// CRC of MODBUS over Serial Line V1.02, 6.2.2, bit by bit.
pub(crate) fn crc(bytes: &[u8]) -> [u8; 2] {
    let mut sum = 0xFFFF_u16;
    for byte in bytes {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xA001 } else { sum >> 1 };
        }
    }
    sum.to_le_bytes()
}

/// A frame: unit, function, rest, CRC.
pub(crate) fn frame(unit: u8, function: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![unit, function];
    bytes.extend_from_slice(rest);
    let sum = crc(&bytes);
    bytes.extend(sum);
    bytes
}

/// Two words as sent.
pub(crate) fn words(first: u16, second: u16) -> Vec<u8> {
    [first.to_be_bytes(), second.to_be_bytes()].concat()
}

/// A client on a TCP line.
pub(crate) struct Client {
    stream: TcpStream,
    /// How long a reply may take.
    pub(crate) within: Duration,
    /// Requests whose reply did not come in time.
    pub(crate) silences: u32,
}

impl Client {
    /// Connects to a bus.
    pub(crate) fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, within: Duration::from_secs(2), silences: 0 })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// Takes what comes until `enough` says so or the time is over.
    pub(crate) fn receive(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>> {
        let begun = Instant::now();
        let mut bytes = Vec::new();
        let mut piece = [0; 512];
        while !enough(&bytes) {
            let Some(left) = self.within.checked_sub(begun.elapsed()).filter(|it| !it.is_zero()) else { break };
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut piece) {
                Ok(0) => bail!("the bus was closed"),
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
                Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                Err(why) => return Err(why.into()),
            }
        }
        Ok(bytes)
    }

    /// Throws away what has come late.
    pub(crate) fn drain(&mut self, quiet: Duration) -> Result<usize> {
        let within = std::mem::replace(&mut self.within, quiet);
        let mut thrown = 0;
        loop {
            let late = self.receive(|bytes| !bytes.is_empty())?;
            thrown += late.len();
            if late.is_empty() {
                break;
            }
        }
        self.within = within;
        Ok(thrown)
    }

    /// A request and what came of it.
    pub(crate) fn ask(&mut self, unit: u8, function: u8, rest: &[u8]) -> Result<Reply> {
        self.send(&frame(unit, function, rest))?;
        let bytes = self.receive(|bytes| whole(bytes, function))?;
        let reply = read(&bytes, unit, function);
        if reply == Reply::Silence {
            self.silences += 1;
        }
        Ok(reply)
    }

    /// Registers by function 03 or 04 of unit 1; a request that is lost is sent again.
    pub(crate) fn read(&mut self, function: u8, address: u16, count: u16) -> Result<Vec<u16>> {
        for _ in 0..5 {
            match self.ask(1, function, &words(address, count))? {
                Reply::Bytes(bytes) => {
                    ensure!(bytes.len() == 1 + 2 * usize::from(count), "{} bytes for {count} registers", bytes.len());
                    return Ok(bytes[1..].chunks(2).map(|it| u16::from_be_bytes([it[0], it[1]])).collect());
                }
                Reply::Silence => {
                    self.drain(Duration::from_millis(300))?;
                }
                other => bail!("registers {address:#06x}, {count}: {other:?}"),
            }
        }
        bail!("registers {address:#06x}, {count}: five requests without a reply")
    }

    /// Writes holding registers by function 16.
    pub(crate) fn write(&mut self, address: u16, values: &[u16]) -> Result<Reply> {
        let mut rest = words(address, u16::try_from(values.len())?);
        rest.push(u8::try_from(2 * values.len())?);
        rest.extend(values.iter().flat_map(|it| it.to_be_bytes()));
        self.ask(1, 16, &rest)
    }

    /// As [`Self::write`], for a write that must be taken; one that is lost, or whose reply is, is sent again. A write that
    /// is taken once and for all is refused the second time, and had been taken.
    pub(crate) fn must_write(&mut self, address: u16, values: &[u16], once: bool) -> Result<()> {
        for attempt in 0..5 {
            match self.write(address, values)? {
                Reply::Bytes(_) => return Ok(()),
                Reply::Exception(2) if once && attempt > 0 => return Ok(()),
                Reply::Silence => {
                    self.drain(Duration::from_millis(300))?;
                }
                other => bail!("writing {values:?} to {address:#06x}: {other:?}"),
            }
        }
        bail!("writing {values:?} to {address:#06x}: five requests without a reply")
    }
}

/// Whether these bytes are as long as a reply is.
pub(crate) fn whole(bytes: &[u8], function: u8) -> bool {
    let length = match bytes {
        [_, said, ..] if *said == function | 0x80 => 5,
        [_, 3 | 4, count, ..] => 5 + usize::from(*count),
        [_, 6 | 16, ..] => 8,
        [_, 0x2B, _, _, _, _, _, objects, ..] => {
            let mut at = 8;
            for _ in 0..*objects {
                match bytes.get(at + 1) {
                    Some(length) => at += 2 + usize::from(*length),
                    None => return false,
                }
            }
            at + 2
        }
        [_, 0x2B, ..] | [] | [_] | [_, 3 | 4] => return false,
        _ => return bytes.len() >= 5,
    };
    bytes.len() >= length
}

/// What bytes are to a request.
pub(crate) fn read(bytes: &[u8], unit: u8, function: u8) -> Reply {
    if bytes.is_empty() {
        return Reply::Silence;
    }
    let Some((front, sum)) = bytes.split_last_chunk::<2>().filter(|(front, sum)| crc(front) == **sum) else {
        return Reply::Garbage(bytes.to_vec());
    };
    let _ = sum;
    match front {
        [from, said, code] if *from == unit && *said == function | 0x80 => Reply::Exception(*code),
        [from, said, rest @ ..] if *from == unit && *said == function && !rest.is_empty() => {
            Reply::Bytes(rest.to_vec())
        }
        _ => Reply::Garbage(bytes.to_vec()),
    }
}
