//! What became of each push of all metrics to a collector.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// The receiver took all of it.
    Taken,
    /// The receiver took it, but for some series, and said so.
    Partial,
    /// It could not be made or sent, or the receiver refused it.
    Failed,
    /// It was not begun because the one before was still under way.
    Skipped,
}

impl Push {
    /// All ends, in the order of their counters.
    pub const ALL: [Self; 4] = [Self::Taken, Self::Partial, Self::Failed, Self::Skipped];

    /// The end's name, as labels have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "ok",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// The account of pushes. Shared by whoever pushes, who writes it, and by whoever reports it.
#[derive(Debug, Default)]
pub struct Pushes([AtomicU64; Push::ALL.len()]);

impl Pushes {
    /// `n` pushes ended so.
    pub fn count(&self, push: Push, n: u64) {
        self.0[push as usize].fetch_add(n, Relaxed);
    }

    /// Pushes that ended so.
    #[must_use]
    pub fn n(&self, push: Push) -> u64 {
        self.0[push as usize].load(Relaxed)
    }
}
