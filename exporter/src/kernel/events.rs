//! Reads the ring buffer and makes an [`Event`] of each record.
//!
//! It wakes when the kernel says so, takes all that is there, looks again every 10 ms until nothing comes, and sleeps.
//! It never waits for whoever takes the events, and knows no metric, no OTLP and no terminal.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use aya::{
    Ebpf,
    maps::{Array, MapData, RingBuf},
};
use killsnoop_common::kill::KillEvent;
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::{Errno, write},
};

use super::{KernelError, take_map};
use crate::{
    clock::{Clock, unix_ns},
    event::Event,
};

/// How long the reader lets records gather while events come: a ring of 4 MiB holds those of 40 ms at the highest rate
/// that one process reaches.
const GATHER: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Records taken before the reader looks at anything else, so that a flood cannot keep it from ending.
const AT_ONCE: usize = 1 << 16;

/// The reading end of the ring buffer.
pub struct Reader {
    ring: RingBuf<MapData>,
    armed: Array<MapData, u32>,
    counts: Arc<ReaderCounts>,
    stop: Arc<OwnedFd>,
    clock: Clock,
    measured: Instant,
}

/// How much was read, for whoever reports it.
#[derive(Debug, Default)]
pub(super) struct ReaderCounts {
    read: AtomicU64,
    undecodable: AtomicU64,
}

impl ReaderCounts {
    pub(super) fn n_read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    pub(super) fn n_undecodable(&self) -> u64 {
        self.undecodable.load(Relaxed)
    }
}

/// Ends a [`Reader`] from another thread.
#[derive(Clone, Debug)]
pub struct Stop(Arc<OwnedFd>);

impl Stop {
    /// Asks the reader to take what is in the ring buffer and then to return. Detach the hooks first.
    pub fn stop(&self) {
        // The write fails only when the counter is at its limit, and then the reader has been told.
        let told = write(self.0.as_fd(), &1_u64.to_ne_bytes());
        debug_assert!(told.is_ok());
    }
}

impl Reader {
    pub(super) fn new(ebpf: &mut Ebpf) -> Result<Self, KernelError> {
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| KernelError::Wait(error.into()))?;
        Ok(Self {
            ring: take_map(ebpf, "EVENTS")?,
            armed: take_map(ebpf, "ARMED")?,
            counts: Arc::default(),
            stop: Arc::new(stop),
            clock: Clock::now(),
            measured: Instant::now(),
        })
    }

    /// Ends [`run`](Self::run).
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(Arc::clone(&self.stop))
    }

    pub(super) fn counts(&self) -> Arc<ReaderCounts> {
        Arc::clone(&self.counts)
    }

    /// Gives each event to `take`, in the order of return inside the kernel, until it is stopped.
    ///
    /// # Errors
    /// If the kernel cannot be waited for.
    pub fn run(mut self, mut take: impl FnMut(&Event)) -> Result<(), KernelError> {
        loop {
            // Armed first, drained then: a record that comes in between wakes the poll.
            self.armed.set(0, 1, 0).map_err(|source| KernelError::Map { name: "ARMED", source })?;
            if self.drain(&mut take) == 0 {
                let stopped = self.wait(None)?;
                if stopped {
                    break;
                }
            }
            while self.drain(&mut take) > 0 {
                if self.wait(Some(&GATHER))? {
                    break;
                }
            }
        }
        while self.drain(&mut take) > 0 {}
        Ok(())
    }

    /// Takes what is there, up to a limit; returns how many records that was.
    fn drain(&mut self, take: &mut impl FnMut(&Event)) -> usize {
        self.measure_clock();
        let observed_unix_ns = unix_ns();
        let mut n_taken = 0;
        while n_taken < AT_ONCE
            && let Some(record) = self.ring.next()
        {
            n_taken += 1;
            let event = KillEvent::from_bytes(&record)
                .and_then(|record| Event::new(&record, &self.clock, observed_unix_ns));
            drop(record);
            match event {
                // A record may be younger than the look at the clock, but nothing is observed before it happened.
                Some(event) => {
                    take(&Event { observed_unix_ns: observed_unix_ns.max(event.at_unix_ns), ..event });
                }
                None => _ = self.counts.undecodable.fetch_add(1, Relaxed),
            }
            // Counted after it was handed on, so that an event is never between two accounts.
            self.counts.read.fetch_add(1, Relaxed);
        }
        n_taken
    }

    fn measure_clock(&mut self) {
        if self.measured.elapsed() > Clock::MEASURE_EVERY {
            self.clock = Clock::now();
            self.measured = Instant::now();
        }
    }

    /// Sleeps: until a record wakes it, or, with a time, for that long. Returns whether the reader was stopped.
    fn wait(&self, time: Option<&Timespec>) -> Result<bool, KernelError> {
        let mut fds = vec![PollFd::from_borrowed_fd(self.stop.as_fd(), PollFlags::IN)];
        if time.is_none() {
            fds.push(PollFd::from_borrowed_fd(self.ring.as_fd(), PollFlags::IN));
        }
        match poll(&mut fds, time) {
            Ok(_) | Err(Errno::INTR) => Ok(fds[0].revents().contains(PollFlags::IN)),
            Err(error) => Err(KernelError::Wait(error.into())),
        }
    }
}
