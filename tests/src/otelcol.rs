//! A real OpenTelemetry Collector that prints what it receives.

use std::{collections::BTreeMap, fs, net::TcpListener, process::Command};

use tempfile::TempDir;

use crate::{eventually, http, process::Process, root, scrape::Scrape, tool};

/// A running collector on ports of its own.
pub struct Otelcol {
    process: Process,
    grpc: String,
    http: String,
    metrics: String,
    // Removed when the collector is dropped.
    _folder: TempDir,
}

/// A collector by one of the configurations that ship, on ports of its own.
pub struct Collector {
    /// The process.
    pub process: Process,
    /// Where it takes OTLP over gRPC.
    pub grpc: String,
    /// Where it takes OTLP over HTTP.
    pub http: String,
    /// Where it counts what it does, if it does.
    metrics: Option<String>,
}

/// One log record, as the collector's debug exporter prints it.
#[derive(Clone, Debug, Default)]
pub struct Record {
    resource: BTreeMap<String, String>,
    fields: BTreeMap<String, String>,
    attributes: BTreeMap<String, String>,
}

impl Otelcol {
    /// Starts one with OTLP receivers over gRPC and HTTP.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        // Its usual logger keeps a sample of what it prints; all is wanted here.
        Self::with_exporter("debug: {verbosity: detailed, use_internal_logger: false}")
    }

    /// Starts one that only counts, for more records than anybody wants to read.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn counting() -> Self {
        Self::with_exporter("nop: {}")
    }

    /// Starts one that hands on what it receives, by OTLP over HTTP to this base endpoint.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn before(endpoint: &str) -> Self {
        Self::with_exporter(&format!("otlphttp: {{endpoint: {endpoint:?}}}"))
    }

    fn with_exporter(exporter: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be had");
        let path = folder.path().join("config.yaml");
        let metrics_port = free_port();
        fs::write(&path, configuration(exporter, metrics_port)).expect("a temporary file can be written");
        let process = Process::start(Command::new(tool("otelcol")).arg("--config").arg(path));
        let (grpc, http) = (endpoint(&process, "GRPC"), endpoint(&process, "HTTP"));
        process.stderr.find(|line| line.contains("Everything is ready").then_some(()));
        Self { process, grpc, http, metrics: format!("127.0.0.1:{metrics_port}"), _folder: folder }
    }

    /// The endpoint for OTLP over gRPC.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// The base endpoint for OTLP over HTTP.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Log records that it has accepted, as it counts them itself.
    #[must_use]
    pub fn n_accepted(&self) -> f64 {
        self.n("otelcol_receiver_accepted_log_records")
    }

    /// Points of metrics that it has accepted, as it counts them itself.
    #[must_use]
    pub fn n_accepted_points(&self) -> f64 {
        self.n("otelcol_receiver_accepted_metric_points")
    }

    fn n(&self, name: &str) -> f64 {
        Scrape::parse(http::get(&self.metrics, "/metrics", &[]).text()).sum(name)
    }

    /// Waits for a record.
    ///
    /// # Panics
    /// If no such record comes.
    #[must_use]
    pub fn record(&self, wanted: impl Fn(&Record) -> bool) -> Record {
        let find = || records(&self.process.stdout.all()).into_iter().find(&wanted);
        eventually(find, || format!("no such record in\n{}", self.process.stdout))
    }
}

impl Collector {
    /// Starts one that does not count what it does.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn silent(config: &str, variables: &[(&str, &str)]) -> Self {
        // Its own metrics have a port that cannot be left to the kernel.
        Self::start(config, "service::telemetry::metrics::level: none", variables, None)
    }

    /// Starts one that counts what it does, as each does unless told otherwise.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn counting(config: &str, variables: &[(&str, &str)]) -> Self {
        let port = free_port();
        let readers = format!("service::telemetry::metrics::readers: {}", readers(port));
        Self::start(config, &readers, variables, Some(format!("127.0.0.1:{port}")))
    }

    fn start(config: &str, own: &str, variables: &[(&str, &str)], metrics: Option<String>) -> Self {
        let process = Process::start(
            Command::new(tool("otelcol"))
                .arg("--config")
                .arg(root().join(config))
                .args(["--config", &format!("yaml:{own}")])
                .envs([("OTLP_GRPC_LISTEN", "127.0.0.1:0"), ("OTLP_HTTP_LISTEN", "127.0.0.1:0")])
                .envs(variables.iter().copied()),
        );
        let (grpc, http) = (endpoint(&process, "GRPC"), endpoint(&process, "HTTP"));
        process.stderr.find(|line| line.contains("Everything is ready").then_some(()));
        Self { process, grpc, http, metrics }
    }

    /// The sum of a family of those that it counts; 0 before there is one.
    ///
    /// # Panics
    /// If it is silent.
    #[must_use]
    pub fn n(&self, family: &str) -> f64 {
        let metrics = self.metrics.as_deref().expect("a collector that counts was started");
        Scrape::parse(http::get(metrics, "/metrics", &[]).text()).sum(family)
    }
}

impl Record {
    /// A field of the record itself, for instance `EventName`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// An attribute of the record with its type, for instance `Int(9)`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&String> {
        self.attributes.get(name)
    }

    /// An attribute of its resource, with its type.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&str> {
        self.resource.get(name).map(String::as_str)
    }
}

/// What the debug exporter prints: the resource's attributes, then each record with its fields and attributes, up to an
/// empty line. A record is complete only once something follows it.
fn records(lines: &[String]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut record = None::<Record>;
    let mut resource = BTreeMap::new();
    for line in lines {
        let attribute = line.strip_prefix("     -> ").and_then(|row| row.split_once(": "));
        if line.starts_with("ResourceLog #") {
            resource.clear();
        }
        if line.starts_with("LogRecord #") || line.is_empty() {
            records.extend(record.take());
        }
        if line.starts_with("LogRecord #") {
            record = Some(Record { resource: resource.clone(), ..Record::default() });
        } else if let Some((name, value)) = attribute {
            let attributes = record.as_mut().map_or(&mut resource, |record| &mut record.attributes);
            attributes.insert(name.to_owned(), value.to_owned());
        } else if let (Some(record), Some((name, value))) = (&mut record, line.split_once(": ")) {
            record.fields.insert(name.to_owned(), value.to_owned());
        }
    }
    records
}

/// Where a collector says that its receiver for `GRPC` or `HTTP` listens.
///
/// # Panics
/// If it does not say so.
#[must_use]
pub fn endpoint(collector: &Process, receiver: &str) -> String {
    collector.stderr.find(|line| {
        let rest = line.contains(&format!("Starting {receiver} server")).then_some(line)?;
        Some(rest.split_once("\"endpoint\": \"")?.1.split('"').next()?.to_owned())
    })
}

fn configuration(exporter: &str, metrics_port: u16) -> String {
    let name = exporter.split(':').next().unwrap_or_default();
    format!(
        r#"
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}, http: {{endpoint: "127.0.0.1:0"}}}}}}}}
exporters: {{{exporter}}}
service:
  telemetry: {{metrics: {{readers: {}}}}}
  pipelines: {{logs: {{receivers: [otlp], exporters: [{name}]}}, metrics: {{receivers: [otlp], exporters: [{name}]}}}}
"#,
        readers(metrics_port)
    )
}

/// Who reads its own metrics: whoever asks at this port, by their plain names.
fn readers(port: u16) -> String {
    let names = "without_type_suffix: true, without_scope_info: true, without_units: true";
    format!("[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {port}, {names}}}}}}}}}]")
}

/// A port that is free now. The collector's own metrics cannot be given port 0, because it does not tell which it got.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    listener.local_addr().expect("a listener has an address").port()
}
