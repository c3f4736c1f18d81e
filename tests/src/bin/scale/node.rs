//! Many nodes in one process, each with an address, a page and counters of its own.

use std::{
    fmt::Write as _,
    io::{self, Read as _},
    net::TcpListener,
    path::Path,
    process::exit,
    sync::{Arc, Mutex},
    thread,
};

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use killsnoop_exporter::http::{Limits, serve as serve_pages};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tower_http::{CompressionLevel, compression::CompressionLayer};

use crate::page::{Line, Pattern, Series};

/// The argument by which this program becomes them.
pub(crate) const COMMAND: &str = "nodes";

/// A simulated exporter: the series of a real one, with values of its own.
struct Node {
    pattern: Arc<Pattern>,
    /// Of its series, in the order of the page.
    values: Vec<f64>,
    chance: Chance,
}

/// Serves that many nodes until the standard input ends, and says where each listens.
pub(crate) fn serve(pattern: &str, n: &str) {
    let pattern = Arc::new(Pattern::read(Path::new(pattern)));
    let runtime = Runtime::new().expect("threads can be had");
    for seed in 1..=n.parse().expect("a number of nodes") {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        println!("{}", listener.local_addr().expect("a listener has an address"));
        let router = router(Node::new(Arc::clone(&pattern), seed), pattern.content_type.clone());
        // With its limits and its compression, so that Prometheus has as much to do with a node as with an exporter.
        let pages = serve_pages(vec![listener.into()], router, Limits::default(), CancellationToken::new());
        runtime.spawn(pages);
    }
    thread::spawn(|| {
        _ = io::stdin().read_to_end(&mut Vec::new());
        exit(0)
    });
    runtime.block_on(std::future::pending::<()>());
}

fn router(node: Node, content_type: String) -> Router {
    let node = Arc::new(Mutex::new(node));
    let page = async move || {
        let page = node.lock().expect("no page fails").scrape();
        ([(CONTENT_TYPE, content_type)], page)
    };
    Router::new()
        .route("/metrics", get(page))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
}

impl Node {
    fn new(pattern: Arc<Pattern>, seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let series = pattern.lines.iter().filter_map(Line::series);
        let values = series.map(|series| series.begin(&mut chance)).collect();
        Self { pattern, values, chance }
    }

    /// The page, and each value moved on.
    fn scrape(&mut self) -> String {
        let Self { pattern, values, chance } = self;
        let mut page = String::new();
        let mut values = values.iter_mut();
        for line in &pattern.lines {
            match (line, line.series().and_then(|_| values.next())) {
                (Line::Series(series), Some(value)) => {
                    *value = series.next(*value, chance);
                    // Writing to a text cannot fail.
                    _ = writeln!(page, "{} {:.*}{}", series.name, series.decimals, value, series.tail);
                }
                (Line::Fixed(line), _) => {
                    page += line;
                    page.push('\n');
                }
                (Line::Series(_), None) => unreachable!("each series has a value"),
            }
        }
        page
    }
}

impl Series {
    /// What moves begins elsewhere on each node.
    fn begin(&self, chance: &mut Chance) -> f64 {
        if self.step == 0.0 { self.value } else { self.rounded(self.value * (0.5 + chance.next())) }
    }

    /// Counters rise by up to twice what the real one rose by, gauges are somewhere between what they were.
    fn next(&self, value: f64, chance: &mut Chance) -> f64 {
        match self.step {
            0.0 => value,
            step if self.is_counter => value + self.rounded(step * 2.0 * chance.next()),
            step => self.value + self.rounded(step * chance.next()),
        }
    }

    fn rounded(&self, value: f64) -> f64 {
        let scale = 10_f64.powi(i32::try_from(self.decimals).unwrap_or(9));
        (value * scale).round() / scale
    }
}

/// Numbers that look like chance and are the same in each run: xorshift64*.
struct Chance(u64);

impl Chance {
    fn of(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        chance.next();
        chance
    }

    /// From 0 up to, but not including, 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> [Node; 2] {
        let series = |name: &str, step, is_counter| {
            let (name, tail) = (name.to_owned(), String::new());
            Line::Series(Series { name, value: 100.0, step, decimals: 0, is_counter, tail })
        };
        let lines = vec![
            Line::Fixed("# HELP".to_owned()),
            series("still", 0.0, true),
            series("risen", 50.0, true),
            series("gauge", -20.0, false),
        ];
        let pattern = Arc::new(Pattern { content_type: String::new(), lines });
        [1, 2].map(|seed| Node::new(Arc::clone(&pattern), seed))
    }

    fn values(page: &str) -> Vec<f64> {
        let values = page.lines().filter_map(|line| line.split_once(' ')?.1.parse().ok());
        values.collect()
    }

    #[test]
    fn each_node_has_the_lines_of_the_real_page_and_values_of_its_own() {
        let [one, other] = nodes().map(|mut node| node.scrape());
        assert!(one.starts_with("# HELP\nstill 100\nrisen "), "{one}");
        assert_ne!(one.lines().nth(2), other.lines().nth(2));
    }

    #[test]
    fn what_moved_moves_on_by_as_much_on_the_average_and_what_stood_still_does_so() {
        let [mut node, _] = nodes();
        let pages: Vec<_> = (0..200).map(|_| values(&node.scrape())).collect();
        assert!(pages.iter().all(|page| (99.9..100.1).contains(&page[0])));
        assert!(pages.windows(2).all(|two| two[0][1] <= two[1][1]));
        let mean = (pages[199][1] - pages[0][1]) / 199.0;
        assert!((40.0..60.0).contains(&mean), "{mean}");
        assert!(pages.iter().all(|page| (80.0..=100.0).contains(&page[2])));
    }
}
