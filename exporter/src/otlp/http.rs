//! OTLP over HTTP, with protobuf bodies.

use std::{
    io::{self, Write as _},
    time::SystemTime,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION, RETRY_AFTER},
};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use prost::Message;
use serde_json::Value;

use super::{
    client::{self, MAX_ANSWER, Pool},
    config::Connection,
    retry::{self, Failure},
    service::{Accepted, Request},
};

/// Posts to the collector.
#[derive(Debug)]
pub(super) struct HttpClient {
    pool: Pool<Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    gzip: bool,
}

impl HttpClient {
    /// A client that is not connected yet.
    pub(super) fn new(config: &Connection) -> Self {
        let mut headers = client::headers(config);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if config.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self {
            pool: client::pool(config, |builder| builder),
            uri: config.endpoint.clone(),
            headers,
            gzip: config.gzip,
        }
    }

    /// Sends a request once.
    pub(super) async fn send<R: Request>(&self, request: &R) -> Result<Accepted, Failure> {
        let body = self.body(request).map_err(|error| Failure::permanent(error.to_string()))?;
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let response = self.pool.request(request).await;
        let (head, body) = response.map_err(|error| Failure::transient(client::chain(&error)))?.into_parts();
        let body = read(body).await;
        if head.status.is_success() {
            return accepted::<R>(&head.headers, &body?);
        }
        // Of a refusal the status is what counts, even if the explanation did not come through.
        Err(refused::<R>(head.status, &head.headers, &body.unwrap_or_default()))
    }

    fn body(&self, request: &impl Request) -> io::Result<Bytes> {
        let plain = request.encode_to_vec();
        if !self.gzip {
            return Ok(plain.into());
        }
        // The lowest level: records repeat themselves so much that higher ones cost far more than they save.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&plain)?;
        encoder.finish().map(Bytes::from)
    }
}

async fn read(body: Incoming) -> Result<Bytes, Failure> {
    match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::permanent(format!(
            "an answer of more than {MAX_ANSWER} bytes; is this a collector?"
        ))),
        Err(error) => Err(Failure::transient(format!("the answer broke off: {}", client::chain(&*error)))),
    }
}

/// Reads the answer to a request that was taken. What is no answer of OTLP comes from something that is no collector,
/// and counts as a failure.
fn accepted<R: Request>(headers: &HeaderMap, body: &[u8]) -> Result<Accepted, Failure> {
    let is_json = content_type(headers).starts_with("application/json");
    let answer =
        if is_json { json(body, R::REJECTED) } else { R::Response::decode(body).ok().map(Into::into) };
    answer.ok_or_else(|| {
        let body = excerpt(body);
        Failure::permanent(format!(
            "success, but with an answer that is not OTLP: {body:?}; check host, port and path"
        ))
    })
}

/// Reads an answer in JSON, with which some receivers answer protobuf.
fn json(body: &[u8], rejected: &str) -> Option<Accepted> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let Some(partial) = answer.as_object()?.get("partialSuccess") else { return Some(Accepted::default()) };
    // The JSON form of protobuf writes 64-bit numbers as text.
    let n = partial.get(rejected).and_then(|n| n.as_i64().or_else(|| n.as_str()?.parse().ok()));
    let message = partial.get("errorMessage").and_then(Value::as_str);
    Some(Accepted::new(n.unwrap_or(0), message.unwrap_or_default().to_owned()))
}

/// What OTLP says about each status.
fn refused<R: Request>(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let why = format!("HTTP status {status}{}", explanation(headers, body));
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Failure::Transient {
            why,
            wait: text(RETRY_AFTER).and_then(|value| retry::retry_after(value, SystemTime::now())),
        },
        StatusCode::PAYLOAD_TOO_LARGE => {
            Failure::permanent(format!("{why}; requests are too large for it, {}", R::SMALLER))
        }
        StatusCode::NOT_FOUND => Failure::permanent(format!("{why}; check the path of --otlp.endpoint")),
        _ if status.is_redirection() => {
            let location = text(LOCATION).unwrap_or("a place that it does not name");
            Failure::permanent(format!(
                "{why}: redirects are not followed; give {location:?} as --otlp.endpoint"
            ))
        }
        _ => Failure::permanent(why),
    }
}

/// The receiver's words, if there are any.
fn explanation(headers: &HeaderMap, body: &[u8]) -> String {
    let protobuf = content_type(headers).starts_with("application/x-protobuf");
    let status = protobuf.then(|| tonic_types::Status::decode(body).ok()).flatten();
    let text = status.map_or_else(|| excerpt(body), |status| excerpt(status.message.as_bytes()));
    if text.is_empty() { text } else { format!(" ({text:?})") }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// As much of a text as a line of the log should hold.
fn excerpt(body: &[u8]) -> String {
    const MAX_CHARS: usize = 200;
    String::from_utf8_lossy(body).trim().chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
    };
    use proptest::prelude::*;

    fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn protobuf(rejected_log_records: i64, message: &str) -> Vec<u8> {
        let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: message.to_owned() };
        ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
    }

    #[test]
    fn an_answer_tells_what_was_rejected_in_protobuf_and_in_json() {
        let is_json = headers(&[(CONTENT_TYPE, "application/json; charset=utf-8")]);
        let none = HeaderMap::new();
        let rows = [
            (&none, Vec::new(), Some((0, ""))),
            (&none, protobuf(0, ""), Some((0, ""))),
            (&none, protobuf(3, "no"), Some((3, "no"))),
            (&none, protobuf(-3, ""), Some((0, ""))),
            (&none, b"<html>welcome</html>".to_vec(), None),
            (&none, b"\x0a\xff".to_vec(), None),
            (&is_json, b"{}".to_vec(), Some((0, ""))),
            (&is_json, br#"{"partialSuccess":{}}"#.to_vec(), Some((0, ""))),
            (
                &is_json,
                br#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#.to_vec(),
                Some((3, "no")),
            ),
            (&is_json, br#"{"partialSuccess":{"rejectedLogRecords":3}}"#.to_vec(), Some((3, ""))),
            (&is_json, b"[]".to_vec(), None),
            (&is_json, b"{".to_vec(), None),
        ];
        for (headers, body, expected) in rows {
            let answer = accepted::<ExportLogsServiceRequest>(headers, &body);
            match expected {
                Some((n_rejected, message)) => {
                    assert_eq!(answer, Ok(Accepted { n_rejected, message: message.to_owned() }));
                }
                None => assert!(matches!(answer, Err(Failure::Permanent { .. })), "{body:?} {answer:?}"),
            }
        }
    }

    #[test]
    fn each_status_is_retried_or_not_as_otlp_says() {
        for code in 300..600 {
            let status = StatusCode::from_u16(code).unwrap();
            let is_transient = matches!(
                refused::<ExportLogsServiceRequest>(status, &HeaderMap::new(), b""),
                Failure::Transient { .. }
            );
            assert_eq!(is_transient, [429, 502, 503, 504].contains(&code), "{code}");
        }
    }

    #[test]
    fn a_refusal_tells_the_receivers_words_and_the_way_out() {
        let why = |status, headers: &HeaderMap, body: &[u8]| match refused::<ExportLogsServiceRequest>(
            status, headers, body,
        ) {
            Failure::Transient { why, .. } | Failure::Permanent { why } => why,
        };
        let status = tonic_types::Status { code: 3, message: "bad record".to_owned(), details: Vec::new() };
        let is_protobuf = headers(&[(CONTENT_TYPE, "application/x-protobuf")]);
        let rows = [
            (
                why(StatusCode::BAD_REQUEST, &is_protobuf, &status.encode_to_vec()),
                r#"400 Bad Request ("bad record")"#,
            ),
            (why(StatusCode::BAD_REQUEST, &HeaderMap::new(), b" nope\n"), r#"400 Bad Request ("nope")"#),
            (why(StatusCode::PAYLOAD_TOO_LARGE, &HeaderMap::new(), b""), "lower --otlp.batch-size"),
            (why(StatusCode::NOT_FOUND, &HeaderMap::new(), b""), "check the path"),
            (why(StatusCode::FOUND, &headers(&[(LOCATION, "/login")]), b""), r#"give "/login""#),
        ];
        for (why, expected) in rows {
            assert!(why.contains(expected), "{why}");
        }
        assert!(why(StatusCode::BAD_REQUEST, &HeaderMap::new(), &[b'x'; 9999]).len() < 300);
    }

    #[test]
    fn retry_after_is_taken_where_it_is_given() {
        let wait = |value| match refused::<ExportLogsServiceRequest>(
            StatusCode::SERVICE_UNAVAILABLE,
            &headers(&[(RETRY_AFTER, value)]),
            b"",
        ) {
            Failure::Transient { wait, .. } => wait,
            Failure::Permanent { why } => panic!("{why}"),
        };
        assert_eq!(wait("7"), Some(std::time::Duration::from_secs(7)));
        assert_eq!(wait("soon"), None);
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(status in 100u16..1000, json: bool, body: Vec<u8>) {
            let headers = if json { headers(&[(CONTENT_TYPE, "application/json")]) } else { HeaderMap::new() };
            drop(accepted::<ExportLogsServiceRequest>(&headers, &body));
            drop(refused::<ExportLogsServiceRequest>(StatusCode::from_u16(status).unwrap(), &headers, &body));
        }
    }
}
