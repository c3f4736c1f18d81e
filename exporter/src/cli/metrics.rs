//! Flags of `serve` for what the page of metrics shows beyond what it always does.

use clap::{Args, value_parser};

use crate::metrics::ContainerDeaths;

/// Flags of the page of metrics, as typed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsArgs {
    /// Leave out the exemplars: process ids and names of the last event behind a counter
    ///
    /// Exemplars are shown in the OpenMetrics format alone, of deaths, and of calls while these are sent as events.
    #[arg(long = "metrics.no-exemplars")]
    no_exemplars: bool,

    /// Show deaths by namespace, pod and container too
    #[arg(long = "metrics.container-deaths")]
    container_deaths: bool,

    /// The most series that deaths by container take; one that saw no death for an hour makes place for another
    #[arg(
        long = "metrics.container-deaths-max",
        value_name = "N",
        default_value_t = ContainerDeaths::MAX_SERIES as u32,
        value_parser = value_parser!(u32).range(1..=100_000)
    )]
    container_deaths_max: u32,
}

impl MetricsArgs {
    /// Whether exemplars are shown.
    #[must_use]
    pub fn exemplars(&self) -> bool {
        !self.no_exemplars
    }

    /// How many series deaths by container may take; `None` if they are not shown.
    #[must_use]
    pub fn container_deaths(&self) -> Option<usize> {
        self.container_deaths.then_some(self.container_deaths_max as usize)
    }
}
