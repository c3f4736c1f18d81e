//! What a request says: the page, by the rules of OpenTelemetry for Prometheus.

use std::{collections::BTreeMap, time::Duration};

use expect_test::expect_file;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{KeyValue, any_value},
    metrics::v1::{Metric, NumberDataPoint, exemplar, metric::Data, number_data_point::Value},
};

use super::*;

fn metrics(request: &ExportMetricsServiceRequest) -> &[Metric] {
    &request.resource_metrics[0].scope_metrics[0].metrics
}

fn points(metric: &Metric) -> &[NumberDataPoint] {
    match metric.data.as_ref().unwrap() {
        Data::Sum(sum) => &sum.data_points,
        Data::Gauge(gauge) => &gauge.data_points,
        other => panic!("{other:?}"),
    }
}

fn labels(attributes: &[KeyValue]) -> String {
    let pairs = attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
        let Some(any_value::Value::StringValue(value)) = value else { panic!("{attribute:?}") };
        format!("{}={value:?}", attribute.key)
    });
    pairs.collect::<Vec<_>>().join(",")
}

/// `None` if it says that there is no number any more.
fn number(point: &NumberDataPoint) -> Option<f64> {
    assert_eq!(point.value.is_none(), point.flags == 1);
    Some(match point.value? {
        Value::AsInt(value) => i32::try_from(value).unwrap().into(),
        Value::AsDouble(value) => value,
    })
}

/// What a page would say of these metrics, by the rules of OpenTelemetry for Prometheus.
pub(super) fn as_scraped(request: &ExportMetricsServiceRequest) -> BTreeMap<String, f64> {
    let series = metrics(request).iter().flat_map(|metric| {
        let suffix = if matches!(metric.data, Some(Data::Sum(_))) { "_total" } else { "" };
        points(metric).iter().filter_map(move |point| {
            let labels = labels(&point.attributes);
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            Some((format!("{}{suffix}{labels}", metric.name), number(point)?))
        })
    });
    series.collect()
}

/// The series of the exporter's own, but for the one that is of a moment.
pub(super) fn of_its_own(series: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let is_own = |name: &str| name.starts_with("killsnoop_") && name != "killsnoop_scrape_duration_seconds";
    series.into_iter().filter(|(name, _)| is_own(name)).collect()
}

pub(super) fn scraped(page: &Page) -> BTreeMap<String, f64> {
    let page = String::from_utf8(page.render(Format::Classic).unwrap()).unwrap();
    let lines = page.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit_once(' ').unwrap());
    lines.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// A family in a line, and its first series.
fn shown(metric: &Metric) -> String {
    let kind = match metric.data.as_ref().unwrap() {
        Data::Sum(sum) => {
            let temporality = sum.aggregation_temporality().as_str_name().to_lowercase();
            format!("{temporality}, monotonic: {}", sum.is_monotonic)
        }
        _ => "gauge".to_owned(),
    };
    let point = &points(metric)[0];
    let value = match point.value.unwrap() {
        Value::AsInt(_) => "int",
        Value::AsDouble(_) => "double",
    };
    let start = point.start_time_unix_nano;
    let labels: Vec<_> = point.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    format!("{} [{}] {kind}, {value} since {start}, by {labels:?}\n", metric.name, metric.unit)
}

#[test]
fn every_family_has_its_kind_unit_and_beginning() {
    let families = page().families().unwrap();
    let at = START + Duration::from_secs(2);
    let request = Envelope::new(&[], START + Duration::from_secs(1)).request(families, at, false);
    let own = metrics(&request).iter().filter(|metric| metric.name.starts_with("killsnoop_"));
    expect_file!["../golden.txt"].assert_eq(&own.map(shown).collect::<String>());
    assert!(metrics(&request).iter().all(|metric| !metric.description.is_empty()));
    let mut points = metrics(&request).iter().flat_map(points);
    assert!(points.all(|point| point.time_unix_nano == 2_000_000_000));
}

#[test]
fn the_last_death_goes_with_its_counter() {
    let request = Envelope::new(&[], START).request(page().families().unwrap(), SystemTime::now(), false);
    let exemplars = metrics(&request).iter().flat_map(points).flat_map(|point| &point.exemplars);
    let exemplars: Vec<_> = exemplars.collect();
    let [exemplar] = exemplars[..] else { panic!("{exemplars:#?}") };
    assert_eq!(exemplar.time_unix_nano, examples::death().time.unix_ns);
    assert_eq!(exemplar.value, Some(exemplar::Value::AsDouble(1.0)));
    assert!(labels(&exemplar.filtered_attributes).contains("target_pid="), "{exemplar:?}");
}
