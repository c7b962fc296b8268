//! The TLS side of a connection: our authorities only, our certificate, rustls with ring.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{
    dated::{Calendar, Dated},
    settings::{SettingsError, TlsPem},
};

/// Builds the client side of mutual TLS 1.2 or 1.3; certificates are judged by `calendar`, or else by the system's clock.
///
/// # Errors
///
/// When certificates or key cannot be read or do not belong together.
pub fn client_config(pem: &TlsPem, calendar: Option<Arc<dyn Calendar>>) -> Result<Arc<ClientConfig>, SettingsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates("CA certificate", &pem.ca)? {
        roots.add(authority).map_err(|error| SettingsError::Tls(format!("CA certificate: {error}")))?;
    }
    let chain = certificates("client certificate", &pem.certificate)?;
    // The reader's own text would quote a line of the key.
    let key = PrivateKeyDer::from_pem_slice(&pem.key).map_err(|_| SettingsError::Pem {
        what: "private key",
        why: "no PKCS#8, PKCS#1 or SEC1 key in it".to_owned(),
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls(error.to_string()))?;
    let builder = match calendar {
        None => builder.with_root_certificates(roots),
        // Not what its name warns of: authority, name, purpose and signature are checked as without it.
        Some(calendar) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Dated::new(roots, provider, calendar)?))
        }
    };
    let config = builder.with_client_auth_cert(chain, key).map_err(|error| SettingsError::Tls(error.to_string()))?;
    Ok(Arc::new(config))
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| SettingsError::Pem { what, why: error.to_string() })?;
    if found.is_empty() {
        return Err(SettingsError::Pem { what, why: "no certificate in it".to_owned() });
    }
    Ok(found)
}
