//! TLS of the fakes: the keys that are in `tests/data/kubernetes`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// A file of `tests/data/kubernetes`.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kubernetes").join(name)
}

fn certificates(name: &str) -> Vec<CertificateDer<'static>> {
    let read = CertificateDer::pem_file_iter(file(name)).expect("a PEM file");
    read.map(|certificate| certificate.expect("a certificate")).collect()
}

/// What a server needs: its certificate, and the authority of certificates that clients may show.
pub(crate) fn config() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for authority in certificates("ca.crt") {
        roots.add(authority).expect("an authority");
    }
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let clients = clients.allow_unauthenticated().build().expect("a verifier");
    let key = PrivateKeyDer::from_pem_file(file("server.key")).expect("a key");
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions of TLS").with_client_cert_verifier(clients);
    Arc::new(builder.with_single_cert(certificates("server.crt"), key).expect("a server"))
}
