//! What is sent, and to whom: the settings that the flags and the `OTEL_*` variables amount to.

mod args;
mod connection;
mod endpoint;
mod names;
#[cfg(test)]
mod tests;

use std::time::Duration;

use opentelemetry_sdk::{logs, metrics};

use super::{
    queue::Limits,
    settings::{self, Kind, Reader, Setting},
};

pub use args::OtlpArgs;
pub(super) use connection::Connection;
pub use connection::Protocol;

/// The settings for events, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) connection: Connection,
    pub(super) limits: Limits,
}

/// The settings for metrics, checked.
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    pub(super) connection: Connection,
    /// How often they are pushed.
    pub(super) interval: Duration,
}

/// A burst of two thirds of a second at 100,000 events a second; 6 MiB when full.
const DEFAULT_QUEUE_SIZE: usize = 65_536;

/// Makes settings for events and for metrics of the flags and, where they say nothing, of the variables that `env`
/// reads; `None` for what is not sent.
///
/// # Errors
/// As [`Config::resolve`] and [`MetricsConfig::resolve`], each once.
pub fn resolve(
    args: &OtlpArgs,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Option<Config>, Option<MetricsConfig>), Vec<String>> {
    match (Config::resolve(args, env), MetricsConfig::resolve(args, env)) {
        (Ok(logs), Ok(metrics)) => Ok((logs, metrics)),
        (logs, metrics) => {
            let mut errors = logs.err().unwrap_or_default();
            // Most settings are for both.
            let others = metrics.err().unwrap_or_default();
            let others: Vec<_> = others.into_iter().filter(|error| !errors.contains(error)).collect();
            errors.extend(others);
            Err(errors)
        }
    }
}

impl Config {
    /// The TCP port of the collector.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.connection.port()
    }

    /// Makes settings of the flags and, where they say nothing, of the variables that `env` reads; `None` if there is
    /// no endpoint or sending is switched off. Reads the certificates, which must therefore be readable now and need
    /// not be later; for an endpoint without TLS they are not looked at.
    ///
    /// # Errors
    /// Names everything that is wrong: by which flag or variable it was given, its value, and what would be right.
    pub fn resolve(
        args: &OtlpArgs,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Vec<String>> {
        let mut reader = Reader::new(Kind::Logs, env);
        let Some(endpoint) = reader.find(args.endpoint.as_deref(), &names::ENDPOINT) else { return Ok(None) };
        if disabled(&mut reader) || exporter(&mut reader) == Some(Exporter::None) {
            return Ok(None);
        }
        let connection = Connection::read(args, &endpoint, &mut reader);
        let limits = limits(args, &mut reader);
        let config = connection.map(|connection| Self { connection, limits });
        reader.into_result(config)
    }

    /// How many events wait, and for how long.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }
}

impl MetricsConfig {
    /// The TCP port of the collector.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.connection.port()
    }

    /// Makes settings as [`Config::resolve`] does; `None` if nobody asks for a push, or it is switched off.
    ///
    /// # Errors
    /// As [`Config::resolve`], and if a flag asks for a push and nothing says where to.
    pub fn resolve(
        args: &OtlpArgs,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Vec<String>> {
        let mut reader = Reader::new(Kind::Metrics, env);
        let endpoint = reader.find(args.endpoint.as_deref(), &names::ENDPOINT);
        if (endpoint.is_none() && !args.metrics) || disabled(&mut reader) {
            return Ok(None);
        }
        let wanted = match exporter(&mut reader) {
            Some(Exporter::Otlp) => true,
            Some(Exporter::None) => false,
            Some(Exporter::Prometheus) | None => args.metrics,
        };
        let config = match endpoint {
            Some(endpoint) if wanted => Self::read(args, &endpoint, &mut reader),
            None if wanted => reader
                .keep(Err("--otlp.metrics has no collector to push to; give --otlp.endpoint".to_owned())),
            _ => None,
        };
        reader.into_result(config)
    }

    fn read(args: &OtlpArgs, endpoint: &Setting, reader: &mut Reader<'_>) -> Option<Self> {
        let connection = Connection::read(args, endpoint, reader);
        let interval =
            reader.read(args.metrics_interval.as_deref(), &names::METRICS_INTERVAL, settings::interval);
        let interval = interval.unwrap_or(metrics::OTEL_METRIC_EXPORT_INTERVAL_DEFAULT);
        Some(Self { connection: connection?, interval })
    }
}

/// Whether OpenTelemetry is switched off as a whole.
fn disabled(reader: &mut Reader<'_>) -> bool {
    reader.find(None, &names::SDK_DISABLED).is_some_and(|setting| settings::boolean(&setting))
}

/// Who sends, as OpenTelemetry names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exporter {
    Otlp,
    /// Nobody sends: `/metrics` is read, as it always can be.
    Prometheus,
    None,
}

/// Who sends, if a variable says it.
fn exporter(reader: &mut Reader<'_>) -> Option<Exporter> {
    let (is_prometheus, known): (fn(&str) -> bool, _) = match reader.kind() {
        Kind::Logs => (|_| false, "otlp or none"),
        Kind::Metrics => (|name| name == "prometheus", "otlp, prometheus or none"),
    };
    reader.read(None, &names::EXPORTER, |setting| {
        let mut names = setting.value.split(',').map(str::trim);
        match setting.value.as_str() {
            "none" => Ok(Exporter::None),
            _ if names.clone().any(|name| name == "otlp") => Ok(Exporter::Otlp),
            _ if names.any(is_prometheus) => Ok(Exporter::Prometheus),
            _ => Err(setting.wrong(format_args!("is no exporter that is built in; give {known}"))),
        }
    })
}

fn limits(args: &OtlpArgs, reader: &mut Reader<'_>) -> Limits {
    let queue_size = reader.read(args.queue_size.as_deref(), &names::QUEUE_SIZE, settings::count);
    let batch_size = reader.read(args.batch_size.as_deref(), &names::BATCH_SIZE, settings::count);
    let flush_interval =
        reader.read(args.flush_interval.as_deref(), &names::FLUSH_INTERVAL, settings::duration);
    let queue_size = queue_size.unwrap_or(DEFAULT_QUEUE_SIZE);
    Limits {
        queue_size,
        batch_size: batch_size.unwrap_or(logs::OTEL_BLRP_MAX_EXPORT_BATCH_SIZE_DEFAULT).min(queue_size),
        flush_interval: flush_interval.unwrap_or(logs::OTEL_BLRP_SCHEDULE_DELAY_DEFAULT),
    }
}
