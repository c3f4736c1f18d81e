//! The way in: a bounded queue that never makes its writer wait, and batches that account for themselves.

use std::{
    mem,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::unconstrained,
    time::{Instant, timeout_at},
};

use crate::{
    event::Event,
    ledger::{Ledger, Stage},
};

/// How much waits, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Events that wait to be put into a batch.
    pub(super) queue_size: usize,
    /// Events in a batch.
    pub(super) batch_size: usize,
    /// How long an event waits for its batch to fill.
    pub(super) flush_interval: Duration,
}

/// Hands events to the sink. Cheap to clone; may be used on any thread.
#[derive(Clone, Debug)]
pub struct Sender {
    queue: mpsc::Sender<Event>,
    ledger: Arc<Ledger>,
}

impl Sender {
    /// Offers an event and never waits: if the queue is full, or the sink has ended, the event is counted as lost.
    pub fn offer(&self, event: &Event) {
        self.ledger.offered(1);
        match self.queue.try_send(event.clone()) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.ledger.lost(Stage::Queue, 1),
            Err(TrySendError::Closed(_)) => self.ledger.lost(Stage::Shutdown, 1),
        }
    }
}

/// Makes a queue.
pub(super) fn channel(limits: Limits, ledger: Arc<Ledger>) -> (Sender, Inbox) {
    let (sender, queue) = mpsc::channel(limits.queue_size);
    let inbox = Inbox { queue, open: Vec::new(), due: None, limits, ledger: Arc::clone(&ledger) };
    (Sender { queue: sender, ledger }, inbox)
}

/// The queue's other end. What it still holds when it is dropped, for whatever reason, is counted as lost.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: mpsc::Receiver<Event>,
    /// The batch being filled. It lives here so that a caller may drop the future of [`Inbox::batch`] at any time.
    open: Vec<Event>,
    /// When that batch goes, full or not.
    due: Option<Instant>,
    limits: Limits,
    ledger: Arc<Ledger>,
}

impl Inbox {
    /// Refuses further events; those in the queue stay, and no longer wait for their batch to fill.
    pub(super) fn close(&mut self) {
        self.queue.close();
    }

    /// Waits for a batch to fill or to become due; `None` when the queue is closed and empty.
    pub(super) async fn batch(&mut self) -> Option<Batch> {
        let size = self.limits.batch_size;
        if self.open.is_empty() && self.queue.recv_many(&mut self.open, size).await == 0 {
            return None;
        }
        let due = *self.due.get_or_insert_with(|| Instant::now() + self.limits.flush_interval);
        while self.open.len() < size {
            let room = size - self.open.len();
            match timeout_at(due, self.queue.recv_many(&mut self.open, room)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
        self.due = None;
        Some(Batch { events: mem::take(&mut self.open), ledger: Arc::clone(&self.ledger) })
    }

    /// The account.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.queue.close();
        let mut n = self.open.len() as u64;
        let mut context = Context::from_waker(Waker::noop());
        loop {
            // Unconstrained, because a task may take only so much of a queue before it must wait, and here nothing waits.
            match pin!(unconstrained(self.queue.recv())).as_mut().poll(&mut context) {
                Poll::Ready(Some(_)) => n += 1,
                Poll::Ready(None) => break,
                // A sender got its place before the queue closed and is about to fill it.
                Poll::Pending => std::thread::yield_now(),
            }
        }
        self.ledger.lost(Stage::Shutdown, n);
    }
}

/// Events that are sent together. Dropped before its fate is known, it counts them as lost.
#[derive(Debug)]
pub(super) struct Batch {
    events: Vec<Event>,
    ledger: Arc<Ledger>,
}

impl Batch {
    /// What to send.
    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// The receiver has the batch, all but `n_rejected` events.
    pub(super) fn delivered(mut self, n_rejected: u64) {
        let n = self.take();
        let n_rejected = n_rejected.min(n);
        self.ledger.lost(Stage::Rejected, n_rejected);
        self.ledger.delivered(n - n_rejected);
    }

    /// The batch is given up; returns how many events it had.
    pub(super) fn lost(mut self, stage: Stage) -> u64 {
        let n = self.take();
        self.ledger.lost(stage, n);
        n
    }

    fn take(&mut self) -> u64 {
        mem::take(&mut self.events).len() as u64
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let n = self.take();
        self.ledger.lost(Stage::Shutdown, n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::examples::call_event as example;

    fn queue(queue_size: usize, batch_size: usize, flush_interval: Duration) -> (Sender, Inbox, Arc<Ledger>) {
        let ledger = Arc::new(Ledger::default());
        let limits = Limits { queue_size, batch_size, flush_interval };
        let (sender, inbox) = channel(limits, Arc::clone(&ledger));
        (sender, inbox, ledger)
    }

    fn lost(ledger: &Ledger) -> [u64; 4] {
        Stage::ALL.map(|stage| ledger.n_lost(stage))
    }

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn a_full_queue_loses_what_comes_next_and_nothing_else() {
        for n_offered in [0_u64, 1, 3, 4, 5, 9] {
            let (sender, inbox, ledger) = queue(4, 2, LONG);
            (0..n_offered).for_each(|_| sender.offer(&example()));
            assert_eq!(ledger.n_lost(Stage::Queue), n_offered.saturating_sub(4));
            assert_eq!(ledger.n_pending(), n_offered.min(4));
            drop(inbox);
            assert_eq!(ledger.n_lost(Stage::Shutdown), n_offered.min(4));
            assert_eq!(ledger.n_pending(), 0);
        }
    }

    #[tokio::test]
    async fn a_long_queue_is_given_up_at_once_also_inside_a_task() {
        // A task may take some 128 things before tokio makes it wait.
        let (sender, inbox, ledger) = queue(1000, 2, LONG);
        (0..1000).for_each(|_| sender.offer(&example()));
        tokio::spawn(async move { drop(inbox) }).await.unwrap();
        assert_eq!((ledger.n_lost(Stage::Shutdown), ledger.n_pending()), (1000, 0));
    }

    #[tokio::test]
    async fn a_batch_goes_when_it_is_full_when_it_is_due_and_when_the_queue_closes() {
        let (sender, mut inbox, ledger) = queue(10, 3, LONG);
        (0..5).for_each(|_| sender.offer(&example()));
        let full = inbox.batch().await.unwrap();
        inbox.close();
        let closed = inbox.batch().await.unwrap();
        assert_eq!((full.events().len(), closed.events().len()), (3, 2));
        assert!(inbox.batch().await.is_none());
        full.delivered(0);
        closed.delivered(1);
        assert_eq!((ledger.n_delivered(), lost(&ledger), ledger.n_pending()), (4, [0, 1, 0, 0], 0));

        let (sender, mut inbox, _) = queue(10, 3, Duration::ZERO);
        sender.offer(&example());
        assert_eq!(inbox.batch().await.unwrap().events().len(), 1);
    }

    #[tokio::test]
    async fn a_batch_that_nobody_waits_for_any_more_is_not_forgotten() {
        let (sender, mut inbox, ledger) = queue(10, 3, LONG);
        sender.offer(&example());
        let waited = tokio::time::timeout(Duration::from_millis(1), inbox.batch()).await;
        assert!(waited.is_err());
        sender.offer(&example());
        sender.offer(&example());
        let batch = inbox.batch().await.unwrap();
        assert_eq!(batch.events().len(), 3);
        assert_eq!(batch.lost(Stage::Failed), 3);
        assert_eq!((lost(&ledger), ledger.n_pending()), ([0, 0, 3, 0], 0));
    }

    #[test]
    fn a_receiver_cannot_reject_more_than_it_was_sent() {
        let (_, _, ledger) = queue(1, 1, LONG);
        ledger.offered(2);
        Batch { events: vec![example(); 2], ledger: Arc::clone(&ledger) }.delivered(u64::MAX);
        assert_eq!((ledger.n_delivered(), lost(&ledger), ledger.n_pending()), (0, [0, 2, 0, 0], 0));
    }

    #[test]
    fn the_sum_holds_while_the_queue_is_dropped_under_its_writers() {
        for _ in 0..50 {
            let (sender, inbox, ledger) = queue(64, 8, LONG);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    let sender = sender.clone();
                    scope.spawn(move || (0..500).for_each(|_| sender.offer(&example())));
                }
                drop(inbox);
            });
            assert_eq!((ledger.n_lost_in_all(), ledger.n_pending()), (2000, 0));
        }
    }
}
