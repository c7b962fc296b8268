//! Packets to bytes: requests for the agent, answers for a simulated device.

use heapless::Vec;

use super::{
    MAX_REQUEST_DATA_BYTES, OVERHEAD_BYTES,
    packet::{Acknowledgement, CHANNEL_BYTES, Request, SYNC, spectrum_identifier, sum},
    status::{STATUS_BYTES, Status},
};

/// Longest request.
pub const MAX_REQUEST_BYTES: usize = OVERHEAD_BYTES + MAX_REQUEST_DATA_BYTES;

/// Greatest count of one channel, 24 bits.
pub const MAX_CHANNEL_COUNT: u32 = 0x00FF_FFFF;

/// Why a packet cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// More data than the packet or the buffer holds.
    #[error("{found} data bytes, there is room for {most}")]
    TooLong {
        /// As given.
        found: usize,
        /// What fits.
        most: usize,
    },
    /// Data for a request that takes none.
    #[error("{0} data bytes for a request that takes none")]
    NoData(usize),
    /// Not one of the channel counts the devices have.
    #[error("{0} channels, a spectrum has 256, 512, 1024, 2048, 4096 or 8192")]
    Channels(usize),
    /// A count beyond 24 bits.
    #[error("count {0} in one channel, the most is 16777215")]
    Count(u32),
    /// A setting whose name is not four capital letters or digits.
    #[error("name of setting {0} of the list is not four capital letters or digits")]
    Name(usize),
    /// A setting whose value is longer than ten characters, or not printable, or holds `;`, `=` or a space.
    #[error("value of setting {0} of the list is not up to ten printable characters without space, ; and =")]
    Value(usize),
}

/// Writes a request. `data` is the text of a configuration or read-back, or what is to be echoed.
///
/// # Errors
///
/// Refuses more than 512 data bytes, and data for a request that takes none.
pub fn encode_request(request: Request, data: &[u8]) -> Result<Vec<u8, MAX_REQUEST_BYTES>, EncodeError> {
    if !request.carries_data() && !data.is_empty() {
        return Err(EncodeError::NoData(data.len()));
    }
    packet(request.identifiers(), data.len(), data.iter().copied())
}

/// Writes a status answer.
pub fn encode_status(status: &Status) -> Vec<u8, { OVERHEAD_BYTES + STATUS_BYTES }> {
    // The room is exactly that of a status packet.
    packet([0x80, 0x01], STATUS_BYTES, status.to_bytes()).unwrap_or_default()
}

/// Writes a spectrum answer, with the status behind it if there is one, into a buffer of `N` bytes;
/// [`super::MAX_PACKET_BYTES`] holds all.
///
/// # Errors
///
/// Refuses a channel count the devices do not have, a count beyond 24 bits, and what does not fit.
pub fn encode_spectrum<const N: usize>(counts: &[u32], status: Option<&Status>) -> Result<Vec<u8, N>, EncodeError> {
    let identifier = spectrum_identifier(counts.len(), status.is_some()).ok_or(EncodeError::Channels(counts.len()))?;
    if let Some(&count) = counts.iter().find(|&&count| count > MAX_CHANNEL_COUNT) {
        return Err(EncodeError::Count(count));
    }
    let channels = counts.iter().flat_map(|count| count.to_le_bytes().into_iter().take(CHANNEL_BYTES));
    let status = status.map(Status::to_bytes);
    let length = counts.len() * CHANNEL_BYTES + status.map_or(0, |it| it.len());
    packet([0x81, identifier], length, channels.chain(status.into_iter().flatten()))
}

/// Writes settings read back, as text.
///
/// # Errors
///
/// Refuses what does not fit.
pub fn encode_settings<const N: usize>(text: &str) -> Result<Vec<u8, N>, EncodeError> {
    packet([0x82, 0x07], text.len(), text.bytes())
}

/// Writes the answer to an echo request.
///
/// # Errors
///
/// Refuses more data than a request holds.
pub fn encode_echo(data: &[u8]) -> Result<Vec<u8, MAX_REQUEST_BYTES>, EncodeError> {
    packet([0x8F, 0x7F], data.len(), data.iter().copied())
}

/// Writes an acknowledgement, with the offending command where the code brings one.
///
/// # Errors
///
/// Refuses more text than a request holds.
pub fn encode_acknowledgement(
    answer: Acknowledgement,
    command: &str,
) -> Result<Vec<u8, MAX_REQUEST_BYTES>, EncodeError> {
    packet([0xFF, answer.code()], command.len(), command.bytes())
}

fn packet<const N: usize>(
    [pid1, pid2]: [u8; 2],
    length: usize,
    data: impl IntoIterator<Item = u8>,
) -> Result<Vec<u8, N>, EncodeError> {
    let most = N.saturating_sub(OVERHEAD_BYTES);
    let too_long = EncodeError::TooLong { found: length, most };
    let [high, low] = u16::try_from(length).map_err(|_| too_long)?.to_be_bytes();
    let mut out = Vec::new();
    out.extend_from_slice(&[SYNC[0], SYNC[1], pid1, pid2, high, low]).map_err(|_| too_long)?;
    for byte in data {
        out.push(byte).map_err(|_| too_long)?;
    }
    let check = sum(&out).wrapping_neg().to_be_bytes();
    out.extend_from_slice(&check).map_err(|_| too_long)?;
    Ok(out)
}
