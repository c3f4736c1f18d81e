//! One connection pool, two ways to use it: sends a request once and says what came of it.

use std::{error::Error, time::Duration};

use http::{HeaderMap, HeaderValue, header::USER_AGENT};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Builder, Client as Hyper, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    config::{Connection, Protocol},
    grpc::GrpcClient,
    http::HttpClient,
    retry::Failure,
    service::{Accepted, Request},
};

/// The most of an answer that is read. Answers are a few bytes; this is what gRPC takes by default.
pub(super) const MAX_ANSWER: usize = 4 << 20;

/// A pool of connections that sends bodies of type `B`.
pub(super) type Pool<B> = Hyper<HttpsConnector<HttpConnector>, B>;

/// Sends requests to one collector.
#[derive(Debug)]
pub(super) struct Client {
    wire: Wire,
    timeout: Duration,
}

#[derive(Debug)]
enum Wire {
    Grpc(GrpcClient),
    Http(HttpClient),
}

impl Client {
    /// A client that is not connected yet.
    pub(super) fn new(config: &Connection) -> Self {
        let wire = match config.protocol {
            Protocol::Grpc => Wire::Grpc(GrpcClient::new(config)),
            Protocol::HttpProtobuf => Wire::Http(HttpClient::new(config)),
        };
        Self { wire, timeout: config.timeout }
    }

    /// Sends a request once.
    pub(super) async fn send(&self, request: impl Request) -> Result<Accepted, Failure> {
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
pub(super) fn pool<B>(config: &Connection, tune: impl FnOnce(&mut Builder) -> &mut Builder) -> Pool<B>
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
pub(super) fn headers(config: &Connection) -> HeaderMap {
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
