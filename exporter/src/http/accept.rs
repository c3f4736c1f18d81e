//! Which format a reader wants, by its `Accept` headers. Pure, and never without an answer: the rules are those of
//! Prometheus' own client library, and whoever asks for nothing that is known gets the classic text.

use axum::http::HeaderValue;

use crate::metrics::Format;

/// The format to answer with.
pub(super) fn format<'a>(headers: impl IntoIterator<Item = &'a HeaderValue>) -> Format {
    headers
        .into_iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| split(header, ','))
        .filter_map(Offer::parse)
        .filter(|offer| offer.quality > 0.0)
        // Of equals, the first one that was named.
        .reduce(|best, next| if next.rank() > best.rank() { next } else { best })
        .map_or(Format::Classic, |offer| offer.format)
}

/// A format that the reader takes.
struct Offer {
    format: Format,
    quality: f32,
    by_name: bool,
}

impl Offer {
    /// Reads `type/subtype;parameter=value;…`; `None` for what is not served here. Unknown parameters are passed
    /// over, among them `escaping`: names here have nothing to escape.
    fn parse(range: &str) -> Option<Self> {
        let mut parts = split(range, ';');
        let media_type = parts.next()?.trim().to_ascii_lowercase();
        let parameters = Parameters::parse(parts);
        let version = parameters.version;
        let format = match (media_type.as_str(), version) {
            ("*/*" | "text/*", _) | ("text/plain", None | Some("0.0.4")) => Format::Classic,
            ("application/openmetrics-text", Some("1.0.0")) => Format::OpenMetrics,
            ("application/openmetrics-text", None | Some("0.0.1")) => Format::OpenMetricsDraft,
            ("application/vnd.google.protobuf", _) if parameters.is_delimited_metrics() => Format::Protobuf,
            _ => return None,
        };
        Some(Self { format, quality: parameters.quality(), by_name: !media_type.ends_with('*') })
    }

    /// What is named goes before what only matches, if both are as welcome.
    fn rank(&self) -> (f32, bool) {
        (self.quality, self.by_name)
    }
}

/// The parameters that count.
#[derive(Default)]
struct Parameters<'a> {
    q: Option<&'a str>,
    version: Option<&'a str>,
    proto: Option<&'a str>,
    encoding: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn parse(parts: impl Iterator<Item = &'a str>) -> Self {
        let mut parameters = Self::default();
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let field = match name.trim().to_ascii_lowercase().as_str() {
                "q" => &mut parameters.q,
                "version" => &mut parameters.version,
                "proto" => &mut parameters.proto,
                "encoding" => &mut parameters.encoding,
                _ => continue,
            };
            *field = Some(value.trim().trim_matches('"'));
        }
        parameters
    }

    fn is_delimited_metrics(&self) -> bool {
        self.proto == Some("io.prometheus.client.MetricFamily") && self.encoding == Some("delimited")
    }

    /// From 0, not at all, to 1. What is no quality counts as 1, as if it were not there.
    fn quality(&self) -> f32 {
        let given = self.q.and_then(|q| q.parse().ok());
        given.filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(1.0)
    }
}

/// Splits where the separator stands outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |char| {
        quoted ^= char == '"';
        char == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(accept: &str) -> Format {
        format([&HeaderValue::from_str(accept).unwrap()])
    }

    /// What Prometheus sends: captured from 2.42, and of 3 as its source has it, each first without and then with
    /// native histograms; and what its older versions are known to send.
    const PROMETHEUS: [(&str, Format); 7] = [
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
            Format::Protobuf,
        ),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Format::Classic),
        (
            "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::OpenMetricsDraft,
        ),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::OpenMetrics,
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
             application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::Protobuf,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Format::OpenMetrics,
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Format::Protobuf,
        ),
    ];

    #[test]
    fn every_prometheus_gets_the_format_it_likes_best() {
        for (accept, expected) in PROMETHEUS {
            assert_eq!(of(accept), expected, "{accept}");
        }
    }

    #[test]
    fn other_readers_get_what_they_ask_for_or_the_classic_text() {
        use Format::{Classic, OpenMetrics, OpenMetricsDraft};
        let rows = [
            // curl, and a browser.
            ("*/*", Classic),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", Classic),
            // Details.
            ("application/openmetrics-text", OpenMetricsDraft),
            ("Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Charset=utf-8", OpenMetrics),
            ("text/plain", Classic),
            ("*/*, application/openmetrics-text;version=1.0.0", OpenMetrics),
            ("text/plain;q=0.2, application/openmetrics-text;version=1.0.0;q=0.3", OpenMetrics),
            ("application/openmetrics-text;version=1.0.0;q=0, text/plain;q=0.001", Classic),
            ("application/openmetrics-text;version=1.0.0;note=\"a,b;c\";q=0.9,text/plain;q=0.8", OpenMetrics),
            // Nothing that is known.
            ("", Classic),
            ("application/openmetrics-text;version=2.0.0", Classic),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
                Classic,
            ),
            ("application/vnd.google.protobuf", Classic),
            ("application/json", Classic),
            ("text/plain;q=0", Classic),
            (",;=,;q=,/,\"", Classic),
        ];
        for (accept, expected) in rows {
            assert_eq!(of(accept), expected, "{accept}");
        }
    }

    #[test]
    fn no_header_and_unreadable_headers_give_the_classic_text() {
        assert_eq!(format([]), Format::Classic);
        assert_eq!(format([&HeaderValue::from_bytes(b"\xff\xfe").unwrap()]), Format::Classic);
    }

    #[test]
    fn several_headers_count_as_one() {
        let [first, second] =
            ["text/plain;q=0.1", "application/openmetrics-text;version=1.0.0"].map(HeaderValue::from_static);
        assert_eq!(format([&first, &second]), Format::OpenMetrics);
    }

    #[test]
    fn qualities_that_are_none_count_as_one() {
        for q in ["NaN", "inf", "-1", "2", "", "x", "1e99"] {
            let accept = format!("text/plain;q=0.9,application/openmetrics-text;version=1.0.0;q={q}");
            assert_eq!(of(&accept), Format::OpenMetrics, "{q}");
        }
    }

    #[test]
    fn thousands_of_entries_are_read_to_the_end() {
        let many = "application/json;q=0.5,".repeat(5_000) + "application/openmetrics-text;version=1.0.0";
        assert_eq!(of(&many), Format::OpenMetrics);
    }

    const PIECES: [&str; 12] = [
        "text/plain",
        "*/*",
        "application/openmetrics-text",
        "version=1.0.0",
        "q=",
        "0.5",
        "q",
        ";",
        ",",
        "=",
        "\"",
        " ",
    ];

    proptest! {
        #[test]
        fn any_header_has_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(header) = HeaderValue::from_bytes(&bytes) {
                format([&header]);
            }
        }

        #[test]
        fn anything_made_of_the_right_pieces_has_an_answer(
            pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        ) {
            of(&pieces.concat());
        }
    }
}
