//! An answer in lines: when, and the verdict; and all that is known if it is about one death alone.

use jiff::{Timestamp, tz::TimeZone};
use killsnoop_exporter::{control::Answer, verdict::printable};
use serde_json::{Map, Value};

use super::details::details;

/// How it is shown.
#[derive(Clone, Debug)]
pub(super) struct Show {
    /// The zone of times.
    pub(super) zone: TimeZone,
    /// Whether a terminal is told what matters.
    pub(super) is_colored: bool,
}

const BOLD: &str = "\x1b[1m";
const FAINT: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

impl Show {
    /// The whole answer.
    pub(super) fn answer(&self, answer: &Answer) -> String {
        let mut text: String = answer.events.iter().map(|event| self.line(event)).collect();
        if let ([event], 1) = (&answer.events[..], answer.n_matching) {
            text += &details(event, |heading| self.paint(FAINT, heading));
        }
        text
    }

    /// A time as the exporter tells it, in the local zone.
    pub(super) fn time(&self, time: &str) -> String {
        match time.parse::<Timestamp>() {
            Ok(time) => self.zone.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_) => printable::text(time.as_bytes()),
        }
    }

    fn line(&self, event: &Map<String, Value>) -> String {
        let time = self.time(event.get("time").and_then(Value::as_str).unwrap_or("?"));
        let verdict = event.get("verdict").and_then(Value::as_str).unwrap_or("?");
        let verdict = printable::text(verdict.as_bytes());
        let (what, why) = verdict.split_once(": ").map_or((&*verdict, None), |(what, why)| (what, Some(why)));
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        format!("{}  {}{why}\n", self.paint(FAINT, &time), self.paint(BOLD, what))
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.is_colored { format!("{color}{text}{PLAIN}") } else { text.to_owned() }
    }
}
