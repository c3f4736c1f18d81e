//! What the sink is told: the flags as typed, and the settings that they and the `OTEL_*` variables amount to.

mod endpoint;
#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry_otlp as otel;
use opentelemetry_sdk::logs as sdk;

use super::{
    queue::Limits,
    retry::Patience,
    settings::{self, Names, Reader, Setting},
    tls,
};

/// The flags, as typed. Each falls back to OpenTelemetry's environment variables.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "OTLP logs")]
pub struct OtlpArgs {
    /// Where to send events; the help text names the variables, without marks around them.
    #[arg(long = "otlp.endpoint", value_name = "URL", help = ENDPOINT_HELP, long_help = ENDPOINT_LONG_HELP)]
    pub endpoint: Option<String>,

    /// How to talk to the collector: grpc or http/protobuf [default: http/protobuf, and grpc at port 4317]
    #[arg(long = "otlp.protocol", value_name = "PROTOCOL")]
    pub protocol: Option<String>,

    /// Headers sent with each request.
    #[arg(long = "otlp.headers", value_name = "NAME=VALUE,...", help = HEADERS_HELP)]
    pub headers: Option<String>,

    /// How long to wait for an answer [default: 10s]
    #[arg(long = "otlp.timeout", value_name = "TIME")]
    pub timeout: Option<String>,

    /// How to compress requests: gzip or none [default: none]
    #[arg(long = "otlp.compression", value_name = "METHOD")]
    pub compression: Option<String>,

    /// Certificates (PEM) to trust instead of the system's
    #[arg(long = "otlp.certificate", value_name = "FILE")]
    pub certificate: Option<String>,

    /// Certificate chain (PEM) to show to the collector
    #[arg(long = "otlp.client-certificate", value_name = "FILE")]
    pub client_certificate: Option<String>,

    /// Private key (PEM) of that certificate
    #[arg(long = "otlp.client-key", value_name = "FILE")]
    pub client_key: Option<String>,

    /// Use no TLS for a gRPC endpoint that is given without http:// or https://
    #[arg(long = "otlp.insecure")]
    pub insecure: bool,

    /// Events that may wait to be sent; more are lost, and counted [default: 65536]
    #[arg(long = "otlp.queue-size", value_name = "EVENTS")]
    pub queue_size: Option<String>,

    /// Events sent in one request, at most the queue's size [default: 512]
    #[arg(long = "otlp.batch-size", value_name = "EVENTS")]
    pub batch_size: Option<String>,

    /// How long an event waits for others to be sent with it [default: 1s]
    #[arg(long = "otlp.flush-interval", value_name = "TIME")]
    pub flush_interval: Option<String>,

    /// How long a request is tried again before its events are given up [default: 60s]
    #[arg(long = "otlp.retry-max", value_name = "TIME")]
    pub retry_max: Option<String>,
}

const ENDPOINT_HELP: &str = "Send each event as a log record to this collector";
const ENDPOINT_LONG_HELP: &str = "\
Send each event as a log record to this collector. Over HTTP, a URL without a path gets /v1/logs.

Without it, and without OTEL_EXPORTER_OTLP_LOGS_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT, nothing is sent. The other \
flags fall back to OpenTelemetry's variables, too. OTEL_SDK_DISABLED=true and OTEL_LOGS_EXPORTER=none switch sending \
off whatever else is given.";
const HEADERS_HELP: &str = "\
Headers sent with each request, percent-encoded. Other users see flags: give secrets by OTEL_EXPORTER_OTLP_HEADERS";

/// How records travel.
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
pub struct Config {
    pub(super) endpoint: Uri,
    pub(super) protocol: Protocol,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    pub(super) gzip: bool,
    pub(super) tls: rustls::ClientConfig,
    pub(super) limits: Limits,
    pub(super) patience: Patience,
    /// What the operator says of this service, in addition to what the exporter finds out.
    pub(super) resource: Vec<(String, String)>,
}

const ENDPOINT: Names = Names {
    flag: "--otlp.endpoint",
    variables: &[otel::OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, otel::OTEL_EXPORTER_OTLP_ENDPOINT],
};
const PROTOCOL: Names = Names {
    flag: "--otlp.protocol",
    variables: &[otel::OTEL_EXPORTER_OTLP_LOGS_PROTOCOL, otel::OTEL_EXPORTER_OTLP_PROTOCOL],
};
const HEADERS: Names = Names {
    flag: "--otlp.headers",
    variables: &[otel::OTEL_EXPORTER_OTLP_LOGS_HEADERS, otel::OTEL_EXPORTER_OTLP_HEADERS],
};
const TIMEOUT: Names = Names {
    flag: "--otlp.timeout",
    variables: &[otel::OTEL_EXPORTER_OTLP_LOGS_TIMEOUT, otel::OTEL_EXPORTER_OTLP_TIMEOUT],
};
const COMPRESSION: Names = Names {
    flag: "--otlp.compression",
    variables: &[otel::OTEL_EXPORTER_OTLP_LOGS_COMPRESSION, otel::OTEL_EXPORTER_OTLP_COMPRESSION],
};
const INSECURE: Names = Names {
    flag: "--otlp.insecure",
    variables: &[otel::OTEL_EXPORTER_OTLP_LOGS_INSECURE, otel::OTEL_EXPORTER_OTLP_INSECURE],
};
const CERTIFICATE: Names = Names {
    flag: "--otlp.certificate",
    variables: &["OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
};
const CLIENT_CERTIFICATE: Names = Names {
    flag: "--otlp.client-certificate",
    variables: &["OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"],
};
const CLIENT_KEY: Names = Names {
    flag: "--otlp.client-key",
    variables: &["OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
};
const QUEUE_SIZE: Names = Names { flag: "--otlp.queue-size", variables: &[sdk::OTEL_BLRP_MAX_QUEUE_SIZE] };
const BATCH_SIZE: Names =
    Names { flag: "--otlp.batch-size", variables: &[sdk::OTEL_BLRP_MAX_EXPORT_BATCH_SIZE] };
const FLUSH_INTERVAL: Names =
    Names { flag: "--otlp.flush-interval", variables: &[sdk::OTEL_BLRP_SCHEDULE_DELAY] };
const RETRY_MAX: Names = Names { flag: "--otlp.retry-max", variables: &[] };

// What follows has no flag.
const SDK_DISABLED: Names = Names { flag: "", variables: &["OTEL_SDK_DISABLED"] };
const LOGS_EXPORTER: Names = Names { flag: "", variables: &["OTEL_LOGS_EXPORTER"] };
const SERVICE_NAME: Names = Names { flag: "", variables: &["OTEL_SERVICE_NAME"] };
const RESOURCE_ATTRIBUTES: Names = Names { flag: "", variables: &["OTEL_RESOURCE_ATTRIBUTES"] };

/// A burst of two thirds of a second at 100,000 events a second; 6 MiB when full.
const DEFAULT_QUEUE_SIZE: usize = 65_536;
const DEFAULT_RETRY_MAX: Duration = Duration::from_mins(1);

impl Config {
    /// The TCP port of the collector.
    #[must_use]
    pub fn port(&self) -> u16 {
        let usual = if self.endpoint.scheme_str() == Some("https") { 443 } else { 80 };
        self.endpoint.port_u16().unwrap_or(usual)
    }

    /// Makes settings of the flags and, where they say nothing, of the variables that `env` reads; `None` if there is
    /// no endpoint or sending is switched off. Reads the certificates, which must therefore be readable now and need
    /// not be later; for an endpoint without TLS they are not looked at.
    ///
    /// # Errors
    /// Names everything that is wrong: by which flag or variable it was given, its value, and what would be right.
    pub fn resolve(
        args: &OtlpArgs,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Vec<String>> {
        let mut reader = Reader::new(env);
        let Some(endpoint) = reader.find(args.endpoint.as_deref(), &ENDPOINT) else { return Ok(None) };
        if switched_off(&mut reader) {
            return Ok(None);
        }
        let config = Self::read(args, &endpoint, &mut reader);
        let errors = reader.into_errors();
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }

    /// Where events go, without what may be secret in the endpoint.
    pub(super) fn target(&self) -> String {
        let scheme = self.endpoint.scheme_str().unwrap_or_default();
        let authority = self.endpoint.authority().map_or("", http::uri::Authority::as_str);
        format!("{scheme}://{authority}{}", self.endpoint.path())
    }

    /// How events go there.
    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How many events wait, and for how long.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Reads every setting, whether or not an earlier one is wrong.
    fn read(args: &OtlpArgs, endpoint: &Setting, reader: &mut Reader<'_>) -> Option<Self> {
        let protocol = reader.read(args.protocol.as_deref(), &PROTOCOL, Protocol::read);
        let protocol = protocol.unwrap_or_else(|| Protocol::usual_at(&endpoint.value));
        let insecure = args.insecure || reader.find(None, &INSECURE).is_some_and(|s| settings::boolean(&s));
        let endpoint = reader.keep(endpoint::read(endpoint, protocol, insecure));
        let headers = reader.read(args.headers.as_deref(), &HEADERS, headers);
        let timeout = reader.read(args.timeout.as_deref(), &TIMEOUT, settings::timeout);
        let gzip = reader.read(args.compression.as_deref(), &COMPRESSION, settings::gzip);
        let with_tls = endpoint.as_ref().is_some_and(|uri| uri.scheme_str() == Some("https"));
        let tls = if with_tls { read_tls(args, reader) } else { reader.keep(tls::none()) };
        let limits = limits(args, reader);
        let retry_max = reader.read(args.retry_max.as_deref(), &RETRY_MAX, settings::duration);
        let resource = resource(reader);
        Some(Self {
            endpoint: endpoint?,
            protocol,
            headers: headers.unwrap_or_default(),
            timeout: timeout.unwrap_or(otel::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT),
            gzip: gzip.unwrap_or(false),
            tls: tls?,
            limits,
            patience: Patience {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(30),
                in_all: retry_max.unwrap_or(DEFAULT_RETRY_MAX),
            },
            resource,
        })
    }
}

/// Whether OpenTelemetry's own switches are off.
fn switched_off(reader: &mut Reader<'_>) -> bool {
    let disabled = reader.find(None, &SDK_DISABLED).is_some_and(|setting| settings::boolean(&setting));
    let exporter = reader.read(None, &LOGS_EXPORTER, |setting| {
        let mut names = setting.value.split(',').map(str::trim);
        match setting.value.as_str() {
            "none" => Ok(true),
            _ if names.any(|name| name == "otlp") => Ok(false),
            _ => Err(setting.wrong("is no exporter that is built in; give otlp or none")),
        }
    });
    disabled || exporter == Some(true)
}

fn read_tls(args: &OtlpArgs, reader: &mut Reader<'_>) -> Option<rustls::ClientConfig> {
    let roots = reader.find(args.certificate.as_deref(), &CERTIFICATE);
    let certificate = reader.find(args.client_certificate.as_deref(), &CLIENT_CERTIFICATE);
    let key = reader.find(args.client_key.as_deref(), &CLIENT_KEY);
    let roots = reader.keep(tls::roots(roots.as_ref()));
    let identity = reader.keep(match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => tls::identity(&certificate, &key).map(Some),
        (Some(certificate), None) => {
            Err(certificate.wrong(format_args!("has no key; give {} too", CLIENT_KEY.flag)))
        }
        (None, Some(key)) => {
            Err(key.wrong(format_args!("has no certificate; give {} too", CLIENT_CERTIFICATE.flag)))
        }
    });
    reader.keep(tls::config(roots?, identity?))
}

fn limits(args: &OtlpArgs, reader: &mut Reader<'_>) -> Limits {
    let queue_size = reader.read(args.queue_size.as_deref(), &QUEUE_SIZE, settings::count);
    let batch_size = reader.read(args.batch_size.as_deref(), &BATCH_SIZE, settings::count);
    let flush_interval = reader.read(args.flush_interval.as_deref(), &FLUSH_INTERVAL, settings::duration);
    let queue_size = queue_size.unwrap_or(DEFAULT_QUEUE_SIZE);
    Limits {
        queue_size,
        batch_size: batch_size.unwrap_or(sdk::OTEL_BLRP_MAX_EXPORT_BATCH_SIZE_DEFAULT).min(queue_size),
        flush_interval: flush_interval.unwrap_or(sdk::OTEL_BLRP_SCHEDULE_DELAY_DEFAULT),
    }
}

/// The attributes that the operator gives; of two with one name the later one is meant.
fn resource(reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let wrong = |setting: &Setting, error| setting.wrong(format_args!("cannot be read: {error}"));
    let attributes = reader.read(None, &RESOURCE_ATTRIBUTES, |setting| {
        settings::pairs(&setting.value).map_err(|error| wrong(setting, error))
    });
    let name = reader.find(None, &SERVICE_NAME).map(|setting| {
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
