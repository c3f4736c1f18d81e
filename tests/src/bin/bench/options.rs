//! What the caller asked for.

use std::{path::PathBuf, process::exit, time::Duration};

use killsnoop_tests::root;

/// The flags of the benchmark.
pub(crate) struct Options {
    /// Without and with each tool in turn, so many times.
    pub(crate) pairs: usize,
    /// How long each tool is watched while nothing happens.
    pub(crate) idle: Duration,
    /// Whether the figures go into the documents.
    pub(crate) write: bool,
    /// Where the figures are left.
    pub(crate) out: PathBuf,
    /// Whether to count instructions, too, which takes a virtual machine.
    pub(crate) guest: bool,
    /// Only tools whose name has one of these in it; all if there are none.
    only: Vec<String>,
}

const USAGE: &str =
    "usage: tests/run bench [--write] [--no-guest] [--pairs N] [--idle SECONDS] [--only TEXT]... [--out FOLDER]

  --write          put table and picture into docs/bench, and the short table into README.md
  --no-guest       do not count instructions, which takes a virtual machine
  --pairs N        measure without and with each tool N times in turn [default: 9]
  --idle SECONDS   watch each tool while nothing happens [default: 10]
  --only TEXT      only tools with this in their name, and the control
  --out FOLDER     leave tables and picture there [default: target/bench]";

impl Options {
    pub(crate) fn parse(args: &[String]) -> Self {
        let mut options = Self {
            pairs: 9,
            idle: Duration::from_secs(10),
            write: false,
            out: root().join("target/bench"),
            guest: true,
            only: Vec::new(),
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            match flag.as_str() {
                "--write" => options.write = true,
                "--no-guest" => options.guest = false,
                "--pairs" => options.pairs = number(args.next()),
                "--idle" => options.idle = Duration::from_secs(number(args.next())),
                "--only" => options.only.push(args.next().unwrap_or_else(|| usage()).clone()),
                "--out" => options.out = args.next().unwrap_or_else(|| usage()).into(),
                "--help" => {
                    println!("{USAGE}");
                    exit(0)
                }
                _ => usage(),
            }
        }
        options
    }

    pub(crate) fn wants(&self, tool: &str) -> bool {
        let is_named = || self.only.iter().any(|part| tool.contains(part));
        self.only.is_empty() || tool == crate::tools::OFF || is_named()
    }
}

fn number<T: std::str::FromStr + PartialOrd + From<u8>>(text: Option<&String>) -> T {
    let number = text.and_then(|text| text.parse().ok()).filter(|number| *number >= T::from(1));
    number.unwrap_or_else(|| usage())
}

fn usage() -> ! {
    eprintln!("{USAGE}");
    exit(2)
}
