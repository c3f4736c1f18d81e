//! The text format 0.0.4, which prometheus-client does not write: made of its protobuf model.

use std::fmt::{self, Write};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    LabelPair, Metric, MetricFamily, MetricType,
};

/// Writes the families as text.
///
/// # Errors
/// If a family is no counter and no gauge: there are no others yet, and to leave one out would go unnoticed.
pub(super) fn encode(families: &[MetricFamily]) -> Result<String, fmt::Error> {
    let mut page = String::new();
    for family in families {
        encode_family(&mut page, family)?;
    }
    Ok(page)
}

fn encode_family(page: &mut String, family: &MetricFamily) -> fmt::Result {
    let name = &family.name;
    let kind = match MetricType::try_from(family.r#type) {
        Ok(MetricType::Counter) => "counter",
        Ok(MetricType::Gauge) => "gauge",
        _ => return Err(fmt::Error),
    };
    write!(page, "# HELP {name} ")?;
    escape(page, &family.help, false)?;
    write!(page, "\n# TYPE {name} {kind}\n")?;
    for metric in &family.metric {
        page.push_str(name);
        encode_labels(page, &metric.label)?;
        encode_value(page, value(metric).ok_or(fmt::Error)?)?;
    }
    Ok(())
}

fn encode_labels(page: &mut String, labels: &[LabelPair]) -> fmt::Result {
    for (at, label) in labels.iter().enumerate() {
        page.push(if at == 0 { '{' } else { ',' });
        write!(page, "{}=\"", label.name)?;
        escape(page, &label.value, true)?;
        page.push('"');
    }
    if !labels.is_empty() {
        page.push('}');
    }
    Ok(())
}

fn value(metric: &Metric) -> Option<f64> {
    let counter = metric.counter.as_ref().map(|counter| counter.value);
    counter.or_else(|| metric.gauge.as_ref().map(|gauge| gauge.value))
}

fn encode_value(page: &mut String, value: f64) -> fmt::Result {
    if value.is_infinite() {
        writeln!(page, " {}Inf", if value > 0.0 { '+' } else { '-' })
    } else {
        writeln!(page, " {value}")
    }
}

/// Help texts keep their quotes, label values do not.
fn escape(page: &mut String, text: &str, quotes: bool) -> fmt::Result {
    for char in text.chars() {
        match char {
            '\\' => page.write_str(r"\\")?,
            '\n' => page.write_str(r"\n")?,
            '"' if quotes => page.write_str(r#"\""#)?,
            _ => page.push(char),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{Counter, Gauge};

    use super::*;

    fn family(kind: MetricType, metric: Vec<Metric>) -> MetricFamily {
        MetricFamily {
            name: "family".to_owned(),
            help: "Says \"a\\b\"\nand more.".to_owned(),
            r#type: kind.into(),
            metric,
            ..MetricFamily::default()
        }
    }

    fn labels(pairs: &[(&str, &str)]) -> Vec<LabelPair> {
        pairs
            .iter()
            .map(|(name, value)| LabelPair { name: (*name).to_owned(), value: (*value).to_owned() })
            .collect()
    }

    fn gauge(value: f64) -> Metric {
        Metric { gauge: Some(Gauge { value }), ..Metric::default() }
    }

    #[test]
    fn hostile_label_values_stay_inside_their_quotes() {
        let label = labels(&[("comm", "x\"} 1\nevil{a=\"\\"), ("other", "é\u{fffd}\t")]);
        let counter = Counter { value: 7.0, ..Counter::default() };
        let metric = Metric { label, counter: Some(counter), ..Metric::default() };
        expect![[r#"
            # HELP family Says "a\\b"\nand more.
            # TYPE family counter
            family{comm="x\"} 1\nevil{a=\"\\",other="é�	"} 7
        "#]]
        .assert_eq(&encode(&[family(MetricType::Counter, vec![metric])]).unwrap());
    }

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        let values = [0.0, 0.25, -1.0, 9_007_199_254_740_992.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let page = encode(&[family(MetricType::Gauge, values.map(gauge).to_vec())]).unwrap();
        let written: Vec<_> = page.lines().skip(2).filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(written, ["0", "0.25", "-1", "9007199254740992", "+Inf", "-Inf", "NaN"]);
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_not_a_hole() {
        assert!(encode(&[family(MetricType::Histogram, vec![])]).is_err());
        assert!(encode(&[family(MetricType::Gauge, vec![Metric::default()])]).is_err());
    }
}
