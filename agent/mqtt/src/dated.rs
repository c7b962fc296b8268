//! Certificates judged by a clock that may be wrong.
//!
//! A certificate is valid from one date to another. A box whose battery is flat believes it is 1970 and would refuse its own
//! broker for ever, and could then never be told the time. So the date is judged by what is known:
//!
//! - a clock that somebody vouches for is believed;
//! - otherwise only the *floor* is: no time before it can be now. The chain is then accepted when there is any instant at or
//!   after the floor at which all of it is valid, beginning with the clock's own. What has ended before the floor stays refused.
//!
//! Name, authority, purpose and signature are judged as always; a wrong clock opens none of these.

use std::{fmt::Debug, sync::Arc, time::Duration};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::settings::SettingsError;

/// Instants tried for one chain: each certificate of it may push the instant once.
const TRIES: usize = 8;

/// What is known of the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// What the wall clock shows, UTC milliseconds.
    pub now_ms: i64,
    /// No time before this can be now, UTC milliseconds.
    pub floor_ms: i64,
    /// Somebody vouches for `now_ms`.
    pub vouched: bool,
}

/// Says what is known of the date, at each handshake.
pub trait Calendar: Debug + Send + Sync {
    /// Now.
    fn date(&self) -> Date;
}

/// Judges a broker's certificate by a [`Calendar`].
#[derive(Debug)]
pub(crate) struct Dated {
    inner: Arc<WebPkiServerVerifier>,
    calendar: Arc<dyn Calendar>,
}

impl Dated {
    pub(crate) fn new(
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
        calendar: Arc<dyn Calendar>,
    ) -> Result<Self, SettingsError> {
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| SettingsError::Tls(error.to_string()))?;
        Ok(Self { inner, calendar })
    }
}

fn is_of_dates(refusal: &Error) -> bool {
    matches!(
        refusal,
        Error::InvalidCertificate(
            CertificateError::ExpiredContext { .. } | CertificateError::NotValidYetContext { .. }
        )
    )
}

fn unix(ms: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

impl ServerCertVerifier for Dated {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judge = |at| self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at);
        let Date { now_ms, floor_ms, vouched } = self.calendar.date();
        let floor = unix(floor_ms);
        let mut at = unix(now_ms).max(floor);
        let first = match judge(at) {
            Err(refusal) if !vouched => refusal,
            judged => return judged,
        };
        let mut refusal = first.clone();
        let mut fell_back = false;
        for _ in 0..TRIES {
            at = match refusal {
                // Ahead of the chain's days, perhaps: from the floor on, the days are looked for upwards.
                Error::InvalidCertificate(CertificateError::ExpiredContext { .. }) if !fell_back && at > floor => floor,
                Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })
                    if not_before > at =>
                {
                    not_before
                }
                _ => break,
            };
            fell_back = true;
            match judge(at) {
                Ok(verified) => {
                    tracing::warn!(
                        clock_ms = now_ms,
                        floor_ms,
                        "nobody vouches for the clock; the broker's certificate was judged by its own days"
                    );
                    return Ok(verified);
                }
                Err(again) => refusal = again,
            }
        }
        // Of dates, the reason that fits our own clock is the one to tell; any other holds by any clock.
        Err(if is_of_dates(&refusal) { first } else { refusal })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
