//! The bytes of one Modbus exchange: between the port and tokio-modbus.
//!
//! tokio-modbus takes the first frame that checks out as the answer to its last request. On RTU an
//! answer carries neither a number nor an address, so an answer that comes after its request was
//! given up would be taken for the next one, and every later answer would be one request old. This
//! stream therefore lets through only what can be the answer to the request just written: the right
//! unit, the right function, the right length or an exception. Everything else is counted and
//! dropped, and the time allowed runs on.
//!
//! ```text
//! RTU answer   unit  function      bytes  data …  CRC low  CRC high      functions 1 … 4
//! identity     unit  2Bh 0Eh code level more next count { id length text … } …  CRC low  CRC high
//! exception    unit  function+80h  code           CRC low  CRC high
//! write        unit  function      address (2)  value or count (2)  CRC low  CRC high      functions 5, 6, 15, 16
//! ```
//!
//! The answers to functions 5 and 6 are their requests, byte for byte. On a line that brings back what is sent they come
//! twice, so it is learnt from reads whether the line does.
//!
//! It also keeps the bytes of the answer for the record, and tells a wrong check from silence. Over
//! TCP, where a transaction number does the matching, it only keeps the bytes.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tidewaiter_drivers::modbus::crc16;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::acquire::port::PortStream;

/// Longest answer: an MBAP header and a PDU (MODBUS Messaging on TCP/IP V1.0b, §3.1.3). An RTU
/// frame is shorter.
const MOST_ANSWER_BYTES: usize = 7 + 253;
/// Longest RTU frame that its third byte can announce.
const MOST_FRAME_BYTES: usize = 5 + 255;
/// Bytes of the answer to a write on RTU.
const WRITE_ANSWER_BYTES: usize = 8;
/// Longest RTU frame the standard allows (MODBUS over Serial Line V1.02, §2.5.1).
const MOST_RTU_BYTES: usize = 256;
/// Function 43, encapsulated interface transport (MODBUS Application Protocol V1.1b3, §6.19).
pub(super) const DEVICE_IDENTIFICATION: u8 = 0x2B;
/// Its type 14, read device identification (ibid. §6.21).
const MEI_TYPE: u8 = 0x0E;
/// Most bytes taken in one exchange. An answer, an echo and some noise fit a dozen times; what
/// sends more is not answering but flooding, and would otherwise keep this task busy for ever.
const MOST_EXCHANGE_BYTES: usize = 4096;
/// Most bytes thrown away at once between two requests, for the same reason.
const MOST_DRAINED_BYTES: usize = 65_536;

/// What the answer must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) unit: u8,
    pub(super) function: u8,
    /// Bytes of data; `None` lets any length through, for the caller to refuse.
    pub(super) bytes: Option<usize>,
}

/// What an exchange left behind, apart from the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Leftover {
    /// The units of whole frames with a good check that answered some other request.
    pub(super) strays: Vec<u8>,
    /// Bytes that belonged to no frame.
    pub(super) garbage: u64,
    /// A frame of the length announced whose check did not hold.
    pub(super) crc_failed: bool,
    /// Bytes of a frame that did not end.
    pub(super) unfinished: usize,
}

/// A port shared between the bus task and the tokio-modbus client it lends it to. Both run in the
/// same task, so the lock is never waited for.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    port: Box<dyn PortStream>,
    sieves: bool,
    expected: Option<Expected>,
    /// Echo of the request still to be dropped from the input (two-wire lines without suppression).
    echo: BytesMut,
    /// Whether the line brings back what is sent, once an answer to something else than functions 5 and 6 has told.
    echoes: Option<bool>,
    /// Input not yet judged.
    input: BytesMut,
    /// The answer on its way to the client.
    answer: BytesMut,
    /// The answer so far, verbatim.
    kept: BytesMut,
    /// The first bytes that came, whatever they are: the record of an exchange without an answer.
    seen: BytesMut,
    taken: usize,
    leftover: Leftover,
}

impl Wire {
    /// A serial line: input is sieved.
    pub(super) fn rtu(port: Box<dyn PortStream>) -> Self {
        Self::new(port, true)
    }

    /// A TCP connection: input passes.
    pub(super) fn tcp(port: Box<dyn PortStream>) -> Self {
        Self::new(port, false)
    }

    fn new(port: Box<dyn PortStream>, sieves: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            port,
            sieves,
            expected: None,
            echo: BytesMut::new(),
            echoes: None,
            input: BytesMut::new(),
            answer: BytesMut::new(),
            kept: BytesMut::new(),
            seen: BytesMut::new(),
            taken: 0,
            leftover: Leftover::default(),
        })))
    }

    /// Whether the line brings back what is sent, as far as is known.
    pub(super) fn echoes(&self) -> Option<bool> {
        self.lock().echoes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic aborts the release build, and in tests the port behind a poisoned lock is intact.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts an exchange: whatever is left of the one before is forgotten.
    pub(super) fn begin(&self, expected: Expected) {
        let mut inner = self.lock();
        inner.clear();
        inner.expected = Some(expected);
    }

    /// Ends an exchange: the bytes of the answer, or the first ones of whatever came instead, and
    /// what came beside it.
    pub(super) fn end(&self) -> (Bytes, Leftover) {
        let mut inner = self.lock();
        inner.leftover.unfinished = inner.input.len();
        let bytes = if inner.kept.is_empty() { inner.seen.split() } else { inner.kept.split() };
        let ended = (bytes.freeze(), std::mem::take(&mut inner.leftover));
        inner.clear();
        ended
    }

    /// Throws away everything that has arrived so far, and says what it was.
    ///
    /// # Errors
    ///
    /// When the port is lost.
    pub(super) async fn drain(&self) -> io::Result<Leftover> {
        std::future::poll_fn(|cx| {
            let mut inner = self.lock();
            let inner = &mut *inner;
            let mut drained = 0;
            while drained < MOST_DRAINED_BYTES {
                match inner.take(cx) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                    Poll::Ready(Ok(count)) => {
                        drained += count;
                        inner.sift();
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => break,
                }
            }
            inner.port.discard_input()?;
            let mut leftover = std::mem::take(&mut inner.leftover);
            leftover.garbage += (inner.input.len() + inner.answer.len()) as u64;
            inner.clear();
            Poll::Ready(Ok(leftover))
        })
        .await
    }
}

impl Inner {
    fn clear(&mut self) {
        self.expected = None;
        self.echo.clear();
        self.input.clear();
        self.answer.clear();
        self.kept.clear();
        self.seen.clear();
        self.taken = 0;
        self.leftover = Leftover::default();
    }

    /// Reads once from the port; 0 is its end.
    fn take(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [0; 512];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut *self.port).poll_read(cx, &mut buffer))?;
        let came = buffer.filled();
        self.taken += came.len();
        let room = MOST_ANSWER_BYTES.saturating_sub(self.seen.len()).min(came.len());
        self.seen.extend_from_slice(came.get(..room).unwrap_or_default());
        self.input.extend_from_slice(came);
        Poll::Ready(Ok(came.len()))
    }

    /// Moves the answer from input to `answer` and drops everything before it.
    fn sift(&mut self) {
        if !self.sieves {
            self.answer.extend_from_slice(&self.input.split());
            return;
        }
        self.drop_echo();
        while self.answer.is_empty() && self.echo.is_empty() {
            match frame_length(&self.input, self.expected) {
                Length::Unknown => return self.look_ahead(),
                Length::Not => self.drop_byte(),
                Length::Of(length) => {
                    let Some(frame) = self.input.get(..length) else { return self.look_ahead() };
                    if !checks(frame) {
                        self.leftover.crc_failed = true;
                        self.drop_byte();
                    } else if self.expected.is_some_and(|expected| answers(frame, expected)) {
                        self.answer.extend_from_slice(&self.input.split_to(length));
                    } else {
                        // An exchange takes a bounded number of bytes, so this list is bounded too.
                        self.leftover.strays.extend(frame.first());
                        self.input.advance(length);
                    }
                }
            }
        }
    }

    /// Takes the answer from behind noise that looks like the head of a longer frame, and would otherwise
    /// be waited for until the time allowed is over.
    fn look_ahead(&mut self) {
        let Some(expected) = self.expected else { return };
        let found = (1..self.input.len()).find_map(|from| {
            let rest = self.input.get(from..)?;
            let Length::Of(length) = frame_length(rest, self.expected) else { return None };
            let frame = rest.get(..length)?;
            (answers(frame, expected) && checks(frame)).then_some((from, length))
        });
        if let Some((noise, length)) = found {
            self.leftover.garbage += noise as u64;
            self.input.advance(noise);
            self.answer.extend_from_slice(&self.input.split_to(length));
        }
    }

    /// Drops our own request, byte by byte as it comes back; anything else ends the expectation.
    fn drop_echo(&mut self) {
        if self.echo.is_empty() {
            return;
        }
        let same = self.echo.iter().zip(&self.input).take_while(|(ours, came)| ours == came).count();
        let learns = self.expected.is_some_and(|it| !repeats(it.function));
        if same == self.echo.len() {
            self.input.advance(same);
            self.echo.clear();
            if learns {
                self.echoes = Some(true);
            }
        } else if same < self.input.len() {
            self.echo.clear();
            // Noise in front of an echo would teach the wrong thing; a sound answer in its place does not.
            let Some(expected) = self.expected.filter(|_| learns && self.echoes.is_none()) else { return };
            if self.input.first() == Some(&expected.unit) {
                self.echoes = Some(false);
            }
        }
    }

    fn drop_byte(&mut self) {
        if self.input.has_remaining() {
            self.input.advance(1);
            self.leftover.garbage += 1;
        }
    }
}

/// How long the frame at the head of the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// Too few bytes to tell.
    Unknown,
    /// No frame starts here.
    Not,
    /// This many bytes, CRC included.
    Of(usize),
}

fn frame_length(input: &[u8], expected: Option<Expected>) -> Length {
    if let (Some(expected), [_, function, ..]) = (expected, input)
        && *function == expected.function
        && is_write(*function)
    {
        return Length::Of(WRITE_ANSWER_BYTES);
    }
    match input {
        [] | [_] | [_, 1..=4 | DEVICE_IDENTIFICATION] => Length::Unknown,
        [_, DEVICE_IDENTIFICATION, MEI_TYPE, objects @ ..] => identification_length(objects),
        [_, 1 | 2, bytes, ..] if *bytes > 0 => Length::Of(5 + usize::from(*bytes)),
        [_, 3 | 4, bytes, ..] if *bytes > 0 && bytes % 2 == 0 => Length::Of(5 + usize::from(*bytes)),
        [_, function, ..] if function & 0x80 != 0 => Length::Of(5),
        _ => Length::Not,
    }
}

const fn is_write(function: u8) -> bool {
    matches!(function, 0x05 | 0x06 | 0x0F | 0x10)
}

/// Functions whose answer is the request.
const fn repeats(function: u8) -> bool {
    matches!(function, 0x05 | 0x06)
}

/// Goes from object to object, since nothing announces the length of the whole.
fn identification_length(behind_type: &[u8]) -> Length {
    let [_code, _level, _more, _next, count, objects @ ..] = behind_type else { return Length::Unknown };
    let (mut length, mut rest) = (8, objects);
    for _ in 0..*count {
        let [_id, bytes, behind @ ..] = rest else { return Length::Unknown };
        length += 2 + usize::from(*bytes);
        if length + 2 > MOST_RTU_BYTES {
            return Length::Not;
        }
        let Some(behind) = behind.get(usize::from(*bytes)..) else { return Length::Unknown };
        rest = behind;
    }
    Length::Of(length + 2)
}

fn checks(frame: &[u8]) -> bool {
    frame.split_last_chunk().is_some_and(|(body, check)| crc16(body) == u16::from_le_bytes(*check))
}

fn answers(frame: &[u8], expected: Expected) -> bool {
    match *frame {
        [unit, function, ..] if function == expected.function | 0x80 => unit == expected.unit,
        [unit, DEVICE_IDENTIFICATION, ..] => unit == expected.unit && expected.function == DEVICE_IDENTIFICATION,
        [unit, function, bytes, ..] => {
            let right_length = expected.bytes.is_none_or(|expected| expected == usize::from(bytes));
            unit == expected.unit && function == expected.function && right_length
        }
        _ => false,
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        loop {
            if inner.taken > MOST_EXCHANGE_BYTES {
                let flood = format!("more than {MOST_EXCHANGE_BYTES} bytes came and no answer among them");
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, flood)));
            }
            inner.sift();
            if !inner.answer.is_empty() {
                let count = inner.answer.len().min(buffer.remaining());
                let part = inner.answer.split_to(count);
                let room = MOST_ANSWER_BYTES.saturating_sub(inner.kept.len()).min(count);
                inner.kept.extend_from_slice(part.get(..room).unwrap_or_default());
                buffer.put_slice(&part);
                return Poll::Ready(Ok(()));
            }
            debug_assert!(inner.input.len() <= MOST_FRAME_BYTES + 512, "input is judged as it comes");
            if ready!(inner.take(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.lock();
        let written = ready!(Pin::new(&mut *inner.port).poll_write(cx, bytes))?;
        // An answer that repeats its request is not to be dropped as its echo.
        let answer_repeats = inner.expected.is_some_and(|it| repeats(it.function)) && inner.echoes != Some(true);
        if inner.sieves && !answer_repeats {
            inner.echo.extend_from_slice(bytes.get(..written).unwrap_or_default());
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock().port).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock().port).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    /// Published: FC 03, one float, and exception 2 to FC 03, both from unit 1.
    const ANSWER: [u8; 9] = [0x01, 0x03, 0x04, 0x44, 0x9A, 0x50, 0x00, 0xF2, 0xEC];
    const EXCEPTION: [u8; 5] = [0x01, 0x83, 0x02, 0xC0, 0xF1];
    const REQUEST: [u8; 8] = [0x01, 0x03, 0x00, 0x00, 0x00, 0x02, 0xC4, 0x0B];
    const EXPECTED: Expected = Expected { unit: 1, function: 3, bytes: Some(4) };
    /// Published: the answer of unit 1 to 43/14, basic, of `ACME`, `TB-1`, `V1.0`.
    const IDENTITY: &[u8] = b"\x01\x2B\x0E\x01\x01\x00\x00\x03\x00\x04ACME\x01\x04TB-1\x02\x04V1.0\xD3\x7C";

    /// Feeds the sieve chunk by chunk, as the port would, until an answer has come.
    fn sieve(expected: Expected, chunks: &[&[u8]]) -> (Vec<u8>, Leftover) {
        let wire = Wire::rtu(Box::new(tokio::io::duplex(1).0));
        wire.begin(expected);
        let mut inner = wire.lock();
        inner.echo.extend_from_slice(&REQUEST);
        for chunk in chunks {
            inner.input.extend_from_slice(chunk);
            inner.sift();
            assert!(inner.input.len() <= MOST_FRAME_BYTES + chunk.len(), "input piles up");
            if !inner.answer.is_empty() {
                break;
            }
        }
        (inner.answer.to_vec(), inner.leftover.clone())
    }

    #[test]
    fn only_the_answer_to_the_request_passes() {
        let check = |input: &[u8], passes: &[u8], strays: &[u8]| {
            let (answer, leftover) = sieve(EXPECTED, &[input]);
            assert_eq!((answer.as_slice(), leftover.strays.as_slice()), (passes, strays), "{input:02x?}");
        };
        check(&ANSWER, &ANSWER, &[]);
        check(&EXCEPTION, &EXCEPTION, &[]);
        check(&[&REQUEST[..], &ANSWER].concat(), &ANSWER, &[]);
        check(&ANSWER[..8], &[], &[]);
        let other = Expected { unit: 2, ..EXPECTED };
        assert_eq!(sieve(other, &[&ANSWER, &EXCEPTION]).1.strays, [1, 1]);
        let longer = Expected { bytes: Some(6), ..EXPECTED };
        assert_eq!(sieve(longer, &[&ANSWER]), (vec![], Leftover { strays: vec![1], ..Leftover::default() }));
        let any = Expected { bytes: None, ..EXPECTED };
        assert_eq!(sieve(any, &[&ANSWER]).0, ANSWER);
    }

    #[test]
    fn any_flipped_bit_keeps_the_answer_out() {
        for bit in 0..ANSWER.len() * 8 {
            let mut spoilt = ANSWER;
            spoilt[bit / 8] ^= 1 << (bit % 8);
            assert!(sieve(EXPECTED, &[&spoilt]).0.is_empty(), "bit {bit}");
        }
    }

    #[test]
    fn an_identification_passes_whole_and_for_its_question_only() {
        let asks = Expected { unit: 1, function: DEVICE_IDENTIFICATION, bytes: None };
        assert_eq!(sieve(asks, &[IDENTITY]).0, IDENTITY);
        assert_eq!(sieve(asks, &[&IDENTITY[..9], &IDENTITY[9..20], &IDENTITY[20..]]).0, IDENTITY);
        assert!(sieve(asks, &[&IDENTITY[..IDENTITY.len() - 1]]).0.is_empty());
        assert_eq!(
            sieve(EXPECTED, &[IDENTITY, &ANSWER]),
            (ANSWER.to_vec(), Leftover { strays: vec![1], ..Leftover::default() })
        );
        assert_eq!(sieve(asks, &[&ANSWER]).1.strays, [1]);
        // Objects that would not fit any frame are no frame, and what follows them is found.
        let absurd = [1, 0x2B, 0x0E, 1, 1, 0, 0, 2, 0, 0xFF];
        assert_eq!(sieve(asks, &[&absurd, IDENTITY]).0, IDENTITY);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_same_comes_out(
            pieces in prop::collection::vec(prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                Just(ANSWER.to_vec()),
                Just(EXCEPTION.to_vec()),
                Just(IDENTITY.to_vec()),
                Just(REQUEST.to_vec()),
            ], 0..8),
            cut in 1..40_usize,
        ) {
            // A unit that never answers: everything is looked at to the end.
            let nobody = Expected { unit: 77, ..EXPECTED };
            let input = pieces.concat();
            let whole = sieve(nobody, &[&input]);
            let chunks: Vec<&[u8]> = input.chunks(cut).collect();
            prop_assert_eq!(&sieve(nobody, &chunks), &whole);
            prop_assert!(whole.0.is_empty());
        }
    }
}
