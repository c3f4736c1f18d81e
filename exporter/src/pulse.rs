//! Whether a loop still goes around: it is woken, and says so when it takes its next turn.

use std::{fmt, pin::pin, time::Duration};

use tokio::{sync::Notify, time::timeout};

/// One side is held by a loop, the other by whoever wants to know whether it goes around.
pub struct Pulse {
    wake: Box<dyn Fn() + Send + Sync>,
    turned: Notify,
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse").finish_non_exhaustive()
    }
}

impl Pulse {
    /// Of a loop that `wake` makes take a turn when there is nothing else to do.
    #[must_use]
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { wake: Box::new(wake), turned: Notify::new() }
    }

    /// The loop takes a turn. Costs next to nothing while nobody wants to know.
    pub fn turn(&self) {
        self.turned.notify_waiters();
    }

    /// Wakes the loop, and tells whether it took a turn within that time.
    pub async fn beats(&self, within: Duration) -> bool {
        let mut turned = pin!(self.turned.notified());
        // Listens before it wakes, so that no answer comes too soon.
        turned.as_mut().enable();
        (self.wake)();
        timeout(within, turned).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    #[tokio::test]
    async fn a_loop_that_answers_beats_and_one_that_hangs_does_not() {
        let (wake, woken) = mpsc::channel();
        let pulse = Arc::new(Pulse::new(move || _ = wake.send(())));
        let (end, ended) = mpsc::channel::<()>();
        let turning = Arc::clone(&pulse);
        let thread = std::thread::spawn(move || {
            woken.recv().unwrap();
            turning.turn();
            // And hangs from here on.
            _ = ended.recv();
        });
        assert!(pulse.beats(Duration::from_secs(30)).await);
        assert!(!pulse.beats(Duration::from_millis(10)).await);
        drop(end);
        thread.join().unwrap();
    }
}
