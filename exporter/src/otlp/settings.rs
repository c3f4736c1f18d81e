//! Settings as people give them: a flag, or else an environment variable; and the readers of their values.

use std::{ops::RangeInclusive, time::Duration};

use opentelemetry_otlp::Compression;
use percent_encoding::percent_decode_str;

/// A kind of data that a collector takes. Each may have settings of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Log records.
    Logs,
    /// Metrics.
    Metrics,
}

/// The flag and the variables that give one setting; empty where there is none. Of those that give a value the first
/// wins.
#[derive(Debug)]
pub(super) struct Names {
    /// The flag, with its dashes.
    pub(super) flag: &'static str,
    /// The variable for one kind of data alone, in the order of [`Kind`].
    pub(super) special: [&'static str; 2],
    /// The variable for all kinds.
    pub(super) general: &'static str,
}

/// A value, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The flag or the variable.
    pub(super) name: &'static str,
    /// The value, without space around it; never empty.
    pub(super) value: String,
}

impl Setting {
    /// A message about a value that cannot be used.
    pub(super) fn wrong(&self, way_out: impl std::fmt::Display) -> String {
        format!("{}={:?} {way_out}", self.name, self.value)
    }

    /// Whether a flag gave it.
    pub(super) fn is_flag(&self) -> bool {
        self.name.starts_with("--")
    }
}

/// Looks settings up and keeps what is wrong with them, so that all of it can be told at once.
pub(super) struct Reader<'a> {
    kind: Kind,
    env: &'a dyn Fn(&str) -> Option<String>,
    errors: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads settings for one kind of data, variables through `env`.
    pub(super) fn new(kind: Kind, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { kind, env, errors: Vec::new() }
    }

    /// What the settings are for.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The setting, if anything gives it a value. An empty value is none.
    pub(super) fn find(&self, flag: Option<&str>, names: &Names) -> Option<Setting> {
        let flag = (names.flag, flag.map(str::to_owned));
        let variables = [names.special[self.kind as usize], names.general];
        let variables = variables.into_iter().filter(|name| !name.is_empty());
        std::iter::once(flag)
            .chain(variables.map(|name| (name, (self.env)(name))))
            .map(|(name, value)| Setting { name, value: value.unwrap_or_default().trim().to_owned() })
            .find(|setting| !setting.value.is_empty())
    }

    /// The setting's value, if there is one and it can be used.
    pub(super) fn read<T>(
        &mut self,
        flag: Option<&str>,
        names: &Names,
        parse: impl FnOnce(&Setting) -> Result<T, String>,
    ) -> Option<T> {
        let setting = self.find(flag, names)?;
        self.keep(parse(&setting))
    }

    /// The value, or `None` if it is wrong.
    pub(super) fn keep<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// What was read, or all that was wrong, in the order in which it was read.
    pub(super) fn into_result<T>(self, read: T) -> Result<T, Vec<String>> {
        if self.errors.is_empty() { Ok(read) } else { Err(self.errors) }
    }
}

/// The longest time that any setting may name. Longer ones are typing errors, and could not be added to a clock.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads a time: flags take a unit, variables are in milliseconds, as OpenTelemetry has it.
pub(super) fn duration(setting: &Setting) -> Result<Duration, String> {
    let (parsed, unit) = if setting.is_flag() {
        (humantime::parse_duration(&setting.value).ok(), "a time with its unit, for instance 10s or 500ms")
    } else {
        (
            setting.value.parse().ok().map(Duration::from_millis),
            "a number of milliseconds, for instance 10000",
        )
    };
    let parsed = parsed.ok_or_else(|| setting.wrong(format_args!("is no time; give {unit}")))?;
    if parsed > LONGEST {
        return Err(setting.wrong("is longer than a day; give less"));
    }
    Ok(parsed)
}

/// Reads how long to wait for an answer.
pub(super) fn timeout(setting: &Setting) -> Result<Duration, String> {
    not_zero(setting, "leaves no time for an answer")
}

/// Reads how often to do something.
pub(super) fn interval(setting: &Setting) -> Result<Duration, String> {
    not_zero(setting, "is no time between two of them")
}

fn not_zero(setting: &Setting, why: &str) -> Result<Duration, String> {
    let duration = duration(setting)?;
    if duration < Duration::from_millis(1) {
        return Err(setting.wrong(format_args!("{why}; give at least a millisecond")));
    }
    Ok(duration)
}

/// How many events a queue or a batch may hold. The upper end is 1.5 GiB of queue.
const COUNTS: RangeInclusive<usize> = 1..=1 << 24;

/// Reads a number of events.
pub(super) fn count(setting: &Setting) -> Result<usize, String> {
    setting.value.parse().ok().filter(|count| COUNTS.contains(count)).ok_or_else(|| {
        setting.wrong(format_args!(
            "is no number of events; give one from {} to {}",
            COUNTS.start(),
            COUNTS.end()
        ))
    })
}

/// Reads a yes or no. OpenTelemetry takes everything but `true` for no, and asks for a warning.
pub(super) fn boolean(setting: &Setting) -> bool {
    let is = |text| setting.value.eq_ignore_ascii_case(text);
    if !is("true") && !is("false") {
        tracing::warn!("{}", setting.wrong("counts as false; give true or false"));
    }
    is("true")
}

/// Reads whether to compress with gzip.
pub(super) fn gzip(setting: &Setting) -> Result<bool, String> {
    if setting.value.eq_ignore_ascii_case("none") {
        return Ok(false);
    }
    match setting.value.to_ascii_lowercase().parse() {
        Ok(Compression::Gzip) => Ok(true),
        _ => Err(setting.wrong("is no compression that is built in; give gzip or none")),
    }
}

/// Reads `name=value,name=value` with names and values percent-encoded. The message names no value, because values
/// may be secrets.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let entries = (1..).zip(text.split(',')).filter(|(_, entry)| !entry.trim().is_empty());
    entries
        .map(|(nth, entry)| pair(entry).ok_or(nth))
        .collect::<Result<_, _>>()
        .map_err(|nth: u32| format!("entry {nth} is not of the form name=value with a percent-encoded value"))
}

fn pair(entry: &str) -> Option<(String, String)> {
    let (name, value) = entry.split_once('=')?;
    let decode = |text: &str| percent_decode_str(text.trim()).decode_utf8().ok().map(String::from);
    let name = decode(name).filter(|name| !name.is_empty())?;
    Some((name, decode(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_are_percent_decoded_and_trimmed() {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let rows = [
            ("", own(&[])),
            (" , ,", own(&[])),
            ("a=1", own(&[("a", "1")])),
            (" a = 1 , b=2,", own(&[("a", "1"), ("b", "2")])),
            ("a=", own(&[("a", "")])),
            ("authorization=Basic%20eDp5PQ==", own(&[("authorization", "Basic eDp5PQ==")])),
            ("a=%2C%3D%C3%A9", own(&[("a", ",=é")])),
            ("a%2Cb=100%", own(&[("a,b", "100%")])),
        ];
        for (text, expected) in rows {
            assert_eq!(pairs(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn a_wrong_pair_is_told_by_its_place_and_not_by_its_value() {
        for text in ["a=1,,secret", "a=1,b=2,=secret", "a=1,b=2,c=secret%FF"] {
            let error = pairs(text).unwrap_err();
            assert!(error.contains("entry 3") && !error.contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_list_of_pairs_is_too_strange(text in "[a-z=,%0-9A-F \\PC]*") {
            if let Ok(pairs) = pairs(&text) {
                assert!(pairs.iter().all(|(name, _)| !name.is_empty()));
            }
        }

        #[test]
        fn every_pair_survives_percent_encoding(name in "[a-z]\\PC*", value in "\\PC*") {
            let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
            let text = format!("{}={},x=y", encode(&name), encode(&value));
            assert_eq!(pairs(&text), Ok(vec![(name, value), ("x".to_owned(), "y".to_owned())]));
        }
    }
}
