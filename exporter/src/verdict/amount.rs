//! Times and sizes for people: two units at most, and never more than is known.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A time: `340 µs`, `52 ms`, `0.3 s`, `5 m 12 s`, `4 d 2 h`. Cut off, not rounded.
#[must_use]
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time < Duration::from_millis(1) => format!("{} µs", time.as_micros()),
        0 if time < Duration::from_millis(100) => format!("{} ms", time.as_millis()),
        0..MINUTE => format!("{seconds}.{} s", time.subsec_millis() / 100),
        MINUTE..HOUR => two_units(seconds, (MINUTE, "m"), (1, "s")),
        HOUR..DAY => two_units(seconds, (HOUR, "h"), (MINUTE, "m")),
        DAY.. => two_units(seconds, (DAY, "d"), (HOUR, "h")),
    }
}

fn two_units(seconds: u64, large: (u64, &str), small: (u64, &str)) -> String {
    let (n_large, n_small) = (seconds / large.0, seconds % large.0 / small.0);
    let large = format!("{n_large} {}", large.1);
    if n_small == 0 { large } else { format!("{large} {n_small} {}", small.1) }
}

/// A size: `512 B`, `250.0 MiB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    match UNITS.into_iter().find(|(shift, _)| bytes >> shift != 0) {
        Some((shift, unit)) => {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_units_that_people_think_in() {
        let rows = [
            (0, "0 µs"),
            (340, "340 µs"),
            (999, "999 µs"),
            (1_000, "1 ms"),
            (52_900, "52 ms"),
            (100_000, "0.1 s"),
            (300_000, "0.3 s"),
            (59_999_999, "59.9 s"),
            (60_000_000, "1 m"),
            (312_000_000, "5 m 12 s"),
            (3_599_999_999, "59 m 59 s"),
            (3_600_000_000, "1 h"),
            (3_660_000_000, "1 h 1 m"),
            (352_800_000_000, "4 d 2 h"),
            (86_400_000_000, "1 d"),
        ];
        for (microseconds, expected) in rows {
            assert_eq!(time(Duration::from_micros(microseconds)), expected);
        }
        assert_eq!(time(Duration::from_nanos(u64::MAX)), "213503 d 23 h");
    }

    #[test]
    fn sizes_are_told_in_powers_of_1024() {
        let rows = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (250 << 20, "250.0 MiB"),
            ((3 << 30) / 2, "1.5 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ];
        for (size, expected) in rows {
            assert_eq!(bytes(size), expected);
        }
    }
}
