//! Sealed reading blocks, read by their written layout.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use super::rig::KEY;

/// Bytes of a block.
pub(super) const BYTES: usize = 94;

/// What a block says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) sequence: u64,
    pub(super) starts: u32,
    pub(super) status: u16,
    /// Value and state of each channel.
    pub(super) channels: [(i32, u16); 5],
}

/// Reads a block; `None` when its fixed bytes are others.
pub(super) fn read(bytes: &[u8]) -> Option<Seen> {
    if bytes.len() != BYTES || bytes[..12] != *b"TW\x01\x05TW000001" || bytes[72..78] != [0; 6] {
        return None;
    }
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let double = |at: usize| u32::from(word(at)) << 16 | u32::from(word(at + 2));
    let channel = |number: usize| {
        let at = 42 + 6 * number;
        (double(at + 2).cast_signed(), word(at))
    };
    Some(Seen {
        sequence: u64::from(double(12)) << 32 | u64::from(double(16)),
        starts: double(28),
        status: word(36),
        channels: [0, 1, 2, 3, 4].map(channel),
    })
}

/// Which of these blocks the node with the rig's key has sealed: by the standard library of Python, all in one process.
pub(super) fn sealed(blocks: &[Vec<u8>]) -> Result<Vec<bool>> {
    const CHECK: &str = "import hmac, sys\n\
        key = bytes.fromhex(sys.argv[1])\n\
        for line in sys.stdin:\n\
        \x20   block = bytes.fromhex(line)\n\
        \x20   mac = hmac.new(key, b'tidewaiter node block 1\\0' + block[:78], 'sha256').digest()[:16]\n\
        \x20   print(int(mac == block[78:]))\n";
    let mut child = Command::new("python3")
        .args(["-c", CHECK, &hex::encode(KEY)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("python3")?;
    let mut input = child.stdin.take().context("no standard input")?;
    let lines: String = blocks.iter().map(|it| hex::encode(it) + "\n").collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output()?;
    let _ = writer.join();
    let verdicts: Vec<bool> = String::from_utf8(output.stdout)?.lines().map(|it| it == "1").collect();
    ensure!(verdicts.len() == blocks.len(), "{} verdicts on {} blocks", verdicts.len(), blocks.len());
    Ok(verdicts)
}
