//! What waits to be written, and the account of it. The account changes only under the queue's lock, so that its sum
//! holds whatever happens when.

use std::{
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::{
    event::Event,
    ledger::{Ledger, Stage},
};

/// Events that may wait; some 8 MB of calls, of which nothing is used until events come faster than they are written.
pub(super) const CAPACITY: usize = 65_536;

/// Between those who offer events and the thread that writes them.
#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Told when a sleeping thread has something to do.
    work: Condvar,
    ledger: Arc<Ledger>,
}

#[derive(Debug)]
struct Inner {
    waiting: Vec<Event>,
    /// How many more events are wanted; `None` is all.
    wanted: Option<u64>,
    phase: Phase,
    /// Whether the thread waits for work: to wake it costs a system call, which a flood need not make per event.
    asleep: bool,
}

/// What becomes of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// They are queued and written.
    Open,
    /// As many as were wanted are queued, and are written. More are no loss, and not counted.
    Enough,
    /// What is queued is written; more is lost.
    Finishing,
    /// All is lost, at this stage.
    GivenUp(Stage),
}

impl Queue {
    pub(super) fn new(wanted: Option<u64>, ledger: Arc<Ledger>) -> Self {
        let phase = if wanted == Some(0) { Phase::Enough } else { Phase::Open };
        let inner = Inner { waiting: Vec::new(), wanted, phase, asleep: false };
        Self { inner: Mutex::new(inner), work: Condvar::new(), ledger }
    }

    /// Takes an event in, or counts it as lost. The lock is never held for longer than it takes to copy an event, or
    /// now and then to give the queue more room.
    pub(super) fn offer(&self, event: &Event) {
        let inner = self.lock();
        let lost_at = match inner.phase {
            Phase::Enough => return,
            Phase::Finishing => Some(Stage::Shutdown),
            Phase::GivenUp(stage) => Some(stage),
            Phase::Open => (inner.waiting.len() >= CAPACITY).then_some(Stage::Queue),
        };
        self.ledger.offered(1);
        match lost_at {
            Some(stage) => self.ledger.lost(stage, 1),
            None => self.push(inner, event),
        }
    }

    fn push(&self, mut inner: MutexGuard<'_, Inner>, event: &Event) {
        inner.waiting.push(event.clone());
        inner.wanted = inner.wanted.map(|n| n - 1);
        if inner.wanted == Some(0) {
            inner.phase = Phase::Enough;
        }
        self.wake(inner);
    }

    /// Waits for events and swaps them with an empty batch; `false` if no more will come.
    pub(super) fn take(&self, batch: &mut Vec<Event>) -> bool {
        let mut inner = self.lock();
        while inner.waiting.is_empty() && inner.phase == Phase::Open {
            inner.asleep = true;
            inner = self.work.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        mem::swap(&mut inner.waiting, batch);
        !batch.is_empty()
    }

    /// Events that were taken are written, unless they were given up in the meantime.
    pub(super) fn delivered(&self, n: usize) {
        let inner = self.lock();
        if !matches!(inner.phase, Phase::GivenUp(_)) {
            self.ledger.delivered(n as u64);
        }
    }

    /// No more events are wanted; those that wait are.
    pub(super) fn finish(&self) {
        let mut inner = self.lock();
        if inner.phase == Phase::Open {
            inner.phase = Phase::Finishing;
        }
        self.wake(inner);
    }

    /// Whatever is not yet written is lost, and so is all that is still offered.
    pub(super) fn give_up(&self, stage: Stage) {
        let mut inner = self.lock();
        inner.phase = Phase::GivenUp(stage);
        inner.waiting.clear();
        self.ledger.lost(stage, self.ledger.n_pending());
        self.wake(inner);
    }

    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        let asleep = mem::take(&mut inner.asleep);
        drop(inner);
        if asleep {
            self.work.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No step leaves it half done, so that it is good even if a thread panicked with the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::examples::call_event as example;

    /// A queue that was offered so many events, and its ledger.
    fn queue(wanted: Option<u64>, n: usize) -> (Queue, Arc<Ledger>) {
        let ledger = Arc::new(Ledger::default());
        let queue = Queue::new(wanted, ledger.clone());
        (0..n).for_each(|_| queue.offer(&example()));
        (queue, ledger)
    }

    fn take(queue: &Queue) -> usize {
        let mut batch = Vec::new();
        assert_eq!(queue.take(&mut batch), !batch.is_empty());
        batch.len()
    }

    /// Delivered, lost at each stage, pending.
    fn account(ledger: &Ledger) -> (u64, [u64; 4], u64) {
        (ledger.n_delivered(), Stage::ALL.map(|stage| ledger.n_lost(stage)), ledger.n_pending())
    }

    #[test]
    fn a_full_queue_loses_what_comes_then_and_has_room_again_when_it_is_taken() {
        let capacity = CAPACITY as u64;
        for (n, lost) in [(CAPACITY - 1, 0), (CAPACITY, 0), (CAPACITY + 1, 1), (CAPACITY + 100, 100)] {
            let (queue, ledger) = queue(None, n);
            assert_eq!(account(&ledger), (0, [lost, 0, 0, 0], capacity.min(n as u64)));
            assert_eq!(take(&queue), CAPACITY.min(n));
            queue.offer(&example());
            assert_eq!(take(&queue), 1);
        }
    }

    #[test]
    fn finishing_keeps_what_waits_and_loses_what_comes() {
        let (queue, ledger) = queue(None, 3);
        queue.finish();
        queue.offer(&example());
        assert_eq!(take(&queue), 3);
        queue.delivered(3);
        assert_eq!(account(&ledger), (3, [0, 0, 0, 1], 0));
        assert_eq!(take(&queue), 0);
    }

    #[test]
    fn events_beyond_the_count_are_no_loss() {
        for (wanted, taken) in [(0, 0), (2, 2), (5, 5)] {
            let (queue, ledger) = queue(Some(wanted), 5);
            assert_eq!(take(&queue), taken);
            queue.finish();
            queue.offer(&example());
            assert_eq!(account(&ledger), (0, [0; 4], wanted));
        }
    }

    #[test]
    fn what_is_given_up_is_lost_once_and_is_not_delivered_later() {
        let (queue, ledger) = queue(None, 3);
        assert_eq!(take(&queue), 3);
        queue.offer(&example());
        queue.give_up(Stage::Failed);
        queue.delivered(3);
        queue.offer(&example());
        assert_eq!(account(&ledger), (0, [0, 0, 5, 0], 0));
        assert_eq!(take(&queue), 0);
    }
}
