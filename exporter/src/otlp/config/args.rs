//! The flags as typed, and their help.

/// The flags, as typed. Each falls back to OpenTelemetry's environment variables.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "OTLP")]
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

    /// Push the metrics too, for those who do not scrape them.
    #[arg(long = "otlp.metrics", help = METRICS_HELP, long_help = METRICS_LONG_HELP)]
    pub metrics: bool,

    /// How often to push them; what takes longer than that is given up for the next push [default: 60s]
    #[arg(long = "otlp.metrics-interval", value_name = "TIME")]
    pub metrics_interval: Option<String>,
}

const ENDPOINT_HELP: &str = "Send each event as a log record to this collector";
const ENDPOINT_LONG_HELP: &str = "\
Send each event as a log record to this collector. Over HTTP, a URL without a path gets /v1/logs.

Without it, and without OTEL_EXPORTER_OTLP_LOGS_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT, nothing is sent. The other \
flags fall back to OpenTelemetry's variables, too. OTEL_SDK_DISABLED=true and OTEL_LOGS_EXPORTER=none switch sending \
off whatever else is given.";
const METRICS_HELP: &str = "Push all metrics to the collector too, with the values that /metrics shows";
const METRICS_LONG_HELP: &str = "\
Push all metrics to the collector too, with the values that /metrics shows. Over HTTP, a URL without a path gets \
/v1/metrics.

OTEL_METRICS_EXPORTER=otlp does the same; unset, it means no push here, as /metrics is always served. \
OTEL_METRICS_EXPORTER=none and OTEL_SDK_DISABLED=true switch it off whatever else is given. \
OTEL_EXPORTER_OTLP_METRICS_ENDPOINT and the like go before those for all kinds of data.";
const HEADERS_HELP: &str = "\
Headers sent with each request, percent-encoded. Other users see flags: give secrets by OTEL_EXPORTER_OTLP_HEADERS";
