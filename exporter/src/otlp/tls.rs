//! Whom to trust, and who we are: certificates and keys.

use std::{path::Path, sync::Arc};

use hyper_rustls::ConfigBuilderExt as _;
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    client::WantsClientCert,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::settings::Setting;

/// A certificate chain and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Settings that know whom to trust and do not know yet who we are.
pub(super) type Trusting = ConfigBuilder<ClientConfig, WantsClientCert>;

/// Trusts nobody: for endpoints without TLS.
pub(super) fn none() -> Result<ClientConfig, String> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Trusts the given file, or else the system.
pub(super) fn roots(file: Option<&Setting>) -> Result<Trusting, String> {
    let Some(file) = file else {
        return builder()?.with_native_roots().map_err(|error| {
            format!("no certificates to trust on this system ({error}); give some by --otlp.certificate")
        });
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| file.wrong(format_args!("holds a bad certificate: {error}")))?;
    }
    Ok(builder()?.with_root_certificates(roots))
}

/// Reads what we show to a collector that asks.
pub(super) fn identity(certificate: &Setting, key: &Setting) -> Result<Identity, String> {
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_file(Path::new(&key.value)).map_err(|error| {
        key.wrong(format_args!("is no readable private key: {error}; give a PEM file without a passphrase"))
    })?;
    Ok((chain, secret))
}

/// Puts both together.
pub(super) fn config(trusting: Trusting, identity: Option<Identity>) -> Result<ClientConfig, String> {
    let Some((chain, key)) = identity else { return Ok(trusting.with_no_client_auth()) };
    trusting.with_client_auth_cert(chain, key).map_err(|error| {
        format!("the client certificate and its key do not fit: {error}; give a pair that belongs together")
    })
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    // Named, because a process-wide default may be set by nobody, or by somebody else.
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}

fn certificates(file: &Setting) -> Result<Vec<CertificateDer<'static>>, String> {
    let unreadable = |error| file.wrong(format_args!("cannot be read: {error}; give a PEM file"));
    let certificates: Vec<_> = CertificateDer::pem_file_iter(Path::new(&file.value))
        .and_then(Iterator::collect)
        .map_err(|error: rustls::pki_types::pem::Error| unreadable(error))?;
    if certificates.is_empty() {
        return Err(file.wrong("holds no certificate; give a PEM file"));
    }
    Ok(certificates)
}
