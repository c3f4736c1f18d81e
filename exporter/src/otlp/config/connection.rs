//! How a collector is reached, whatever kind of data goes there.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry_otlp as otel;

use super::{
    super::{
        retry::Patience,
        settings::{self, Reader, Setting},
        tls,
    },
    OtlpArgs, endpoint, names,
};

/// How data travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC, over HTTP/2.
    Grpc,
    /// Protobuf messages posted over HTTP/1.1 or HTTP/2.
    HttpProtobuf,
}

impl Protocol {
    fn read(setting: &Setting) -> Result<Self, String> {
        match setting.value.to_ascii_lowercase().as_str() {
            otel::OTEL_EXPORTER_OTLP_PROTOCOL_GRPC => Ok(Self::Grpc),
            otel::OTEL_EXPORTER_OTLP_PROTOCOL_HTTP_PROTOBUF => Ok(Self::HttpProtobuf),
            otel::OTEL_EXPORTER_OTLP_PROTOCOL_HTTP_JSON => {
                Err(setting.wrong("is not built in; give grpc or http/protobuf, which every collector takes"))
            }
            _ => Err(setting.wrong("is no protocol; give grpc or http/protobuf")),
        }
    }
}

impl Protocol {
    /// What listens at an endpoint where nobody says: OTLP has two ports, and the one for gRPC answers nothing else.
    fn usual_at(endpoint: &str) -> Self {
        if endpoint.trim_end_matches('/').ends_with(":4317") { Self::Grpc } else { Self::HttpProtobuf }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Grpc => otel::OTEL_EXPORTER_OTLP_PROTOCOL_GRPC,
            Self::HttpProtobuf => otel::OTEL_EXPORTER_OTLP_PROTOCOL_HTTP_PROTOBUF,
        })
    }
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub(in crate::otlp) struct Connection {
    pub(in crate::otlp) endpoint: Uri,
    pub(in crate::otlp) protocol: Protocol,
    pub(in crate::otlp) headers: HeaderMap,
    pub(in crate::otlp) timeout: Duration,
    pub(in crate::otlp) gzip: bool,
    pub(in crate::otlp) tls: rustls::ClientConfig,
    pub(in crate::otlp) patience: Patience,
    /// What the operator says of this service, in addition to what the exporter finds out.
    pub(in crate::otlp) resource: Vec<(String, String)>,
}

const DEFAULT_RETRY_MAX: Duration = Duration::from_mins(1);

impl Connection {
    /// The TCP port of the collector.
    pub(super) fn port(&self) -> u16 {
        let usual = if self.endpoint.scheme_str() == Some("https") { 443 } else { 80 };
        self.endpoint.port_u16().unwrap_or(usual)
    }

    /// Where data goes, without what may be secret in the endpoint.
    pub(in crate::otlp) fn target(&self) -> String {
        let scheme = self.endpoint.scheme_str().unwrap_or_default();
        let authority = self.endpoint.authority().map_or("", http::uri::Authority::as_str);
        format!("{scheme}://{authority}{}", self.endpoint.path())
    }

    /// Reads every setting, whether or not an earlier one is wrong.
    pub(super) fn read(args: &OtlpArgs, endpoint: &Setting, reader: &mut Reader<'_>) -> Option<Self> {
        let protocol = reader.read(args.protocol.as_deref(), &names::PROTOCOL, Protocol::read);
        let protocol = protocol.unwrap_or_else(|| Protocol::usual_at(&endpoint.value));
        let insecure =
            args.insecure || reader.find(None, &names::INSECURE).is_some_and(|s| settings::boolean(&s));
        let endpoint = reader.keep(endpoint::read(endpoint, reader.kind(), protocol, insecure));
        let headers = reader.read(args.headers.as_deref(), &names::HEADERS, headers);
        let timeout = reader.read(args.timeout.as_deref(), &names::TIMEOUT, settings::timeout);
        let gzip = reader.read(args.compression.as_deref(), &names::COMPRESSION, settings::gzip);
        let with_tls = endpoint.as_ref().is_some_and(|uri| uri.scheme_str() == Some("https"));
        let tls = if with_tls { read_tls(args, reader) } else { reader.keep(tls::none()) };
        let retry_max = reader.read(args.retry_max.as_deref(), &names::RETRY_MAX, settings::duration);
        let resource = resource(reader);
        Some(Self {
            endpoint: endpoint?,
            protocol,
            headers: headers.unwrap_or_default(),
            timeout: timeout.unwrap_or(otel::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT),
            gzip: gzip.unwrap_or(false),
            tls: tls?,
            patience: Patience {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(30),
                in_all: retry_max.unwrap_or(DEFAULT_RETRY_MAX),
            },
            resource,
        })
    }
}

fn read_tls(args: &OtlpArgs, reader: &mut Reader<'_>) -> Option<rustls::ClientConfig> {
    let roots = reader.find(args.certificate.as_deref(), &names::CERTIFICATE);
    let certificate = reader.find(args.client_certificate.as_deref(), &names::CLIENT_CERTIFICATE);
    let key = reader.find(args.client_key.as_deref(), &names::CLIENT_KEY);
    let roots = reader.keep(tls::roots(roots.as_ref()));
    let identity = reader.keep(match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => tls::identity(&certificate, &key).map(Some),
        (Some(certificate), None) => {
            Err(certificate.wrong(format_args!("has no key; give {} too", names::CLIENT_KEY.flag)))
        }
        (None, Some(key)) => {
            Err(key.wrong(format_args!("has no certificate; give {} too", names::CLIENT_CERTIFICATE.flag)))
        }
    });
    reader.keep(tls::config(roots?, identity?))
}

/// The attributes that the operator gives; of two with one name the later one is meant.
fn resource(reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let wrong = |setting: &Setting, error| setting.wrong(format_args!("cannot be read: {error}"));
    let attributes = reader.read(None, &names::RESOURCE_ATTRIBUTES, |setting| {
        settings::pairs(&setting.value).map_err(|error| wrong(setting, error))
    });
    let name = reader.find(None, &names::SERVICE_NAME).map(|setting| {
        (opentelemetry_semantic_conventions::resource::SERVICE_NAME.to_owned(), setting.value)
    });
    attributes.unwrap_or_default().into_iter().chain(name).collect()
}

/// Headers that belong to the protocol.
const OWN_HEADERS: [&str; 7] =
    ["connection", "content-encoding", "content-length", "content-type", "host", "te", "transfer-encoding"];

/// Reads headers. No message shows a value: headers carry passwords.
fn headers(setting: &Setting) -> Result<HeaderMap, String> {
    let wrong = |error: &str| format!("{}: {error}; write name=value,name=value", setting.name);
    let mut headers = HeaderMap::new();
    for (name, value) in settings::pairs(&setting.value).map_err(|error| wrong(&error))? {
        let refuse = |what: &str| wrong(&format!("header {name:?} {what}"));
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) || name.starts_with("grpc-") {
            return Err(refuse("is set by the exporter and cannot be given"));
        }
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse("has no legal name"))?;
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| refuse("has a value with characters that are not ASCII"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}
