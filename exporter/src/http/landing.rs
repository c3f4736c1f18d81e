//! The page at `/`, for people who came to see what listens here.

use std::fmt::Write;

use super::{HEALTHY, READY, TelemetryPath};

/// The page, with a link to each route. It needs no script, style or image.
pub(super) fn page(telemetry_path: &TelemetryPath) -> String {
    let links = [(telemetry_path.as_str(), "metrics"), (HEALTHY[0], "health"), (READY[0], "readiness")];
    let mut list = String::new();
    for (path, text) in links {
        // Writing to a string cannot fail.
        if writeln!(list, "<li><a href=\"{}\">{text}</a></li>", escape(path)).is_err() {
            break;
        }
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>killsnoop exporter</title></head>\n\
         <body>\n<h1>killsnoop exporter</h1>\n<p>{}</p>\n<p>Version {}</p>\n<ul>\n{list}</ul>\n</body>\n</html>\n",
        escape(env!("CARGO_PKG_DESCRIPTION")),
        escape(env!("CARGO_PKG_VERSION")),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_landing_page_links_to_every_route_and_loads_nothing() {
        let page = page(&"/some/path".parse().unwrap());
        for path in ["/some/path", "/healthz", "/readyz"] {
            assert!(page.contains(&format!("<a href=\"{path}\">")), "{page}");
        }
        assert!(page.contains(env!("CARGO_PKG_VERSION")));
        assert!(!["src=", "<link", "<script", "style"].iter().any(|asset| page.contains(asset)));
    }

    #[test]
    fn markup_is_shown_and_not_obeyed() {
        assert_eq!(escape("<a href='\"&'>"), "&lt;a href=&#39;&quot;&amp;&#39;&gt;");
    }
}
