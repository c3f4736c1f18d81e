//! What is said in the log: changes, and losses at a bounded rate; never a line per batch.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use super::service::Accepted;

/// Tells the log how delivery goes.
#[derive(Debug)]
pub(super) struct Report {
    target: String,
    /// The last try failed in a way that may pass.
    down: AtomicBool,
    rejections: Rate,
    failures: Rate,
    overflows: Rate,
    /// Events lost by a full queue when that was last looked at.
    n_overflowed: AtomicU64,
}

impl Report {
    /// Reports on delivery to `target`.
    pub(super) fn new(target: String) -> Self {
        Self {
            target,
            down: AtomicBool::new(false),
            rejections: Rate::new(Duration::from_secs(1)),
            failures: Rate::new(Duration::from_secs(10)),
            overflows: Rate::new(Duration::from_secs(10)),
            n_overflowed: AtomicU64::new(0),
        }
    }

    /// A batch was taken.
    pub(super) fn accepted(&self, accepted: &Accepted) {
        let target = &self.target;
        if self.down.swap(false, Relaxed) {
            tracing::info!("{target} takes events again");
        }
        let Accepted { n_rejected, message } = accepted;
        if (*n_rejected > 0 || !message.is_empty()) && self.rejections.allows() {
            tracing::warn!("{target} rejected {n_rejected} of the events of a request: {message:?}");
        }
    }

    /// A batch was not taken, and is tried again.
    pub(super) fn postponed(&self, why: &str) {
        if !self.down.swap(true, Relaxed) {
            tracing::warn!("{} takes no events, which wait and are sent again: {why}", self.target);
        }
    }

    /// A batch was given up.
    pub(super) fn given_up(&self, n: u64, why: &str) {
        if self.failures.allows() {
            tracing::error!("{n} events for {} are lost: {why}", self.target);
        }
    }

    /// `n_lost` events were lost by a full queue so far.
    pub(super) fn overflowed(&self, n_lost: u64) {
        let n_before = self.n_overflowed.swap(n_lost, Relaxed);
        if n_lost > n_before && self.overflows.allows() {
            let target = &self.target;
            tracing::error!(
                "the queue for {target} is full, {n_lost} events are lost so far; raise --otlp.queue-size, \
                 or filter signals"
            );
        }
    }

    /// The end came with `n` events not sent.
    pub(super) fn ended_early(&self, n: u64) {
        if n > 0 {
            tracing::error!("{n} events for {} are lost: no time was left to send them", self.target);
        }
    }
}

/// Allows something once in a while.
#[derive(Debug)]
pub(super) struct Rate {
    start: Instant,
    every: Duration,
    /// When it is allowed next, in milliseconds after `start`.
    next_ms: AtomicU64,
}

impl Rate {
    /// At once, and then no sooner than after `every`.
    pub(super) fn new(every: Duration) -> Self {
        Self { start: Instant::now(), every, next_ms: AtomicU64::new(0) }
    }

    /// Whether it is allowed now.
    pub(super) fn allows(&self) -> bool {
        self.allows_at(self.start.elapsed())
    }

    fn allows_at(&self, now: Duration) -> bool {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let next_ms = self.next_ms.load(Relaxed);
        ms(now) >= next_ms
            && self.next_ms.compare_exchange(next_ms, ms(now + self.every), Relaxed, Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_is_allowed_and_then_once_in_a_while() {
        let rate = Rate::new(Duration::from_secs(1));
        let allowed = [0, 1, 999, 1000, 1001, 1999, 5000, 5999, 6000]
            .map(|ms| rate.allows_at(Duration::from_millis(ms)));
        assert_eq!(allowed, [true, false, false, true, false, false, true, false, true]);
    }
}
