//! When to try again: which failures are worth it, and how long to wait.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep};

/// Why a request was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It may be accepted later.
    Transient {
        /// What happened.
        why: String,
        /// How long the receiver asked to wait.
        wait: Option<Duration>,
    },
    /// It never will be.
    Permanent {
        /// What happened.
        why: String,
    },
}

impl Failure {
    /// A failure that may pass, without a word of the receiver on when.
    pub(super) fn transient(why: impl Into<String>) -> Self {
        Self::Transient { why: why.into(), wait: None }
    }

    /// A failure that stays.
    pub(super) fn permanent(why: impl Into<String>) -> Self {
        Self::Permanent { why: why.into() }
    }
}

/// How long to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    /// The first wait.
    pub(super) first: Duration,
    /// The longest wait.
    pub(super) longest: Duration,
    /// How long a request is tried, from its first try on.
    pub(super) in_all: Duration,
}

/// Sends until it is taken, fails for good, or the next try would be too late; tells of each failure that may pass.
///
/// # Errors
/// The last failure: one that may pass if patience was at its end.
pub(super) async fn patiently<T, F: Future<Output = Result<T, Failure>>>(
    patience: &Patience,
    send: impl Fn() -> F,
    postponed: impl Fn(&str),
) -> Result<T, Failure> {
    let start = Instant::now();
    let mut backoff = Backoff::new(patience);
    loop {
        let (why, asked) = match send().await {
            Err(Failure::Transient { why, wait }) => (why, wait),
            outcome => return outcome,
        };
        postponed(&why);
        let wait = backoff.wait(asked);
        if start.elapsed().saturating_add(wait) > patience.in_all {
            return Err(Failure::Transient { why, wait: asked });
        }
        sleep(wait).await;
    }
}

/// The waits between the tries of one request: each up to twice as long as the one before.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// The waits from the first on.
    pub(super) fn new(patience: &Patience) -> Self {
        Self { next: patience.first, longest: patience.longest }
    }

    /// The next wait: not shorter than the receiver asked for.
    pub(super) fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let half = self.next / 2;
        self.next = (self.next * 2).min(self.longest);
        // Chance spreads the tries of all the machines that lost their collector at the same moment.
        (half + random(half)).max(asked.unwrap_or_default())
    }
}

/// A duration up to `most`. The keys of the standard library's hash maps are chance enough.
fn random(most: Duration) -> Duration {
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX - 1);
    Duration::from_nanos(RandomState::new().hash_one(()) % (most + 1))
}

/// Reads a Retry-After header: seconds, or a date. `None` for what is neither.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_the_longest_and_vary_by_half() {
        let patience = Patience { first: SECOND, longest: 30 * SECOND, in_all: 60 * SECOND };
        let mut backoff = Backoff::new(&patience);
        for most in [1, 2, 4, 8, 16, 30, 30] {
            let most = most * SECOND;
            let wait = backoff.wait(None);
            assert!((most / 2..=most).contains(&wait), "{wait:?} of {most:?}");
        }
    }

    #[test]
    fn two_machines_do_not_wait_equally_long() {
        let patience = Patience { first: SECOND, longest: SECOND, in_all: SECOND };
        let waits = [(); 8].map(|()| Backoff::new(&patience).wait(None));
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }

    #[test]
    fn the_receiver_may_ask_for_a_longer_wait_but_not_for_a_shorter_one() {
        let patience = Patience { first: SECOND, longest: 30 * SECOND, in_all: 60 * SECOND };
        assert_eq!(Backoff::new(&patience).wait(Some(20 * SECOND)), 20 * SECOND);
        assert!(Backoff::new(&patience).wait(Some(Duration::ZERO)) >= SECOND / 2);
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + 784_111_777 * SECOND;
        let rows = [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", Some(3)),
            ("Sunday, 06-Nov-94 08:49:40 GMT", Some(3)),
            ("Sun Nov  6 08:49:40 1994", Some(3)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
            ("99999999999999999999", None),
        ];
        for (value, seconds) in rows {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_retry_after_header_is_too_strange(value in "\\PC*", date in "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT") {
            for value in [value, date] {
                let wait = retry_after(&value, SystemTime::now());
                let patience = Patience { first: SECOND, longest: SECOND, in_all: SECOND };
                assert!(Backoff::new(&patience).wait(wait) >= SECOND / 2);
            }
        }
    }
}
