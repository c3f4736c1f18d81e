//! A collector behind TLS.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

use super::*;

/// A certificate authority and, signed by it, certificate and key for 127.0.0.1, which serve both sides.
struct Authority {
    directory: tempfile::TempDir,
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    root: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf =
            CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
        let directory = tempfile::tempdir().unwrap();
        for (name, pem) in
            [("ca.pem", root.pem()), ("leaf.pem", leaf.pem()), ("key.pem", key.serialize_pem())]
        {
            std::fs::write(directory.path().join(name), pem).unwrap();
        }
        Self {
            directory,
            chain: vec![leaf.der().clone()],
            key: key.serialize_der(),
            root: root.der().clone(),
        }
    }

    fn file(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn server(&self, wants_client: bool) -> ServerConfig {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = if wants_client {
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivatePkcs8KeyDer::from(self.key.clone()).into();
        let mut config = builder.with_single_cert(self.chain.clone(), key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

#[tokio::test]
async fn a_certificate_that_is_given_is_trusted_and_no_other() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for protocol in PROTOCOLS {
        let collector = Collector::start_tls(authority.server(false)).await;
        let endpoint = format!("https://{}", collector.address);
        let trusting = config(&endpoint, protocol, |args| args.certificate = Some(authority.file("ca.pem")));
        assert_eq!(send(&trusting, 10).await, (10, [0; 4]), "{protocol}");
        let mistrusting = config(&endpoint, protocol, |args| {
            args.certificate = Some(stranger.file("ca.pem"));
            args.retry_max = Some("0s".into());
        });
        assert_eq!(send(&mistrusting, 10).await, (0, [0, 0, 10, 0]), "{protocol}");
        assert_eq!(n_taken(&collector), 10, "{protocol}");
    }
}

#[tokio::test]
async fn a_collector_that_wants_to_know_its_clients_gets_their_certificate() {
    let authority = Authority::new();
    for protocol in PROTOCOLS {
        let collector = Collector::start_tls(authority.server(true)).await;
        let endpoint = format!("https://{}", collector.address);
        let anonymous = |args: &mut OtlpArgs| {
            args.certificate = Some(authority.file("ca.pem"));
            args.retry_max = Some("0s".into());
        };
        let known = |args: &mut OtlpArgs| {
            anonymous(args);
            args.client_certificate = Some(authority.file("leaf.pem"));
            args.client_key = Some(authority.file("key.pem"));
        };
        assert_eq!(send(&config(&endpoint, protocol, anonymous), 10).await, (0, [0, 0, 10, 0]), "{protocol}");
        assert_eq!(send(&config(&endpoint, protocol, known), 10).await, (10, [0; 4]), "{protocol}");
        assert_eq!(n_taken(&collector), 10, "{protocol}");
    }
}
