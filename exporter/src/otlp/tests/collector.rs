//! A collector that answers as told, over HTTP and gRPC on one port, and remembers what it took.

use std::{
    collections::VecDeque,
    io::Read as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::post,
    serve::Listener,
};
use http::{HeaderMap, StatusCode, header};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        metrics::v1::{
            ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
    },
    logs::v1::LogRecord,
};
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};
use tonic::codec::CompressionEncoding;
use tower::ServiceExt as _;

/// What the collector does with a request.
#[derive(Clone, Debug)]
pub(in crate::otlp) enum Answer {
    /// Takes it.
    Take,
    /// Takes it but for so many records, and says why.
    Reject(i64, &'static str),
    /// Answers with a status, headers and a body of its own.
    Http(u16, Vec<(&'static str, &'static str)>, &'static str),
    /// Answers with a gRPC status.
    Grpc(tonic::Status),
    /// Never answers.
    Hang,
}

/// What the collector saw.
#[derive(Debug, Default)]
pub(in crate::otlp) struct Seen {
    /// Records it took, and did not reject.
    pub(super) taken: Vec<LogRecord>,
    /// The headers of each request.
    pub(in crate::otlp) headers: Vec<HeaderMap>,
    /// The requests it took.
    pub(super) requests: Vec<ExportLogsServiceRequest>,
    /// The requests with metrics it took.
    pub(in crate::otlp) metrics: Vec<ExportMetricsServiceRequest>,
}

/// A request that it takes.
trait Taken: prost::Message + Default {
    type Response: prost::Message;

    fn take(self, seen: &mut Seen, n_rejected: i64);

    fn response(n_rejected: i64, message: &str) -> Self::Response;
}

impl Taken for ExportLogsServiceRequest {
    type Response = ExportLogsServiceResponse;

    fn take(self, seen: &mut Seen, n_rejected: i64) {
        let records = self.resource_logs.iter().flat_map(|logs| &logs.scope_logs);
        let records = records.flat_map(|logs| logs.log_records.clone());
        seen.taken.extend(records.skip(n_rejected.try_into().unwrap()));
        seen.requests.push(self);
    }

    fn response(rejected_log_records: i64, message: &str) -> Self::Response {
        let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: message.to_owned() };
        ExportLogsServiceResponse { partial_success: Some(partial) }
    }
}

impl Taken for ExportMetricsServiceRequest {
    type Response = ExportMetricsServiceResponse;

    fn take(self, seen: &mut Seen, _: i64) {
        seen.metrics.push(self);
    }

    fn response(rejected_data_points: i64, message: &str) -> Self::Response {
        let partial = ExportMetricsPartialSuccess { rejected_data_points, error_message: message.to_owned() };
        ExportMetricsServiceResponse { partial_success: Some(partial) }
    }
}

#[derive(Debug)]
struct Fake {
    script: Mutex<VecDeque<Answer>>,
    afterwards: Answer,
    seen: Mutex<Seen>,
}

/// A running collector; it ends with its test's runtime.
#[derive(Clone, Debug)]
pub(in crate::otlp) struct Collector {
    pub(in crate::otlp) address: SocketAddr,
    fake: Arc<Fake>,
}

const GRPC_LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const GRPC_METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

impl Collector {
    /// Answers the first requests by `script` and the others by `afterwards`.
    pub(in crate::otlp) async fn start(script: impl Into<VecDeque<Answer>>, afterwards: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::serve(listener, address, script.into(), afterwards)
    }

    /// The same behind TLS; takes everything.
    pub(super) async fn start_tls(config: rustls::ServerConfig) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let listener = Tls { tcp, acceptor: Arc::new(config).into() };
        Self::serve(listener, address, VecDeque::new(), Answer::Take)
    }

    fn serve<L>(listener: L, address: SocketAddr, script: VecDeque<Answer>, afterwards: Answer) -> Self
    where
        L: Listener,
        L::Addr: std::fmt::Debug,
    {
        let fake = Arc::new(Fake { script: Mutex::new(script), afterwards, seen: Mutex::default() });
        let router = Router::new()
            .route("/v1/logs", post(http_export::<ExportLogsServiceRequest>))
            .route("/v1/metrics", post(http_export::<ExportMetricsServiceRequest>))
            .route(GRPC_LOGS, post(grpc_export))
            .route(GRPC_METRICS, post(grpc_export))
            .with_state(Arc::clone(&fake));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, fake }
    }

    /// Looks at what the collector saw.
    pub(in crate::otlp) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.fake.seen.lock().unwrap())
    }
}

impl Fake {
    fn answer(&self, headers: &HeaderMap) -> Answer {
        self.seen.lock().unwrap().headers.push(headers.clone());
        self.script.lock().unwrap().pop_front().unwrap_or_else(|| self.afterwards.clone())
    }

    fn take(&self, request: impl Taken, n_rejected: i64) {
        request.take(&mut self.seen.lock().unwrap(), n_rejected);
    }
}

async fn http_export<R: Taken>(State(fake): State<Arc<Fake>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let answer = fake.answer(&head.headers);
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let (n_rejected, message) = match answer {
        Answer::Take => (0, ""),
        Answer::Reject(n, message) => (n, message),
        other => return raw(other).await,
    };
    let is_gzip = head.headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "gzip");
    let body = if is_gzip { gunzip(&body) } else { body };
    fake.take(R::decode(body).unwrap(), n_rejected);
    let headers = [(header::CONTENT_TYPE, "application/x-protobuf")];
    (headers, R::response(n_rejected, message).encode_to_vec()).into_response()
}

fn gunzip(body: &[u8]) -> Bytes {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    plain.into()
}

async fn raw(answer: Answer) -> Response {
    let Answer::Http(status, headers, body) = answer else { return std::future::pending().await };
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

async fn grpc_export(State(fake): State<Arc<Fake>>, request: Request) -> Response {
    let answer = fake.answer(request.headers());
    if let Answer::Http(..) | Answer::Hang = answer {
        return raw(answer).await;
    }
    let call = Call { fake, answer };
    let response = if request.uri().path() == GRPC_LOGS {
        LogsServiceServer::new(call).accept_compressed(CompressionEncoding::Gzip).oneshot(request).await
    } else {
        MetricsServiceServer::new(call).accept_compressed(CompressionEncoding::Gzip).oneshot(request).await
    };
    response.unwrap().map(Body::new)
}

struct Call {
    fake: Arc<Fake>,
    answer: Answer,
}

impl Call {
    fn answer<R: Taken>(
        &self,
        request: tonic::Request<R>,
    ) -> Result<tonic::Response<R::Response>, tonic::Status> {
        let (n_rejected, message) = match &self.answer {
            Answer::Grpc(status) => return Err(status.clone()),
            Answer::Reject(n, message) => (*n, *message),
            _ => (0, ""),
        };
        self.fake.take(request.into_inner(), n_rejected);
        Ok(tonic::Response::new(R::response(n_rejected, message)))
    }
}

#[tonic::async_trait]
impl LogsService for Call {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, tonic::Status> {
        self.answer(request)
    }
}

#[tonic::async_trait]
impl MetricsService for Call {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        self.answer(request)
    }
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            // A client that does not trust us hangs up here.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
