//! From numbers to the encoders of prometheus-client, which write all formats.

use std::{fmt, time::SystemTime};

use prometheus_client::{
    encoding::{
        DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric, MetricEncoder,
    },
    metrics::{MetricType, counter::ConstCounter, exemplar::CounterWithExemplar, gauge::ConstGauge},
};

use super::names::Family;

/// The last event that a counter has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exemplar {
    /// Who took part in it; names and values have no more than 128 characters together.
    pub(super) labels: Vec<(&'static str, String)>,
    /// When it happened.
    pub(super) at: SystemTime,
}

/// Writes the counters of a family; of an empty one not even the name, as a family without series says nothing.
pub(super) fn counters<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    series: impl IntoIterator<Item = (L, u64)>,
) -> fmt::Result {
    counters_with_exemplars(encoder, family, series.into_iter().map(|(labels, n)| (labels, n, None)))
}

/// Writes the counters of a family, each with its exemplar if it has one.
pub(super) fn counters_with_exemplars<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    series: impl IntoIterator<Item = (L, u64, Option<Exemplar>)>,
) -> fmt::Result {
    let mut series = series.into_iter().peekable();
    if series.peek().is_none() {
        return Ok(());
    }
    let mut metrics = describe(encoder, family, MetricType::Counter)?;
    for (labels, n, exemplar) in series {
        let metric = metrics.encode_family(&labels)?;
        match exemplar {
            Some(exemplar) => with_exemplar(n, exemplar).encode(metric)?,
            None => ConstCounter::new(n).encode(metric)?,
        }
    }
    Ok(())
}

/// The library makes exemplars only where it counts itself: it is told of all but one, and then of the last.
fn with_exemplar(n: u64, exemplar: Exemplar) -> CounterWithExemplar<Vec<(&'static str, String)>> {
    let counter = CounterWithExemplar::default();
    counter.inc_by(n.saturating_sub(1), None, None);
    counter.inc_by(n.min(1), Some(exemplar.labels), Some(exemplar.at));
    counter
}

/// Writes the gauges of a family; of an empty one not even the name.
pub(super) fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    series: impl IntoIterator<Item = (L, V)>,
) -> fmt::Result {
    let mut series = series.into_iter().peekable();
    if series.peek().is_none() {
        return Ok(());
    }
    let mut metrics = describe(encoder, family, MetricType::Gauge)?;
    for (labels, value) in series {
        ConstGauge::new(value).encode(metrics.encode_family(&labels)?)?;
    }
    Ok(())
}

/// Writes a counter without labels, if its value is known.
pub(super) fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    value: Option<impl EncodeCounterValue>,
) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    ConstCounter::new(value).encode(describe(encoder, family, MetricType::Counter)?)
}

/// Writes a gauge without labels, if its value is known.
pub(super) fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    value: Option<impl EncodeGaugeValue>,
) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    ConstGauge::new(value).encode(describe(encoder, family, MetricType::Gauge)?)
}

fn describe<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    family: &Family,
    kind: MetricType,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    // The encoders put the suffix back where their format wants it.
    let stem = family.name.strip_suffix("_total").unwrap_or(family.name);
    encoder.encode_descriptor(stem, family.help, None, kind)
}
