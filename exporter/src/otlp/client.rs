//! One connection pool, two ways to use it: sends a batch once and says what came of it.

use std::{error::Error, time::Duration};

use http::{HeaderMap, HeaderValue, header::USER_AGENT};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Builder, Client as Hyper, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;

use super::{
    config::{Config, Protocol},
    grpc::GrpcClient,
    http::HttpClient,
    record::Envelope,
    retry::Failure,
};
use crate::event::Event;

/// The most of an answer that is read. Answers are a few bytes; this is what gRPC takes by default.
pub(super) const MAX_ANSWER: usize = 4 << 20;

/// A pool of connections that sends bodies of type `B`.
pub(super) type Pool<B> = Hyper<HttpsConnector<HttpConnector>, B>;

/// Sends events to one collector.
#[derive(Debug)]
pub(super) struct Client {
    wire: Wire,
    envelope: Envelope,
    timeout: Duration,
}

#[derive(Debug)]
enum Wire {
    Grpc(GrpcClient),
    Http(HttpClient),
}

/// What the receiver says when it takes a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Records that it refused.
    pub(super) n_rejected: u64,
    /// Why, or a warning although it refused none.
    pub(super) message: String,
}

impl From<ExportLogsServiceResponse> for Accepted {
    fn from(response: ExportLogsServiceResponse) -> Self {
        let partial = response.partial_success.unwrap_or_default();
        Self {
            n_rejected: partial.rejected_log_records.try_into().unwrap_or(0),
            message: partial.error_message,
        }
    }
}

impl Client {
    /// A client that is not connected yet.
    pub(super) fn new(config: &Config) -> Self {
        let wire = match config.protocol {
            Protocol::Grpc => Wire::Grpc(GrpcClient::new(config)),
            Protocol::HttpProtobuf => Wire::Http(HttpClient::new(config)),
        };
        Self { wire, envelope: Envelope::new(&config.resource), timeout: config.timeout }
    }

    /// Sends events once.
    pub(super) async fn send(&self, events: &[Event]) -> Result<Accepted, Failure> {
        // Records are made anew for each try: tries are rare, and events are smaller than what is made of them.
        let request = self.envelope.request(events);
        let answer = async {
            match &self.wire {
                Wire::Grpc(client) => client.send(request).await,
                Wire::Http(client) => client.send(&request).await,
            }
        };
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::transient(format!(
                "no answer within {}; see --otlp.timeout",
                humantime::format_duration(self.timeout)
            ))),
        }
    }
}

/// Makes a pool, which connects when it is first used.
pub(super) fn pool<B>(config: &Config, tune: impl FnOnce(&mut Builder) -> &mut Builder) -> Pool<B>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    let mut tcp = HttpConnector::new();
    // TLS is put on top of it.
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // A collector that went away without a word must not hold a connection for the quarter of an hour that TCP
    // would go on: later tries would be sent into the same hole.
    tcp.set_tcp_user_timeout(Some(config.timeout));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config.tls.clone())
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(tcp);
    let mut builder = Hyper::builder(TokioExecutor::new());
    tune(builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new())).build(connector)
}

/// The headers of every request, whatever the protocol adds: what the operator gave, and who we are.
pub(super) fn headers(config: &Config) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers.extend(config.headers.clone());
    headers
}

/// An error with its causes: HTTP libraries tell the reason in the last of them.
pub(super) fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |error: &&dyn Error| (*error).source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}
