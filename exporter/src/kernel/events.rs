//! Reads the ring buffers and makes a [`Notice`] of each record.
//!
//! It wakes when the kernel says so, takes all that is there, looks again every 10 ms until nothing comes, and sleeps.
//! What is urgent (deaths, SIGKILL, OOM kills) has a ring buffer of its own, and is taken first.
//! The reader never waits for whoever takes the events, and knows no metric, no OTLP and no terminal.

use std::{
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release, SeqCst},
            fence,
        },
    },
    time::Instant,
};

use aya::{
    Ebpf,
    maps::{MapData, RingBuf},
};
use killsnoop_common::record;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{
    KernelError,
    bell::{Bell, Stop, pulse},
    shared::Shared,
    take_map,
};
use crate::{
    clock::{Clock, unix_ns},
    event::{Call, Death, Event, OomKill, Signal},
    pulse::Pulse,
};

/// How long the reader lets records gather while events come: a ring of 4 MiB holds those of 40 ms at the highest rate
/// that one process reaches.
const GATHER: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Records taken before the reader looks at anything else, so that a flood cannot keep it from ending.
const AT_ONCE: usize = 1 << 16;

/// Records of the ring buffer that others can flood, after which the urgent one is looked at again.
const BETWEEN_URGENT: usize = 1 << 10;

/// What the kernel side tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Something for the sinks.
    Event(Event),
    /// A cgroup was made.
    CgroupMade {
        /// Its id: the inode number of its directory.
        id: u64,
        /// The id of the cgroup above it.
        parent: u64,
    },
}

/// The reading end of the ring buffers.
pub struct Reader {
    urgent: RingBuf<MapData>,
    normal: RingBuf<MapData>,
    armed: Shared,
    counts: Arc<ReaderCounts>,
    bell: Arc<Bell>,
    pulse: Arc<Pulse>,
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
        self.read.load(Acquire)
    }

    pub(super) fn n_undecodable(&self) -> u64 {
        self.undecodable.load(Acquire)
    }

    /// Hands a notice on; none is a record that could not be understood.
    fn take(&self, notice: Option<Notice>, take: &mut impl FnMut(Notice)) {
        match notice {
            // Not an event, and not counted as one.
            Some(made @ Notice::CgroupMade { .. }) => return take(made),
            Some(event) => take(event),
            None => _ = self.undecodable.fetch_add(1, Release),
        }
        // Counted after it was handed on, so that an event is never between two accounts; and whoever sees that it was read sees
        // that it was produced.
        self.read.fetch_add(1, Release);
    }
}

impl Reader {
    pub(super) fn new(ebpf: &mut Ebpf) -> Result<Self, KernelError> {
        let bell = Bell::new()?;
        Ok(Self {
            urgent: take_map(ebpf, "URGENT")?,
            normal: take_map(ebpf, "EVENTS")?,
            armed: Shared::take_to_write(ebpf, "ARMED")?,
            counts: Arc::default(),
            pulse: Arc::new(pulse(&bell)),
            bell,
            clock: Clock::now(),
            measured: Instant::now(),
        })
    }

    /// Ends [`run`](Self::run).
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(Arc::clone(&self.bell))
    }

    /// Whether it reads: it takes a turn when it is woken, unless it waits for whoever takes the events.
    #[must_use]
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    pub(super) fn counts(&self) -> Arc<ReaderCounts> {
        Arc::clone(&self.counts)
    }

    /// Gives each notice to `take` until it is stopped: those of either ring buffer in the order in which the kernel wrote
    /// them, the urgent ones first.
    ///
    /// # Errors
    /// If the kernel cannot be waited for.
    pub fn run(mut self, mut take: impl FnMut(Notice)) -> Result<(), KernelError> {
        loop {
            // Armed first, drained then: a record that comes in between wakes the poll.
            self.armed[0].store(1, Relaxed);
            // Nothing of the ring buffers is looked at earlier.
            fence(SeqCst);
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
    fn drain(&mut self, take: &mut impl FnMut(Notice)) -> usize {
        self.pulse.turn();
        self.measure_clock();
        let observed_unix_ns = unix_ns();
        let mut n_taken = 0;
        loop {
            let Self { urgent, normal, clock, counts, .. } = self;
            let n_urgent = drain_ring(urgent, AT_ONCE, |record| {
                counts.take(notice(record, clock, observed_unix_ns), take);
            });
            let n_normal = drain_ring(normal, BETWEEN_URGENT, |record| {
                counts.take(notice(record, clock, observed_unix_ns), take);
            });
            n_taken += n_urgent + n_normal;
            if n_normal < BETWEEN_URGENT || n_taken >= AT_ONCE {
                return n_taken;
            }
        }
    }

    fn measure_clock(&mut self) {
        if self.measured.elapsed() > Clock::MEASURE_EVERY {
            self.clock = Clock::now();
            self.measured = Instant::now();
        }
    }

    /// Sleeps: until a record wakes it, or, with a time, for that long. Returns whether the reader was stopped.
    fn wait(&self, time: Option<&Timespec>) -> Result<bool, KernelError> {
        let mut fds = vec![PollFd::from_borrowed_fd(self.bell.fd(), PollFlags::IN)];
        if time.is_none() {
            fds.extend(
                [&self.urgent, &self.normal]
                    .map(|ring| PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN)),
            );
        }
        match poll(&mut fds, time) {
            Ok(_) | Err(Errno::INTR) => Ok(fds[0].revents().contains(PollFlags::IN) && self.bell.answer()),
            Err(error) => Err(KernelError::Wait(error.into())),
        }
    }
}

/// Takes up to `limit` records; returns how many that was.
fn drain_ring(ring: &mut RingBuf<MapData>, limit: usize, mut take: impl FnMut(&[u8])) -> usize {
    let mut n_taken = 0;
    while n_taken < limit
        && let Some(record) = ring.next()
    {
        n_taken += 1;
        take(&record);
    }
    n_taken
}

/// What a record says; `None` if it cannot be understood.
fn notice(bytes: &[u8], clock: &Clock, observed_unix_ns: u64) -> Option<Notice> {
    Some(Notice::Event(match record::kind(bytes)? {
        record::KIND_CALL => Event::Call(Call::new(&record::read(bytes)?, clock, observed_unix_ns)?),
        record::KIND_SIGNAL => {
            Event::Signal(Arc::new(Signal::new(&record::read(bytes)?, clock, observed_unix_ns)?))
        }
        record::KIND_DEATH => {
            Event::Death(Arc::new(Death::new(&record::read(bytes)?, clock, observed_unix_ns)?))
        }
        record::KIND_OOM_KILL => {
            Event::OomKill(Arc::new(OomKill::new(&record::read(bytes)?, clock, observed_unix_ns)?))
        }
        record::KIND_CGROUP => {
            let made: killsnoop_common::death::CgroupEvent = record::read(bytes)?;
            return Some(Notice::CgroupMade { id: made.id, parent: made.parent });
        }
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..1500), kind in 0_u8..8) {
            if let Some(place) = bytes.get_mut(8) {
                *place = kind;
            }
            drop(notice(&bytes, &Clock::now(), 0));
        }
    }
}
