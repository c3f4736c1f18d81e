//! What became of each event after the kernel handed it over. Nothing disappears: every event that a sink was offered
//! is pending until it is delivered, or lost at a stage that has a name.

mod pushes;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub use pushes::{Push, Pushes};

/// Where a sink can lose an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The sink's queue was full.
    Queue,
    /// The receiver refused it, and said so.
    Rejected,
    /// It could not be sent, or the receiver failed, for as long as was tried.
    Failed,
    /// The exporter ended before it could be sent.
    Shutdown,
}

impl Stage {
    /// All stages, in the order of their counters.
    pub const ALL: [Self; 4] = [Self::Queue, Self::Rejected, Self::Failed, Self::Shutdown];

    /// The stage's name, as labels and messages have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Shutdown => "shutdown",
        }
    }
}

/// The account of one sink. Shared by the sink, which writes it, and by whoever reports it.
#[derive(Debug, Default)]
pub struct Ledger {
    offered: AtomicU64,
    delivered: AtomicU64,
    lost: [AtomicU64; Stage::ALL.len()],
}

impl Ledger {
    /// `n` events came in; from here on they are pending.
    pub fn offered(&self, n: u64) {
        self.offered.fetch_add(n, Relaxed);
    }

    /// `n` pending events reached their receiver, which said so.
    pub fn delivered(&self, n: u64) {
        self.delivered.fetch_add(n, Relaxed);
    }

    /// `n` pending events were given up.
    pub fn lost(&self, stage: Stage, n: u64) {
        self.lost[stage as usize].fetch_add(n, Relaxed);
    }

    /// Events that reached their receiver.
    #[must_use]
    pub fn n_delivered(&self) -> u64 {
        self.delivered.load(Relaxed)
    }

    /// Events given up at a stage.
    #[must_use]
    pub fn n_lost(&self, stage: Stage) -> u64 {
        self.lost[stage as usize].load(Relaxed)
    }

    /// Events given up at any stage.
    #[must_use]
    pub fn n_lost_in_all(&self) -> u64 {
        Stage::ALL.map(|stage| self.n_lost(stage)).iter().sum()
    }

    /// Events that came in and whose fate is open.
    #[must_use]
    pub fn n_pending(&self) -> u64 {
        // What left is read before what came in, so that an event on its way is never missing on both sides.
        let gone = self.n_delivered() + self.n_lost_in_all();
        self.offered.load(Relaxed).saturating_sub(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_pending_until_it_is_delivered_or_lost() {
        let ledger = Ledger::default();
        ledger.offered(10);
        ledger.delivered(4);
        ledger.lost(Stage::Queue, 1);
        ledger.lost(Stage::Shutdown, 2);
        assert_eq!((ledger.n_delivered(), ledger.n_lost_in_all(), ledger.n_pending()), (4, 3, 3));
        assert_eq!(Stage::ALL.map(|stage| ledger.n_lost(stage)), [1, 0, 0, 2]);
    }
}
