//! What a page says, as values: for whoever sends it on in a format of their own.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Exemplar, LabelPair, Metric, MetricFamily, MetricType,
};

use super::names;

/// All series of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name without the `_total` that counters have on a page.
    pub name: String,
    /// What it says.
    pub help: String,
    /// Its unit as UCUM writes it, with what is counted in braces; empty if it has none.
    pub unit: &'static str,
    /// Which kind of numbers it has.
    pub kind: Kind,
    /// Whether they may be other numbers than whole ones.
    pub fractional: bool,
    /// Its series.
    pub series: Vec<Series>,
}

/// A kind of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What only grows, from 0 at the exporter's start.
    Counter,
    /// What goes up and down.
    Gauge,
}

/// A number with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Names and values of its labels.
    pub labels: Vec<(String, String)>,
    /// The number.
    pub value: f64,
    /// The last event that was counted, if it is told.
    pub last: Option<LastEvent>,
}

/// An event behind a counter.
#[derive(Clone, Debug, PartialEq)]
pub struct LastEvent {
    /// Who took part in it.
    pub labels: Vec<(String, String)>,
    /// What it added.
    pub value: f64,
    /// When it happened.
    pub at: SystemTime,
}

/// Reads the model of prometheus-client.
///
/// # Errors
/// If a family is no counter and no gauge, or a series has no number: to leave one out would go unnoticed.
pub(super) fn read(families: Vec<MetricFamily>) -> Result<Vec<Family>, fmt::Error> {
    families.into_iter().map(family).collect()
}

fn family(family: MetricFamily) -> Result<Family, fmt::Error> {
    let kind = match MetricType::try_from(family.r#type) {
        Ok(MetricType::Counter) => Kind::Counter,
        Ok(MetricType::Gauge) => Kind::Gauge,
        _ => return Err(fmt::Error),
    };
    let unit = names::unit(&family.name);
    Ok(Family {
        name: family.name.strip_suffix("_total").unwrap_or(&family.name).to_owned(),
        help: family.help,
        unit,
        kind,
        fractional: unit == names::SECONDS,
        series: family.metric.into_iter().map(series).collect::<Option<_>>().ok_or(fmt::Error)?,
    })
}

fn series(metric: Metric) -> Option<Series> {
    let labels = pairs(metric.label);
    match (metric.counter, metric.gauge) {
        (Some(counter), None) => {
            Some(Series { labels, value: counter.value, last: counter.exemplar.and_then(last) })
        }
        (None, Some(gauge)) => Some(Series { labels, value: gauge.value, last: None }),
        _ => None,
    }
}

/// An exemplar without a time is of no use to whoever wants to look its event up.
fn last(exemplar: Exemplar) -> Option<LastEvent> {
    let at = exemplar.timestamp?;
    let since = Duration::new(at.seconds.try_into().ok()?, at.nanos.try_into().ok()?);
    Some(LastEvent {
        labels: pairs(exemplar.label),
        value: exemplar.value,
        at: UNIX_EPOCH.checked_add(since)?,
    })
}

fn pairs(labels: Vec<LabelPair>) -> Vec<(String, String)> {
    labels.into_iter().map(|label| (label.name, label.value)).collect()
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{Counter, Gauge};

    use super::*;

    fn of(kind: MetricType, metric: Metric) -> Result<Vec<Family>, fmt::Error> {
        read(vec![MetricFamily { r#type: kind.into(), metric: vec![metric], ..MetricFamily::default() }])
    }

    #[test]
    fn what_cannot_be_told_is_an_error_and_not_a_hole() {
        let gauge = Metric { gauge: Some(Gauge { value: 1.0 }), ..Metric::default() };
        assert!(of(MetricType::Gauge, gauge.clone()).is_ok());
        assert_eq!(of(MetricType::Histogram, gauge), Err(fmt::Error));
        assert_eq!(of(MetricType::Gauge, Metric::default()), Err(fmt::Error));
    }

    #[test]
    fn an_exemplar_of_no_time_or_a_strange_one_is_left_out() {
        for (seconds, nanos, expected) in
            [(1, 5, Some(Duration::new(1, 5))), (-1, 0, None), (0, -1, None), (i64::MIN, i32::MIN, None)]
        {
            let mut exemplar = Exemplar::default();
            let at = exemplar.timestamp.get_or_insert_default();
            (at.seconds, at.nanos) = (seconds, nanos);
            let counter = Counter { exemplar: Some(exemplar), ..Counter::default() };
            let metric = Metric { counter: Some(counter), ..Metric::default() };
            let families = of(MetricType::Counter, metric).unwrap();
            let last = families[0].series[0].last.as_ref();
            assert_eq!(last.map(|last| last.at), expected.map(|since| UNIX_EPOCH + since));
        }
    }
}
