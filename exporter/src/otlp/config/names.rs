//! Which flags and variables give each setting.

use opentelemetry_otlp as otel;
use opentelemetry_sdk::{logs, metrics};

use super::super::settings::Names;

pub(super) const ENDPOINT: Names = Names {
    flag: "--otlp.endpoint",
    special: [otel::OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, otel::OTEL_EXPORTER_OTLP_METRICS_ENDPOINT],
    general: otel::OTEL_EXPORTER_OTLP_ENDPOINT,
};
pub(super) const PROTOCOL: Names = Names {
    flag: "--otlp.protocol",
    special: [otel::OTEL_EXPORTER_OTLP_LOGS_PROTOCOL, otel::OTEL_EXPORTER_OTLP_METRICS_PROTOCOL],
    general: otel::OTEL_EXPORTER_OTLP_PROTOCOL,
};
pub(super) const HEADERS: Names = Names {
    flag: "--otlp.headers",
    special: [otel::OTEL_EXPORTER_OTLP_LOGS_HEADERS, otel::OTEL_EXPORTER_OTLP_METRICS_HEADERS],
    general: otel::OTEL_EXPORTER_OTLP_HEADERS,
};
pub(super) const TIMEOUT: Names = Names {
    flag: "--otlp.timeout",
    special: [otel::OTEL_EXPORTER_OTLP_LOGS_TIMEOUT, otel::OTEL_EXPORTER_OTLP_METRICS_TIMEOUT],
    general: otel::OTEL_EXPORTER_OTLP_TIMEOUT,
};
pub(super) const COMPRESSION: Names = Names {
    flag: "--otlp.compression",
    special: [otel::OTEL_EXPORTER_OTLP_LOGS_COMPRESSION, otel::OTEL_EXPORTER_OTLP_METRICS_COMPRESSION],
    general: otel::OTEL_EXPORTER_OTLP_COMPRESSION,
};
pub(super) const INSECURE: Names = Names {
    flag: "--otlp.insecure",
    special: [otel::OTEL_EXPORTER_OTLP_LOGS_INSECURE, otel::OTEL_EXPORTER_OTLP_METRICS_INSECURE],
    general: otel::OTEL_EXPORTER_OTLP_INSECURE,
};
pub(super) const CERTIFICATE: Names = Names {
    flag: "--otlp.certificate",
    special: ["OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE"],
    general: "OTEL_EXPORTER_OTLP_CERTIFICATE",
};
pub(super) const CLIENT_CERTIFICATE: Names = Names {
    flag: "--otlp.client-certificate",
    special: ["OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE"],
    general: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
};
pub(super) const CLIENT_KEY: Names = Names {
    flag: "--otlp.client-key",
    special: ["OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY"],
    general: "OTEL_EXPORTER_OTLP_CLIENT_KEY",
};
pub(super) const RETRY_MAX: Names = Names { flag: "--otlp.retry-max", special: NONE, general: "" };

// Of logs alone.
pub(super) const QUEUE_SIZE: Names =
    Names { flag: "--otlp.queue-size", special: NONE, general: logs::OTEL_BLRP_MAX_QUEUE_SIZE };
pub(super) const BATCH_SIZE: Names =
    Names { flag: "--otlp.batch-size", special: NONE, general: logs::OTEL_BLRP_MAX_EXPORT_BATCH_SIZE };
pub(super) const FLUSH_INTERVAL: Names =
    Names { flag: "--otlp.flush-interval", special: NONE, general: logs::OTEL_BLRP_SCHEDULE_DELAY };

// Of metrics alone.
pub(super) const METRICS_INTERVAL: Names =
    Names { flag: "--otlp.metrics-interval", special: NONE, general: metrics::OTEL_METRIC_EXPORT_INTERVAL };

// What follows has no flag.
pub(super) const EXPORTER: Names =
    Names { flag: "", special: ["OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER"], general: "" };
pub(super) const SDK_DISABLED: Names = Names { flag: "", special: NONE, general: "OTEL_SDK_DISABLED" };
pub(super) const SERVICE_NAME: Names = Names { flag: "", special: NONE, general: "OTEL_SERVICE_NAME" };
pub(super) const RESOURCE_ATTRIBUTES: Names =
    Names { flag: "", special: NONE, general: "OTEL_RESOURCE_ATTRIBUTES" };

const NONE: [&str; 2] = [""; 2];
