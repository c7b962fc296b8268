//! The promises of every byte-stream decoder.

use std::fmt::Debug;

use tidewaiter_drivers::{
    reading::{Channels, Outcome},
    wire::{Decode, Event},
};

/// Frames of one input that are read again. More bring no new paths and cost time.
const MAX_REREAD: usize = 8;

/// Moves of a decoder within one input. Some hold tens of kilobytes, and a run is to see many inputs.
const MAX_MOVES: usize = 8;

/// Most channels one frame may tell: far above a spectrum's derived values, far below a flood.
const MAX_CHANNELS: usize = 256;

/// Whether a frame can be read again from its raw bytes, and what has to stand around them.
#[derive(Clone, Copy)]
pub(super) enum Reread {
    /// After any other bytes: what comes before the raw bytes ends whatever was under way.
    Anywhere(&'static [u8], &'static [u8]),
    /// By a decoder that has seen nothing, or whose length field may have swallowed what follows.
    Fresh(&'static [u8], &'static [u8]),
    /// Not at all: what it says depends on what came before it.
    Never,
}

/// A line: one line end before it ends any other line, one behind it ends it.
pub(super) const LINE: Reread = Reread::Anywhere(b"\n", b"\n");

/// A frame whose raw bytes include its marks.
pub(super) const MARKED: Reread = Reread::Anywhere(b"", b"");

/// A frame whose raw bytes stood between STX and ETX.
pub(super) const ENVELOPE: Reread = Reread::Anywhere(b"\x02", b"\x03");

/// One event with all that may be asked about it.
#[derive(Debug, PartialEq)]
struct Seen {
    /// Bytes taken when it came.
    at: usize,
    /// The event in the words of `Debug`.
    event: String,
    garbage: Option<u16>,
    raw: Vec<u8>,
    /// `None` for anything but a frame.
    channels: Option<Vec<(String, Outcome)>>,
}

type View<T> = fn(&T) -> Vec<(String, Outcome)>;

fn each<T: Channels>(item: &T) -> Vec<(String, Outcome)> {
    let mut told = Vec::new();
    item.each(&mut |name, outcome| told.push((name.to_owned(), outcome)));
    told
}

fn take<D>(decoder: &mut D, byte: u8, at: usize, view: View<D::Item>) -> Option<Seen>
where
    D: Decode,
    D::Item: Debug,
{
    let event = decoder.push(byte)?;
    let channels = if let Event::Frame(item) = &event { Some(view(item)) } else { None };
    let raw = if matches!(event, Event::Garbage(_)) { Vec::new() } else { decoder.raw().to_vec() };
    let garbage = if let Event::Garbage(bytes) = event { Some(bytes) } else { None };
    Some(Seen { at, event: format!("{event:?}"), garbage, raw, channels })
}

fn fed<D>(decoder: &mut D, bytes: &[u8], view: View<D::Item>) -> Vec<Seen>
where
    D: Decode,
    D::Item: Debug,
{
    bytes.iter().enumerate().filter_map(|(at, &byte)| take(decoder, byte, at + 1, view)).collect()
}

/// The same in pieces: between two of them the decoder is looked at, copied and moved, as a task that waits
/// for its port does.
fn fed_in_pieces<D>(decoder: D, bytes: &[u8], piece: usize, view: View<D::Item>) -> Vec<Seen>
where
    D: Decode + Clone,
    D::Item: Debug,
{
    let (mut decoder, mut seen, mut at) = (decoder, Vec::new(), 0);
    for (index, piece) in bytes.chunks(piece).enumerate() {
        for &byte in piece {
            at += 1;
            seen.extend(take(&mut decoder, byte, at, view));
        }
        if index >= MAX_MOVES {
            continue;
        }
        let moved = Box::new(decoder.clone());
        let _ = moved.raw();
        decoder = *moved;
    }
    seen
}

/// A channel's name is lower-case words and digits joined by `-`, 32 bytes at most.
fn is_name(name: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    name.len() <= 32 && name.split('-').all(word)
}

/// Holds a decoder of requests or other statements without channels to its promises.
pub(super) fn statements<D>(what: &str, bytes: &[u8], most_raw: usize, reread: Reread, make: impl Fn() -> D)
where
    D: Decode + Clone,
    D::Item: Debug,
{
    hold(what, bytes, most_raw, reread, make, |_| Vec::new());
}

/// Holds a decoder of readings to its promises.
pub(super) fn readings<D>(what: &str, bytes: &[u8], most_raw: usize, reread: Reread, make: impl Fn() -> D)
where
    D: Decode + Clone,
    D::Item: Debug + Channels,
{
    hold(what, bytes, most_raw, reread, make, each::<D::Item>);
}

fn hold<D>(what: &str, bytes: &[u8], most_raw: usize, reread: Reread, make: impl Fn() -> D, view: View<D::Item>)
where
    D: Decode + Clone,
    D::Item: Debug,
{
    let mut decoder = make();
    let seen = fed(&mut decoder, bytes, view);

    let mut framed = 0;
    for one in &seen {
        assert!(one.garbage != Some(0), "{what}: garbage of no bytes");
        assert!(one.garbage.is_none_or(|it| usize::from(it) <= one.at), "{what}: more garbage than bytes");
        assert!(one.raw.len() <= most_raw, "{what}: raw of {} bytes, stated are {most_raw}", one.raw.len());
        if let Some(channels) = &one.channels {
            framed += one.raw.len();
            assert!(channels.len() <= MAX_CHANNELS, "{what}: {} channels in {}", channels.len(), one.event);
            for (name, _) in channels {
                assert!(is_name(name), "{what}: {name:?} is no channel's name");
            }
        }
    }
    assert!(framed <= bytes.len(), "{what}: frames of {framed} bytes made of {}", bytes.len());

    for piece in [3, 1 + bytes.len() / 2] {
        assert_eq!(fed_in_pieces(make(), bytes, piece, view), seen, "{what}: pieces of {piece}");
    }

    // Nothing half received outlives a reset.
    let (mut used, mut new) = (decoder.clone(), make());
    used.reset();
    new.reset();
    if !matches!(reread, Reread::Never) {
        assert_eq!(fed(&mut used, bytes, view), fed(&mut new, bytes, view), "{what}: after a reset");
    }

    for one in seen.iter().filter(|it| it.channels.is_some()).take(MAX_REREAD) {
        let again = |decoder: &mut D, before: &[u8], behind: &[u8]| {
            let repeated = [before, &one.raw, behind].concat();
            let last = fed(decoder, &repeated, view).pop();
            assert!(last.is_some(), "{what}: {} is read once and not again", one.event);
            let last = last.expect("just asserted");
            assert_eq!((&last.event, &last.channels), (&one.event, &one.channels), "{what}: read again");
            assert_eq!(last.raw, one.raw, "{what}: read again");
        };
        match reread {
            Reread::Anywhere(before, behind) => {
                again(&mut make(), before, behind);
                again(&mut decoder.clone(), before, behind);
            }
            Reread::Fresh(before, behind) => again(&mut make(), before, behind),
            Reread::Never => {}
        }
    }
}

/// What a decoder believed can be written, and what was written reads back and is written so again.
///
/// Compared is the writing and not the item: a statement may say more than its driver keeps, such as the unit
/// beside an overload.
pub(super) fn written<D: Decode>(
    what: &str,
    bytes: &[u8],
    make: impl Fn() -> D,
    write: impl Fn(&D::Item) -> Option<Vec<u8>>,
) where
    D::Item: Debug,
{
    let mut decoder = make();
    let frames = bytes.iter().filter_map(|&byte| match decoder.push(byte)? {
        Event::Frame(item) => Some(item),
        Event::Refused(_) | Event::Garbage(_) => None,
    });
    for item in frames.take(MAX_REREAD) {
        let Some(first) = write(&item) else { continue };
        let mut reader = make();
        let mut stream = b"\r\n".to_vec();
        stream.extend_from_slice(&first);
        let read = stream.iter().filter_map(|&byte| reader.push(byte)).last();
        let Some(Event::Frame(read)) = read else {
            panic!("{what}: {item:?} written as {} reads as {read:?}", first.escape_ascii());
        };
        let second = write(&read).map(|it| it.escape_ascii().to_string());
        assert_eq!(second, Some(first.escape_ascii().to_string()), "{what}: {item:?} reads back as {read:?}");
    }
}
