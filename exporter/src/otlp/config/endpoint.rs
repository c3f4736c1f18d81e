//! The collector's URL: what people write, and where records then go.

use http::{Uri, uri::PathAndQuery};
use opentelemetry_otlp::OTEL_EXPORTER_OTLP_LOGS_ENDPOINT;

use super::{super::settings::Setting, Protocol};

/// Where logs are posted below a base URL.
const LOGS_PATH: &str = "/v1/logs";

/// Reads an endpoint.
///
/// Over HTTP the general variable is a base for all kinds of data and always gets `/v1/logs`, the one for logs is
/// used as it is, and the flag is a base unless it has a path. Over gRPC there is no path, and without a scheme
/// `insecure` decides on TLS.
pub(super) fn read(setting: &Setting, protocol: Protocol, insecure: bool) -> Result<Uri, String> {
    let uri = parse(setting, protocol, insecure)?;
    let has_path = uri.path() != "/" || uri.query().is_some();
    match protocol {
        Protocol::Grpc if has_path => {
            Err(setting.wrong("has a path, which gRPC does not have; give scheme, host and port alone, or protocol http/protobuf"))
        }
        Protocol::HttpProtobuf if is_base(setting, &uri) => {
            below(uri).map_err(|error| setting.wrong(format_args!("is no URL: {error}; give for instance {EXAMPLE}")))
        }
        Protocol::Grpc | Protocol::HttpProtobuf => Ok(uri),
    }
}

const EXAMPLE: &str = "http://localhost:4318";

fn parse(setting: &Setting, protocol: Protocol, insecure: bool) -> Result<Uri, String> {
    let text = match (protocol, setting.value.contains("://")) {
        (Protocol::Grpc, false) if insecure => format!("http://{}", setting.value),
        (Protocol::Grpc, false) => format!("https://{}", setting.value),
        _ => setting.value.clone(),
    };
    if has_user(&text) {
        // The value stays untold: it may hold a password.
        return Err(format!(
            "{} holds a user name; give it as a header, for instance authorization",
            setting.name
        ));
    }
    let is_no_url = |why: &str| setting.wrong(format_args!("is no URL: {why}; give for instance {EXAMPLE}"));
    let uri: Uri = text.parse().map_err(|error: http::uri::InvalidUri| is_no_url(&error.to_string()))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(is_no_url("it does not begin with http:// or https://"));
    }
    match uri.authority() {
        Some(authority) if !authority.host().is_empty() => Ok(uri),
        _ => Err(is_no_url("it has no host")),
    }
}

fn has_user(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?']).next().is_some_and(|authority| authority.contains('@'))
}

fn is_base(setting: &Setting, uri: &Uri) -> bool {
    if setting.is_flag() { uri.path() == "/" } else { setting.name != OTEL_EXPORTER_OTLP_LOGS_ENDPOINT }
}

fn below(base: Uri) -> Result<Uri, http::Error> {
    let path = base.path().trim_end_matches('/');
    let query = base.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = PathAndQuery::try_from(format!("{path}{LOGS_PATH}{query}"))?;
    let mut parts = base.into_parts();
    parts.path_and_query = Some(path);
    Ok(Uri::from_parts(parts)?)
}
