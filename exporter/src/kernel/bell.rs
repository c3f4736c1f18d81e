//! Wakes the reader of events, which else sleeps until the kernel has something: to end it, or to see that it lives.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use rustix::{
    event::{EventfdFlags, eventfd},
    io::{read, write},
};

use super::KernelError;
use crate::pulse::Pulse;

/// What the reader waits for besides the ring buffers.
#[derive(Debug)]
pub(super) struct Bell {
    fd: OwnedFd,
    ends: AtomicBool,
}

impl Bell {
    pub(super) fn new() -> Result<Arc<Self>, KernelError> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let fd = eventfd(0, flags).map_err(|error| KernelError::Wait(error.into()))?;
        Ok(Arc::new(Self { fd, ends: AtomicBool::new(false) }))
    }

    /// Readable when it has rung.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Makes it silent again, and tells whether the reader is to end.
    pub(super) fn answer(&self) -> bool {
        // Fails if it has not rung, which is all the same.
        _ = read(&self.fd, &mut [0_u8; 8]);
        let ends = self.ends.load(SeqCst);
        // An end is told however often it is asked for.
        if ends {
            self.ring();
        }
        ends
    }

    fn ring(&self) {
        // Fails only when it has rung 2^64 times, and then the reader has been told.
        _ = write(&self.fd, &1_u64.to_ne_bytes());
    }
}

/// Ends a [`Reader`](super::Reader) from another thread.
#[derive(Clone, Debug)]
pub struct Stop(pub(super) Arc<Bell>);

impl Stop {
    /// Asks the reader to take what is in the ring buffers and then to return. Detach the hooks first.
    pub fn stop(&self) {
        self.0.ends.store(true, SeqCst);
        self.0.ring();
    }
}

/// The pulse of whoever waits for this bell.
pub(super) fn pulse(bell: &Arc<Bell>) -> Pulse {
    let bell = Arc::clone(bell);
    Pulse::new(move || bell.ring())
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn has_rung(bell: &Bell) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(bell.fd(), PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).unwrap() == 1
    }

    #[test]
    fn it_wakes_for_a_question_and_ends_for_a_stop_alone() {
        let bell = Bell::new().unwrap();
        assert!(!has_rung(&bell) && !bell.answer());
        bell.ring();
        bell.ring();
        assert!(has_rung(&bell) && !bell.answer() && !has_rung(&bell));
        Stop(Arc::clone(&bell)).stop();
        assert!(has_rung(&bell) && bell.answer() && has_rung(&bell) && bell.answer());
    }
}
