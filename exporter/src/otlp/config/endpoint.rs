//! The collector's URL: what people write, and where data then goes.

use http::{Uri, uri::PathAndQuery};
use opentelemetry_otlp::OTEL_EXPORTER_OTLP_ENDPOINT;

use super::{
    super::settings::{Kind, Setting},
    Protocol,
};

/// Where each kind of data is posted below a base URL, in the order of [`Kind`].
const PATHS: [&str; 2] = ["/v1/logs", "/v1/metrics"];

/// Reads an endpoint.
///
/// Over HTTP the general variable is a base for all kinds of data and always gets the path of the kind, the one for a
/// kind is used as it is, and the flag is a base unless it has a path: that is the one for logs. Over gRPC there is no
/// path, and without a scheme `insecure` decides on TLS.
pub(super) fn read(setting: &Setting, kind: Kind, protocol: Protocol, insecure: bool) -> Result<Uri, String> {
    let uri = parse(setting, protocol, insecure)?;
    let has_path = uri.path() != "/" || uri.query().is_some();
    match protocol {
        Protocol::Grpc if has_path => Err(setting.wrong(
            "has a path, which gRPC does not have; give scheme, host and port alone, or protocol http/protobuf",
        )),
        Protocol::Grpc => Ok(uri),
        Protocol::HttpProtobuf => match base(setting, &uri, kind)? {
            Some(path) => below(&uri, path, kind).map_err(|error| no_url(setting, &error)),
            None => Ok(uri),
        },
    }
}

/// The path below which a kind of data goes, unless the path is given in full.
fn base<'a>(setting: &Setting, uri: &'a Uri, kind: Kind) -> Result<Option<&'a str>, String> {
    if is_base(setting, uri) {
        return Ok(Some(uri.path()));
    }
    if !setting.is_flag() || kind == Kind::Logs {
        return Ok(None);
    }
    let [logs, _] = PATHS;
    let base = uri.path().trim_end_matches('/').strip_suffix(logs);
    base.map(Some).ok_or_else(|| {
        setting.wrong(
            "has a path for logs, which metrics cannot share; leave it out, or give \
             OTEL_EXPORTER_OTLP_LOGS_ENDPOINT and OTEL_EXPORTER_OTLP_METRICS_ENDPOINT instead",
        )
    })
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
    let uri: Uri = text.parse().map_err(|error: http::uri::InvalidUri| no_url(setting, &error))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(no_url(setting, &"it does not begin with http:// or https://"));
    }
    match uri.authority() {
        Some(authority) if !authority.host().is_empty() => Ok(uri),
        _ => Err(no_url(setting, &"it has no host")),
    }
}

fn no_url(setting: &Setting, why: &dyn std::fmt::Display) -> String {
    setting.wrong(format_args!("is no URL: {why}; give for instance {EXAMPLE}"))
}

fn has_user(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?']).next().is_some_and(|authority| authority.contains('@'))
}

fn is_base(setting: &Setting, uri: &Uri) -> bool {
    if setting.is_flag() { uri.path() == "/" } else { setting.name == OTEL_EXPORTER_OTLP_ENDPOINT }
}

/// The path of a kind of data, below another path of the URL.
fn below(uri: &Uri, path: &str, kind: Kind) -> Result<Uri, http::Error> {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path =
        PathAndQuery::try_from(format!("{}{}{query}", path.trim_end_matches('/'), PATHS[kind as usize]))?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    Ok(Uri::from_parts(parts)?)
}
