//! What the caller asked for.

use std::process::exit;

use crate::history::SCRAPES;

/// The flags of the benchmark of fleets.
pub(crate) struct Options {
    /// Most nodes that one server scrapes.
    pub(crate) nodes: usize,
    /// How often all is measured.
    pub(crate) rounds: usize,
    /// Scrapes of those servers that hold many.
    pub(crate) scrapes: usize,
    /// Whether the figures go into the documents.
    pub(crate) write: bool,
    /// Whether to measure nothing, and to show the figures of the last time.
    pub(crate) again: bool,
}

const USAGE: &str = "usage: tests/run scale [--write] [--again] [--nodes N] [--rounds N] [--scrapes N]

  --write      put tables and picture into docs/scale, and the tables of docs/scaling.md into it
  --again      measure nothing: tables and picture of the figures that are in target/scale
  --nodes N    most nodes for one server; others have half, a quarter, and one [default: 200]
  --rounds N   measure everything N times [default: 3]
  --scrapes N  samples of each series in the servers that hold many [default: 480, two hours' worth]";

impl Options {
    pub(crate) fn parse(args: &[String]) -> Self {
        let mut options = Self { nodes: 200, rounds: 3, scrapes: SCRAPES, write: false, again: false };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            match flag.as_str() {
                "--write" => options.write = true,
                "--again" => options.again = true,
                "--nodes" => options.nodes = number(args.next(), 8),
                "--rounds" => options.rounds = number(args.next(), 1),
                "--scrapes" => options.scrapes = number(args.next(), 10),
                "--help" => {
                    println!("{USAGE}");
                    exit(0)
                }
                _ => usage(),
            }
        }
        options
    }
}

fn number(text: Option<&String>, least: usize) -> usize {
    let number = text.and_then(|text| text.parse().ok()).filter(|number| *number >= least);
    number.unwrap_or_else(|| usage())
}

fn usage() -> ! {
    eprintln!("{USAGE}");
    exit(2)
}
