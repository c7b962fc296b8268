//! Why a connection failed, for the person who has to put it right.
//!
//! TLS refusals come in two kinds, and it matters which: *we* did not accept the broker's
//! certificate (look at our CA file, the broker's certificate, our clock), or *the broker* did not
//! accept ours and said so by an alert (look at our certificate and the broker's CA file). In TLS 1.3
//! the broker judges our certificate after our handshake is over, so its alert comes with the first
//! read and not out of the handshake.

use std::{error::Error, io, time::Duration};

use rumqttc::v5::{
    ConnectionError, StateError, TlsError,
    mqttbytes::{
        self,
        v5::{ConnectReturnCode, DisconnectReasonCode},
    },
};
use rustls::{AlertDescription, CertificateError};

/// One sentence on what happened at `host`, and where to look.
pub(crate) fn diagnose(error: &ConnectionError, host: &str, port: u16) -> String {
    let what = match error {
        ConnectionError::Io(error) | ConnectionError::Tls(TlsError::Io(error)) => io_error(error, host),
        ConnectionError::Tls(TlsError::TLS(error)) => tls_error(error, host),
        ConnectionError::Tls(error) => {
            format!("TLS could not be started: {error}; check that {host:?} is a name or address")
        }
        ConnectionError::MqttState(error) => state_error(error, host),
        ConnectionError::Timeout(_) => silent(None),
        ConnectionError::ConnectionRefused(code) => refused(*code),
        ConnectionError::NotConnAck(_) => {
            "the other end answered CONNECT with another packet; check that the port is an MQTT 5 broker's".to_owned()
        }
        ConnectionError::RequestsDone => "the request channel is closed".to_owned(),
    };
    format!("{host}:{port}: {what}")
}

/// The same for an error before CONNACK, where the other end may be no MQTT 5 broker at all.
///
/// A TLS port answers a plain CONNECT with an alert, which reads like a broken packet; an MQTT 3.1.1
/// broker answers with a CONNACK that lacks a byte, or closes.
pub(crate) fn diagnose_connect(error: &ConnectionError, host: &str, port: u16) -> String {
    let text = diagnose(error, host, port);
    let speaks_otherwise = match error {
        ConnectionError::MqttState(StateError::Deserialization(error)) => !matches!(error, mqttbytes::Error::Io(_)),
        ConnectionError::MqttState(StateError::ConnectionAborted) => true,
        _ => false,
    };
    if speaks_otherwise {
        format!(
            "{text}; this was before CONNACK: check that the port is an MQTT 5 broker's and whether it asks for TLS"
        )
    } else {
        text
    }
}

/// The sentence for an end that accepts TCP and says nothing.
pub(crate) fn silent(waited: Option<Duration>) -> String {
    let waited = waited.map_or_else(String::new, |waited| format!(" within {waited:?}"));
    format!(
        "no answer to the connection{waited}; check that the port is an MQTT broker's, that TLS is on at both ends or at neither, and the firewall"
    )
}

fn io_error(error: &io::Error, host: &str) -> String {
    if let Some(tls) = find_tls(error) {
        return tls_error(tls, host);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "connection refused: nothing listens on this port, or a firewall rejects it".to_owned()
        }
        io::ErrorKind::TimedOut => "the connection timed out: the host is down or a firewall drops packets".to_owned(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            format!("no route: {error}; check the network cable, the modem and the routes")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            format!("the connection was cut: {error}")
        }
        io::ErrorKind::UnexpectedEof => {
            "the other end closed during the TLS handshake; check that the port speaks TLS".to_owned()
        }
        // The resolver's errors have no kind of their own; its text says so.
        _ if error.to_string().contains("lookup") => {
            format!("the name was not found: {error}; check the name and the name server")
        }
        _ => error.to_string(),
    }
}

/// rustls' own error inside an I/O error, however deep.
fn find_tls(error: &io::Error) -> Option<&rustls::Error> {
    let mut source: Option<&(dyn Error + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(inner) = source {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        source = match inner.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as _),
            None => inner.source(),
        };
    }
    None
}

fn tls_error(error: &rustls::Error, host: &str) -> String {
    match error {
        rustls::Error::AlertReceived(alert) => alert_received(*alert),
        rustls::Error::InvalidCertificate(problem) => own_refusal(problem, host),
        rustls::Error::InvalidMessage(_) => {
            format!("the other end does not speak TLS here: {error}; check the port")
        }
        _ => format!("TLS failed: {error}"),
    }
}

/// We did not accept the broker's certificate.
fn own_refusal(problem: &CertificateError, host: &str) -> String {
    let what = match problem {
        CertificateError::UnknownIssuer => "unknown CA: it was not issued by an authority of our CA file".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, or our clock is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or our clock is wrong".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("name mismatch: it is not for {host:?}; an address must be in it as an address")
        }
        CertificateError::Revoked => "it has been revoked".to_owned(),
        CertificateError::BadEncoding => "it cannot be read".to_owned(),
        CertificateError::BadSignature => "its signature is wrong".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for a server (extended key usage)".to_owned()
        }
        other => other.to_string(),
    };
    format!("we refused the broker's certificate: {what}")
}

/// The broker did not accept something of ours (RFC 8446, 6.2).
fn alert_received(alert: AlertDescription) -> String {
    let what = match alert {
        AlertDescription::UnknownCA => "unknown CA: our certificate was not issued by an authority it knows",
        AlertDescription::BadCertificate => "bad certificate: ours is unreadable or its signature is wrong",
        AlertDescription::CertificateExpired => "certificate expired: renew ours",
        AlertDescription::CertificateRevoked => "certificate revoked: ours has been withdrawn",
        AlertDescription::CertificateUnknown => "certificate unknown: it found something unacceptable in ours",
        AlertDescription::UnsupportedCertificate => {
            "unsupported certificate: ours is not for a client (extended key usage) or of another kind"
        }
        AlertDescription::CertificateRequired => "certificate required: it got none from us",
        AlertDescription::AccessDenied => "access denied: our certificate is good and not permitted",
        AlertDescription::DecryptError => {
            "decrypt error: our key does not belong to our certificate, or a signature is wrong"
        }
        AlertDescription::HandshakeFailure => "handshake failure: no common cipher or signature scheme",
        AlertDescription::ProtocolVersion => "protocol version: it speaks neither TLS 1.2 nor 1.3",
        AlertDescription::UnrecognisedName => "unrecognised name: it does not serve this host name",
        other => return format!("the broker refused us by TLS alert: {other:?}"),
    };
    format!("the broker refused us by TLS alert, {what}")
}

fn state_error(error: &StateError, host: &str) -> String {
    match error {
        StateError::Io(error) | StateError::Deserialization(mqttbytes::Error::Io(error)) => io_error(error, host),
        StateError::Deserialization(mqttbytes::Error::PayloadSizeLimitExceeded { pkt_size, max }) => {
            format!(
                "the broker sent a packet of {pkt_size} bytes, above our limit of {max}; raise the largest incoming packet"
            )
        }
        // A DISCONNECT of two bytes stands for reason 0x00 (MQTT 5.0, 3.14.2.1).
        StateError::Deserialization(mqttbytes::Error::PayloadRequired) => {
            "the broker ended the connection without a reason".to_owned()
        }
        StateError::Deserialization(error) => {
            format!("the broker sent a packet that cannot be read: {error}")
        }
        StateError::ServerDisconnect { reason_code, reason_string } => {
            disconnected(*reason_code, reason_string.as_deref())
        }
        StateError::ConnectionAborted => "the broker closed the connection without a word".to_owned(),
        StateError::Unsolicited(id) => {
            format!("the broker acknowledged packet id {id}, which is not open")
        }
        StateError::AwaitPingResp => "no answer to a ping: the line is dead".to_owned(),
        other => other.to_string(),
    }
}

/// The CONNACK's reason (MQTT 5.0, 3.2.2.2).
fn refused(code: ConnectReturnCode) -> String {
    let what = match code {
        ConnectReturnCode::NotAuthorized => {
            "not authorised: the broker's access list does not know this client id or certificate"
        }
        ConnectReturnCode::BadUserNamePassword => "bad user name or password",
        ConnectReturnCode::ClientIdentifierNotValid | ConnectReturnCode::BadClientId => {
            "the client id is not permitted"
        }
        ConnectReturnCode::ServerUnavailable | ConnectReturnCode::ServiceUnavailable => "the broker is not available",
        ConnectReturnCode::ServerBusy => "the broker is busy",
        ConnectReturnCode::Banned => "this client is banned",
        ConnectReturnCode::UnsupportedProtocolVersion | ConnectReturnCode::RefusedProtocolVersion => {
            "the broker does not speak MQTT 5"
        }
        ConnectReturnCode::PacketTooLarge => "CONNECT with its will is too large for the broker",
        ConnectReturnCode::QuotaExceeded => "a quota of the broker is used up",
        ConnectReturnCode::RetainNotSupported => "the will is retained and the broker keeps no retained messages",
        ConnectReturnCode::QoSNotSupported => "the broker does not support QoS 1",
        ConnectReturnCode::TopicNameInvalid => "the will's topic is not permitted",
        ConnectReturnCode::UseAnotherServer | ConnectReturnCode::ServerMoved => {
            "the broker has moved; correct the host name"
        }
        ConnectReturnCode::ConnectionRateExceeded => "too many connections in too short a time",
        other => return format!("the broker refused the connection: {other:?}"),
    };
    format!("the broker refused the connection: {what}")
}

fn disconnected(code: DisconnectReasonCode, text: Option<&str>) -> String {
    let what = match code {
        DisconnectReasonCode::SessionTakenOver => {
            "another client came with the same client id; is a second agent running with it?"
        }
        DisconnectReasonCode::ServerBusy => "it is busy",
        DisconnectReasonCode::ServerShuttingDown => "it is shutting down",
        DisconnectReasonCode::KeepAliveTimeout => "it heard nothing from us for 1.5 keep-alives",
        DisconnectReasonCode::PacketTooLarge => "a packet was too large",
        DisconnectReasonCode::ReceiveMaximumExceeded => "its receive maximum was exceeded",
        DisconnectReasonCode::QuotaExceeded => "a quota is used up",
        DisconnectReasonCode::NotAuthorized => "not authorised",
        DisconnectReasonCode::AdministrativeAction => "an administrator closed it",
        DisconnectReasonCode::MessageRateTooHigh => "messages came too fast",
        other => return with_text(&format!("the broker ended the connection: {other:?}"), text),
    };
    with_text(&format!("the broker ended the connection: {what}"), text)
}

fn with_text(sentence: &str, text: Option<&str>) -> String {
    match text {
        Some(text) => format!("{sentence} (it says {text:?})"),
        None => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(error: rustls::Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    #[test]
    fn refusals_name_the_side_and_the_cause() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let rows: Vec<(ConnectionError, [&str; 2])> = vec![
            (ConnectionError::Io(refused), ["connection refused", "b:8883"]),
            (
                ConnectionError::Tls(TlsError::Io(inside(rustls::Error::InvalidCertificate(
                    CertificateError::UnknownIssuer,
                )))),
                ["we refused", "unknown CA"],
            ),
            (
                ConnectionError::Tls(TlsError::TLS(rustls::Error::InvalidCertificate(CertificateError::Expired))),
                ["we refused", "expired"],
            ),
            (
                ConnectionError::Tls(TlsError::Io(inside(rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName,
                )))),
                ["we refused", "name mismatch"],
            ),
            (
                ConnectionError::MqttState(StateError::Deserialization(mqttbytes::Error::Io(inside(
                    rustls::Error::AlertReceived(AlertDescription::UnknownCA),
                )))),
                ["the broker refused us", "unknown CA"],
            ),
            (
                // An I/O error inside another is unpacked too.
                ConnectionError::MqttState(StateError::Io(io::Error::other(inside(rustls::Error::AlertReceived(
                    AlertDescription::BadCertificate,
                ))))),
                ["the broker refused us", "bad certificate"],
            ),
            (
                ConnectionError::MqttState(StateError::Deserialization(mqttbytes::Error::Io(inside(
                    rustls::Error::AlertReceived(AlertDescription::CertificateExpired),
                )))),
                ["the broker refused us", "certificate expired"],
            ),
            (
                ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized),
                ["refused the connection", "not authorised"],
            ),
            (
                ConnectionError::MqttState(StateError::ServerDisconnect {
                    reason_code: DisconnectReasonCode::SessionTakenOver,
                    reason_string: Some("two of you".to_owned()),
                }),
                ["same client id", "two of you"],
            ),
            (
                ConnectionError::MqttState(StateError::Deserialization(mqttbytes::Error::PayloadSizeLimitExceeded {
                    pkt_size: 9000,
                    max: 4096,
                })),
                ["9000", "4096"],
            ),
        ];
        for (error, words) in rows {
            let text = diagnose(&error, "b", 8883);
            for word in words {
                assert!(text.contains(word), "{text:?} should say {word:?}");
            }
        }
    }
}
