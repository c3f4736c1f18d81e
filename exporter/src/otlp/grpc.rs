//! OTLP over gRPC.

use std::{error::Error as _, iter, time::Duration};

use http::{Response, StatusCode, header::CONTENT_TYPE, uri::PathAndQuery};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use tonic::{
    Code, Extensions, Status, body::Body, client::Grpc, codec::CompressionEncoding, metadata::MetadataMap,
};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;
use tower::{ServiceExt as _, util::MapResult};

use super::{
    client::{self, MAX_ANSWER, Pool},
    config::Connection,
    retry::Failure,
    service::{Accepted, Request},
};

/// Looks at an answer before it is taken for gRPC.
type Check = fn(Result<Response<Incoming>, legacy::Error>) -> Result<Response<Incoming>, Unusable>;

/// Why there is no answer of gRPC.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("no answer")]
    None(#[from] legacy::Error),
    #[error("another answer")]
    Other(#[source] Status),
}

/// Calls the collector's services.
#[derive(Debug)]
pub(super) struct GrpcClient {
    grpc: Grpc<MapResult<Pool<Body>, Check>>,
    metadata: MetadataMap,
    timeout: Duration,
}

impl GrpcClient {
    /// A client that is not connected yet.
    pub(super) fn new(config: &Connection) -> Self {
        let pool = client::pool(config, |builder| builder.http2_only(true));
        let grpc = Grpc::with_origin(pool.map_result(check as Check), config.endpoint.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(MAX_ANSWER);
        Self {
            grpc: if config.gzip { grpc.send_compressed(CompressionEncoding::Gzip) } else { grpc },
            metadata: MetadataMap::from_headers(client::headers(config)),
            timeout: config.timeout,
        }
    }

    /// Sends a request once.
    pub(super) async fn send<R: Request>(&self, request: R) -> Result<Accepted, Failure> {
        let mut request = tonic::Request::from_parts(self.metadata.clone(), Extensions::default(), request);
        // So that the collector gives up when we do.
        request.set_timeout(self.timeout);
        // The pool is always ready, and tells what is wrong by its answer.
        let codec = ProstCodec::<R, R::Response>::default();
        let response = self.grpc.clone().unary(request, PathAndQuery::from_static(R::METHOD), codec).await;
        response.map(|response| response.into_inner().into()).map_err(|status| failure::<R>(&status))
    }
}

/// Turns the answer of a proxy, or of a server for something else, into the status that gRPC has for it. Without this
/// its text would be read as gRPC and fail as that, so that a proxy that is only waiting for its backend would not be
/// tried again.
fn check(answer: Result<Response<Incoming>, legacy::Error>) -> Result<Response<Incoming>, Unusable> {
    let response = answer?;
    let content_type = response.headers().get(CONTENT_TYPE);
    let is_grpc = content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if is_grpc || response.headers().contains_key(Status::GRPC_STATUS) {
        return Ok(response);
    }
    let status = response.status();
    Err(Unusable::Other(Status::new(code(status), format!("HTTP status {status}, without gRPC"))))
}

/// <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>
fn code(status: StatusCode) -> Code {
    match status {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::Unimplemented,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// What came of a call that did not succeed.
fn failure<R: Request>(status: &Status) -> Failure {
    let mut causes = iter::successors(status.source(), |error| (*error).source());
    match causes.find_map(|error| error.downcast_ref()) {
        Some(other_answer) => refused::<R>(other_answer),
        None if status.source().is_none() => refused::<R>(status),
        // A status with a cause was made on this side, because the connection failed.
        None => Failure::transient(client::chain(status)),
    }
}

/// What OTLP says about each status.
fn refused<R: Request>(status: &Status) -> Failure {
    let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let why = format!("gRPC status {:?}: {:?}", status.code(), status.message());
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Failure::Transient { why, wait },
        // Exhausted for now, if it says until when; else the request is too much for it at any time.
        Code::ResourceExhausted if wait.is_some() => Failure::Transient { why, wait },
        Code::ResourceExhausted => {
            Failure::permanent(format!("{why}; if requests are too large for it, {}", R::SMALLER))
        }
        Code::Unimplemented => {
            Failure::permanent(format!("{why}; is this the port for OTLP over gRPC, by custom 4317?"))
        }
        _ => Failure::permanent(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use tonic_types::ErrorDetails;

    #[test]
    fn each_status_is_retried_or_not_as_otlp_says() {
        let retried = [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange]
            .into_iter()
            .chain([Code::Unavailable, Code::DataLoss]);
        let given_up = [Code::Unknown, Code::InvalidArgument, Code::NotFound, Code::AlreadyExists]
            .into_iter()
            .chain([Code::PermissionDenied, Code::FailedPrecondition, Code::Unimplemented, Code::Internal])
            .chain([Code::ResourceExhausted, Code::Unauthenticated]);
        for code in retried {
            let failure = refused::<ExportLogsServiceRequest>(&Status::new(code, "x"));
            assert!(matches!(failure, Failure::Transient { wait: None, .. }), "{failure:?}");
        }
        for code in given_up {
            let failure = refused::<ExportLogsServiceRequest>(&Status::new(code, "x"));
            assert!(matches!(failure, Failure::Permanent { .. }), "{failure:?}");
        }
    }

    #[test]
    fn a_server_may_say_how_long_to_wait_and_exhausted_is_retried_only_then() {
        let delay = Duration::from_millis(1500);
        for code in [Code::Unavailable, Code::ResourceExhausted] {
            let details = ErrorDetails::with_retry_info(Some(delay));
            let failure =
                refused::<ExportLogsServiceRequest>(&Status::with_error_details(code, "x", details));
            assert!(
                matches!(failure, Failure::Transient { wait: Some(wait), .. } if wait == delay),
                "{failure:?}"
            );
        }
    }
}
