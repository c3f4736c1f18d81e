//! One page of metrics, in the format that the reader wants.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use prometheus_client::{
    encoding::{prometheus_protobuf, text},
    registry::Registry,
};

use super::{Build, ContainerDeaths, Exemplars, Family, Scrape, Shown, Sink, classic, families};
use crate::{
    counters::Counters,
    ledger::{Ledger, Pushes},
};

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The text that every reader of Prometheus metrics knows, version 0.0.4.
    Classic,
    /// `OpenMetrics` text 1.0.0.
    OpenMetrics,
    /// `OpenMetrics` text for those who only know its draft 0.0.1: the same page, under that version.
    OpenMetricsDraft,
    /// Prometheus protobuf: messages, each after its length.
    Protobuf,
}

impl Format {
    /// The format's name in HTTP.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::OpenMetricsDraft => "application/openmetrics-text; version=0.0.1; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
        }
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The kernel did not give its counters.
    #[error("cannot read the counters from the kernel")]
    Counters(#[source] io::Error),
    /// A metric cannot be written in the format asked for.
    #[error("cannot write the metrics as {}", format.content_type())]
    Encode {
        /// The format asked for.
        format: Format,
        /// What the encoder says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The page of metrics, read anew each time it is rendered.
pub struct Page {
    counters: Arc<dyn Counters>,
    sinks: Arc<[Sink]>,
    shown: Mutex<Shown>,
    exemplars: Option<Arc<Exemplars>>,
    container_deaths: Option<Arc<ContainerDeaths>>,
    pushes: Option<Arc<Pushes>>,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("sinks", &self.sinks).finish_non_exhaustive()
    }
}

impl Page {
    /// A page of these counters, and of the sinks with their names. It names no process and no container.
    #[must_use]
    pub fn new(
        counters: Arc<dyn Counters>,
        sinks: impl IntoIterator<Item = (&'static str, Arc<Ledger>)>,
    ) -> Self {
        Self {
            counters,
            sinks: sinks.into_iter().map(|(name, ledger)| Sink::new(name, ledger)).collect(),
            shown: Mutex::default(),
            exemplars: None,
            container_deaths: None,
            pushes: None,
        }
    }

    /// Shows the last event of calls and deaths with their counters, to readers of formats that have exemplars.
    #[must_use]
    pub fn with_exemplars(self, exemplars: Option<Arc<Exemplars>>) -> Self {
        Self { exemplars, ..self }
    }

    /// Shows deaths by container too.
    #[must_use]
    pub fn with_container_deaths(self, container_deaths: Option<Arc<ContainerDeaths>>) -> Self {
        Self { container_deaths, ..self }
    }

    /// Shows how pushes of it ended.
    #[must_use]
    pub fn with_pushes(self, pushes: Option<Arc<Pushes>>) -> Self {
        Self { pushes, ..self }
    }

    /// Reads everything once and writes it. Blocks for as long as the kernel takes to give its counters, well below a
    /// millisecond each.
    ///
    /// # Errors
    /// If the counters cannot be read; there is never half a page.
    pub fn render(&self, format: Format) -> Result<Vec<u8>, RenderError> {
        encode(self.read(format != Format::Classic)?, format)
    }

    /// Reads everything once and tells it as values, for whoever has a format of their own. Blocks as
    /// [`Page::render`] does.
    ///
    /// # Errors
    /// As for [`Page::render`].
    pub fn families(&self) -> Result<Vec<Family>, RenderError> {
        families(self.read(true)?)
    }

    fn read(&self, with_exemplars: bool) -> Result<Scrape, RenderError> {
        let started = Instant::now();
        let snapshot = self.counters.snapshot().map_err(RenderError::Counters)?;
        let read_seconds = started.elapsed().as_secs_f64();
        let exemplars = self.exemplars.as_deref().filter(|_| with_exemplars);
        // A thread that died holding them has at the worst given a place to one more.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let budgeted = shown.series(&snapshot, exemplars);
        drop(shown);
        Ok(Scrape {
            snapshot,
            budgeted,
            container_deaths: self.container_deaths.as_ref().map_or_else(Vec::new, |deaths| deaths.series()),
            sinks: Arc::clone(&self.sinks),
            pushes: self.pushes.clone(),
            process: metrics_process::collector::collect(),
            build: Build::THIS,
            read_seconds,
        })
    }
}

/// Writes what was read.
pub(super) fn encode(scrape: Scrape, format: Format) -> Result<Vec<u8>, RenderError> {
    encode_registry(&registry(scrape), format).map_err(|source| RenderError::Encode { format, source })
}

/// Tells what was read.
pub(super) fn families(scrape: Scrape) -> Result<Vec<Family>, RenderError> {
    let failed = |source: fmt::Error| RenderError::Encode { format: Format::Protobuf, source: source.into() };
    families::read(prometheus_protobuf::encode(&registry(scrape)).map_err(failed)?).map_err(failed)
}

/// A registry per page, as it is only the way in to the encoders: nothing lives longer than a page.
fn registry(scrape: Scrape) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(scrape));
    registry
}

fn encode_registry(
    registry: &Registry,
    format: Format,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(match format {
        Format::Classic => classic::encode(&prometheus_protobuf::encode(registry)?)?.into_bytes(),
        Format::OpenMetrics | Format::OpenMetricsDraft => {
            let mut page = String::new();
            text::encode(&mut page, registry)?;
            page.into_bytes()
        }
        Format::Protobuf => prometheus_protobuf::encode_to_vec(registry)?,
    })
}
