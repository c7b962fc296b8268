//! Where an instrument is, as typed on a command line.
//!
//! ```text
//! tcp://192.168.7.20:1600
//! serial:///dev/ttyUSB0                              9600 8N1
//! serial:///dev/serial/by-id/usb-x?baud=19200&format=8E1
//! ```

use std::{fmt, path::PathBuf, str::FromStr};

use tidewaiter_config::site::{Link, Parity, SerialLine};

/// Where an instrument is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A TCP server.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A serial line; what was not typed is `None`, so that `probe` may try it.
    Serial {
        /// Device.
        path: PathBuf,
        /// Bits per second.
        baud: Option<u32>,
        /// Data bits, parity, stop bits.
        format: Option<(u8, Parity, u8)>,
    },
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no target: {why}; write tcp://HOST:PORT or serial:///dev/…?baud=9600&format=8N1")]
pub struct TargetError {
    text: String,
    why: &'static str,
}

/// The usual settings of an indicator that nobody has changed.
const DEFAULT_BAUD: u32 = 9600;
const DEFAULT_FORMAT: (u8, Parity, u8) = (8, Parity::None, 1);

impl Target {
    /// The link of a byte stream, with the usual settings for what was not typed.
    pub fn stream(&self) -> Link {
        match self {
            Self::Tcp { host, port } => Link::Tcp { host: host.clone(), port: *port },
            Self::Serial { path, baud, format } => {
                Link::Serial(line(path, baud.unwrap_or(DEFAULT_BAUD), format.unwrap_or(DEFAULT_FORMAT)))
            }
        }
    }
}

/// Settings of a serial line.
pub fn line(path: &std::path::Path, baud: u32, (data_bits, parity, stop_bits): (u8, Parity, u8)) -> SerialLine {
    SerialLine { path: path.to_owned(), baud, data_bits, parity, stop_bits }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| TargetError { text: text.to_owned(), why };
        if let Some(rest) = text.strip_prefix("tcp://") {
            let (host, port) = rest.rsplit_once(':').ok_or_else(|| wrong("the port is missing"))?;
            let port = port.parse().map_err(|_| wrong("the port is no number from 1 to 65535"))?;
            if host.is_empty() || port == 0 {
                return Err(wrong("host and port must both be given"));
            }
            return Ok(Self::Tcp { host: host.trim_matches(['[', ']']).to_owned(), port });
        }
        let Some(rest) = text.strip_prefix("serial://") else {
            return Err(wrong("it begins neither tcp:// nor serial://"));
        };
        let (path, settings) = rest.split_once('?').unwrap_or((rest, ""));
        if !path.starts_with('/') {
            return Err(wrong("the device path must be absolute, so there are three slashes"));
        }
        let (mut baud, mut format) = (None, None);
        for setting in settings.split('&').filter(|it| !it.is_empty()) {
            match setting.split_once('=') {
                Some(("baud", number)) => {
                    baud = Some(
                        number
                            .parse()
                            .ok()
                            .filter(|it| (50..=4_000_000).contains(it))
                            .ok_or_else(|| wrong("baud is no rate"))?,
                    );
                }
                Some(("format", text)) => {
                    format = Some(parse_format(text).ok_or_else(|| wrong("format is not like 8N1, 7E1 or 8E2"))?);
                }
                _ => return Err(wrong("a setting is neither baud= nor format=")),
            }
        }
        Ok(Self::Serial { path: path.into(), baud, format })
    }
}

fn parse_format(text: &str) -> Option<(u8, Parity, u8)> {
    let [data, parity, stop] = <[u8; 3]>::try_from(text.as_bytes()).ok()?;
    let parity = match parity.to_ascii_uppercase() {
        b'N' => Parity::None,
        b'E' => Parity::Even,
        b'O' => Parity::Odd,
        _ => return None,
    };
    let digit = |byte: u8, allowed: [u8; 2]| Some(byte.wrapping_sub(b'0')).filter(|it| allowed.contains(it));
    Some((digit(data, [7, 8])?, parity, digit(stop, [1, 2])?))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Serial { path, baud, format } => {
                write!(f, "serial://{}", path.display())?;
                if let Some(baud) = baud {
                    write!(f, "?baud={baud}")?;
                }
                if let Some((data, parity, stop)) = format {
                    let letter = match parity {
                        Parity::None => 'N',
                        Parity::Even => 'E',
                        Parity::Odd => 'O',
                    };
                    write!(f, "{}format={data}{letter}{stop}", if baud.is_some() { '&' } else { '?' })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn targets_read_back() {
        for text in ["tcp://192.168.7.20:1600", "serial:///dev/ttyUSB0", "serial:///dev/ttyS1?baud=19200&format=8E1"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_target_is_told_why() {
        for (text, word) in [
            ("192.168.7.20:1600", "begins neither"),
            ("tcp://host", "port is missing"),
            ("tcp://host:99999", "65535"),
            ("serial://ttyUSB0", "absolute"),
            ("serial:///dev/x?baud=fast", "rate"),
            ("serial:///dev/x?format=9N1", "8N1"),
            ("serial:///dev/x?parity=even", "neither baud= nor format="),
        ] {
            let refused = text.parse::<Target>().unwrap_err().to_string();
            assert!(refused.contains(word), "{text}: {refused}");
        }
    }
}
