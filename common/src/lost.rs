//! Why a hook gave up. Every early return of a hook is one of these, and each is counted in the map `LOST`.

/// A reason for which a hook could not do all of its work.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The ring buffer had no room: the call is counted, its event is not sent.
    RingFull = 0,
    /// A counter's key was missing from its map. All legal keys are put in at load, so this is always 0.
    CounterMissing = 1,
    /// The ring buffer of urgent events had no room: the death is counted, its event is not sent.
    UrgentRingFull = 2,
    /// There was no room to remember what a process runs: it is told of without its executable.
    ImageNotKept = 3,
    /// There was no room to remember who sent a signal: a death by it will have an unknown cause.
    SenderNotKept = 4,
    /// What a process runs could not be read when it began to.
    ImageUnreadable = 5,
    /// User space could not be told of a new cgroup: its processes are told of without their place.
    CgroupNotTold = 6,
}

impl Lost {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::RingFull,
        Self::CounterMissing,
        Self::UrgentRingFull,
        Self::ImageNotKept,
        Self::SenderNotKept,
        Self::ImageUnreadable,
        Self::CgroupNotTold,
    ];

    /// Entries of the map `LOST`.
    pub const N: usize = Self::ALL.len();
}
