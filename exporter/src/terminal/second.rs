//! The part of a time that is the same for all events of a second, made once a second.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

/// A second's text, kept until the next second.
#[derive(Debug)]
pub(super) struct Second {
    zone: TimeZone,
    /// As strftime(3) has it.
    format: &'static str,
    shown: Option<(u64, String)>,
}

impl Second {
    pub(super) fn new(zone: TimeZone, format: &'static str) -> Self {
        Self { zone, format, shown: None }
    }

    /// Writes the second of a time, and returns the nanoseconds that are left.
    pub(super) fn write(&mut self, unix_ns: u64, out: &mut Vec<u8>) -> u32 {
        let time = Duration::from_nanos(unix_ns);
        let (zone, format) = (&self.zone, self.format);
        let text = match &mut self.shown {
            Some((second, text)) if *second == time.as_secs() => text,
            shown => &mut shown.insert((time.as_secs(), text(zone, format, time))).1,
        };
        out.extend_from_slice(text.as_bytes());
        time.subsec_nanos()
    }
}

fn text(zone: &TimeZone, format: &str, time: Duration) -> String {
    // Nanoseconds in a u64 end in the year 2554, long before jiff does.
    let timestamp = Timestamp::UNIX_EPOCH.saturating_add(time).unwrap_or(Timestamp::MAX);
    zone.to_datetime(timestamp).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn seconds_are_told_in_their_zone_and_the_rest_is_given_back() {
        let rows = [
            (0, "1970-01-01 05:00:00", 0),
            (1_700_000_000_123_456_789, "2023-11-15 03:13:20", 123_456_789),
            (1_700_000_000_999_999_999, "2023-11-15 03:13:20", 999_999_999),
            (1_700_000_001_000_000_000, "2023-11-15 03:13:21", 0),
            (1_700_000_000_000_000_001, "2023-11-15 03:13:20", 1),
            (u64::MAX, "2554-07-22 04:34:33", 709_551_615),
        ];
        let mut second = Second::new(TimeZone::fixed(Offset::constant(5)), "%Y-%m-%d %H:%M:%S");
        for (unix_ns, expected, rest) in rows {
            let mut out = Vec::new();
            assert_eq!(second.write(unix_ns, &mut out), rest);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
