//! From the kernel's boot clock to wall time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How far `CLOCK_REALTIME` is ahead of `CLOCK_BOOTTIME`. It moves when somebody sets the clock, so whoever lives long
/// measures it again with [`Clock::now`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    ahead_ns: i128,
}

impl Clock {
    /// How often a long-lived reader should measure again.
    pub const MEASURE_EVERY: Duration = Duration::from_secs(1);

    /// Measures now.
    #[must_use]
    pub fn now() -> Self {
        // Of three tries the quickest has the least time between its two readings.
        let measure = |_| {
            let before = boot_ns();
            let unix = unix_ns();
            let after = boot_ns();
            (after - before, i128::from(unix) - i128::from(before.midpoint(after)))
        };
        let ahead_ns = (0..3).map(measure).min().map_or(0, |(_, ahead_ns)| ahead_ns);
        Self { ahead_ns }
    }

    /// Nanoseconds since 1970 of a boot time in nanoseconds; 0 for what would be before 1970.
    #[must_use]
    pub fn unix_ns(&self, boot_ns: u64) -> u64 {
        u64::try_from(i128::from(boot_ns) + self.ahead_ns).unwrap_or(0)
    }
}

/// Nanoseconds since 1970; 0 if the clock is set to before 1970.
#[must_use]
pub fn unix_ns() -> u64 {
    nanoseconds(ClockId::Realtime)
}

/// Nanoseconds since boot, suspended time included.
#[must_use]
pub fn boot_ns() -> u64 {
    nanoseconds(ClockId::Boottime)
}

fn nanoseconds(id: ClockId) -> u64 {
    let time = clock_gettime(id);
    u64::try_from(i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_time_becomes_the_wall_time_of_the_same_moment() {
        let clock = Clock::now();
        let (before, moment, after) = (unix_ns(), boot_ns(), unix_ns());
        let slack = 100_000_000;
        assert!((before - slack..=after + slack).contains(&clock.unix_ns(moment)));
    }

    #[test]
    fn a_clock_set_before_1970_gives_zero_not_a_panic() {
        assert_eq!(Clock { ahead_ns: -10 }.unix_ns(5), 0);
    }
}
