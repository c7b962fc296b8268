//! A certification authority of a test: certificates for a broker and its clients, as PEM files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// An authority and the folder of its files.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: PathBuf,
    name: String,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// PEM file of the certificate.
    pub certificate: PathBuf,
    /// PEM file of the key (PKCS#8).
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority; its certificate is `<name>.pem` in `dir`.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn new(dir: &Path, name: &str) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let authority = Self { issuer, dir: dir.to_owned(), name: name.to_owned() };
        fs::write(authority.path(), authority.issuer.pem())?;
        Ok(authority)
    }

    /// PEM file of the authority's own certificate.
    pub fn path(&self) -> PathBuf {
        self.dir.join(format!("{}.pem", self.name))
    }

    /// A certificate for a server on this machine: `localhost` as a name, 127.0.0.1 as an address.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn server(&self, file: &str) -> Result<Identity> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params, file)
    }

    /// A certificate for the client that calls itself `common_name`.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn client(&self, file: &str, common_name: &str) -> Result<Identity> {
        self.sign(&client(common_name)?, file)
    }

    /// As [`Authority::client`], with a validity that ended long ago.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn expired_client(&self, file: &str, common_name: &str) -> Result<Identity> {
        let mut params = client(common_name)?;
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(2025, 1, 1);
        self.sign(&params, file)
    }

    fn sign(&self, params: &CertificateParams, file: &str) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let identity =
            Identity { certificate: self.dir.join(format!("{file}.pem")), key: self.dir.join(format!("{file}.key")) };
        fs::write(&identity.certificate, params.signed_by(&key, &self.issuer)?.pem())?;
        fs::write(&identity.key, key.serialize_pem())?;
        Ok(identity)
    }
}

fn client(common_name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(vec![common_name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}
