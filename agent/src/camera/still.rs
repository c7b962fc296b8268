//! What counts as a still, and why there is none.

/// A still as the camera sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    /// Media type, by its first bytes and not by what the camera says.
    pub media: &'static str,
    /// The bytes.
    pub content: Vec<u8>,
}

/// Why there is no still. No text in it holds credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missed {
    /// Too many cues wait for this camera.
    #[error("the camera is still busy with earlier stills")]
    Busy,
    /// The cue waited for too long.
    #[error("the cue waited for too long; what is before the camera now is something else")]
    Late,
    /// No connection, or it broke.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// Not within the time allowed.
    #[error("no whole still within {0} ms")]
    TimedOut(u128),
    /// A status that is none of success.
    #[error("the camera answered with status {0}")]
    Status(u16),
    /// It sends elsewhere, and credentials do not follow.
    #[error("the camera sends elsewhere (status {0}); write the address it sends to into the site file")]
    Redirected(u16),
    /// User or password is wrong, or none is configured.
    #[error("the camera does not accept user and password")]
    NotAccepted,
    /// It asks for them in a way that is not known here.
    #[error("the camera asks for a login that is neither basic nor digest")]
    Challenge,
    /// The password cannot be used.
    #[error("password file: {0}")]
    Password(String),
    /// The authority cannot be used.
    #[error("certificate authority: {0}")]
    Authority(String),
    /// Larger than allowed.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// Something else than a picture.
    #[error("what came is neither JPEG nor PNG: {0}")]
    NotAStill(String),
    /// A picture that does not end.
    #[error("the {0} ends in the middle")]
    CutShort(&'static str),
    /// It could not be recorded.
    #[error("not recorded: {0}")]
    NotRecorded(String),
}

impl Missed {
    /// Stable word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timed-out",
            Self::Status(_) => "status",
            Self::Redirected(_) => "redirected",
            Self::NotAccepted => "not-accepted",
            Self::Challenge => "challenge",
            Self::Password(_) => "password",
            Self::Authority(_) => "authority",
            Self::TooLarge(_) => "too-large",
            Self::NotAStill(_) => "not-a-still",
            Self::CutShort(_) => "cut-short",
            Self::NotRecorded(_) => "not-recorded",
        }
    }
}

/// First bytes of a JPEG (ISO/IEC 10918-1, B.1: SOI and the 0xFF of the next marker).
const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF];
/// Its last marker, EOI. Cameras append padding and comments of their own.
const JPEG_END: &[u8] = &[0xFF, 0xD9];
/// First bytes of a PNG (ISO/IEC 15948, 5.2), and its last chunk.
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n";
const PNG_END: &[u8] = b"IEND";
/// Bytes at the end in which the last marker must stand.
const TAIL: usize = 4096;
/// Bytes shown of what is no still.
const SHOWN: usize = 24;

/// Takes the bytes for a still, if they are one.
///
/// # Errors
///
/// [`Missed::NotAStill`] and [`Missed::CutShort`].
pub(super) fn judge(content: Vec<u8>) -> Result<Still, Missed> {
    let (media, name, end) = if content.starts_with(JPEG) {
        ("image/jpeg", "JPEG", JPEG_END)
    } else if content.starts_with(PNG) {
        ("image/png", "PNG", PNG_END)
    } else {
        let shown = content.get(..SHOWN.min(content.len())).unwrap_or_default();
        let shown = if shown.is_empty() { "nothing".to_owned() } else { shown.escape_ascii().to_string() };
        return Err(Missed::NotAStill(shown));
    };
    let tail = content.get(content.len().saturating_sub(TAIL)..).unwrap_or_default();
    if !tail.windows(end.len()).any(|it| it == end) {
        return Err(Missed::CutShort(name));
    }
    Ok(Still { media, content })
}
