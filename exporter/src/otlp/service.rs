//! The services of a collector: what goes to each, and what it answers.

use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse},
    metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse},
};
use prost::Message;

/// A request to a service.
pub(super) trait Request: Message + 'static {
    /// What the service answers.
    type Response: Message + Default + Into<Accepted> + 'static;
    /// The service's method over gRPC.
    const METHOD: &'static str;
    /// How the JSON form of an answer calls the number of what was refused.
    const REJECTED: &'static str;
    /// What to do if requests are too large.
    const SMALLER: &'static str;
}

impl Request for ExportLogsServiceRequest {
    type Response = ExportLogsServiceResponse;
    const METHOD: &'static str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    const REJECTED: &'static str = "rejectedLogRecords";
    const SMALLER: &'static str = "lower --otlp.batch-size";
}

impl Request for ExportMetricsServiceRequest {
    type Response = ExportMetricsServiceResponse;
    const METHOD: &'static str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    const REJECTED: &'static str = "rejectedDataPoints";
    const SMALLER: &'static str = "lower --metrics.container-deaths-max, or let it take more";
}

/// What the receiver says when it takes a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Records or series that it refused.
    pub(super) n_rejected: u64,
    /// Why, or a warning although it refused none.
    pub(super) message: String,
}

impl Accepted {
    /// As an answer has it, in which a number may be anything.
    pub(super) fn new(n_rejected: i64, message: String) -> Self {
        Self { n_rejected: n_rejected.try_into().unwrap_or(0), message }
    }
}

impl From<ExportLogsServiceResponse> for Accepted {
    fn from(response: ExportLogsServiceResponse) -> Self {
        let partial = response.partial_success.unwrap_or_default();
        Self::new(partial.rejected_log_records, partial.error_message)
    }
}

impl From<ExportMetricsServiceResponse> for Accepted {
    fn from(response: ExportMetricsServiceResponse) -> Self {
        let partial = response.partial_success.unwrap_or_default();
        Self::new(partial.rejected_data_points, partial.error_message)
    }
}
