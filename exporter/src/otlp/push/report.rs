//! What is said of pushes in the log: outages, and refusals at a bounded rate.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use super::super::{report::Rate, service::Accepted};

/// Between two lines of one kind: a collector that is down for a day is worth some lines, and not one per push.
const PAUSE: Duration = Duration::from_mins(10);

/// Tells the log how pushes go.
#[derive(Debug)]
pub(super) struct Report {
    target: String,
    /// A failure was told, and no success since then.
    down: AtomicBool,
    failures: Rate,
    rejections: Rate,
}

impl Report {
    /// Reports on pushes to `target`.
    pub(super) fn new(target: String) -> Self {
        Self {
            target,
            down: AtomicBool::new(false),
            failures: Rate::new(PAUSE),
            rejections: Rate::new(PAUSE),
        }
    }

    /// A push was taken.
    pub(super) fn taken(&self, Accepted { n_rejected, message }: &Accepted) {
        let target = &self.target;
        if self.down.swap(false, Relaxed) {
            tracing::info!("{target} takes metrics again");
        }
        if (*n_rejected > 0 || !message.is_empty()) && self.rejections.allows() {
            tracing::warn!("{target} rejected {n_rejected} of the series of a push: {message:?}");
        }
    }

    /// A push was given up.
    pub(super) fn failed(&self, why: &str) {
        if self.failures.allows() {
            self.down.store(true, Relaxed);
            tracing::warn!("metrics for {} were not taken, which the next push has too: {why}", self.target);
        }
    }
}
