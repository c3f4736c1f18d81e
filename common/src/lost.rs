//! Why a hook gave up. Every early return of a hook is one of these, and each is counted in the map `LOST`.

/// A reason for which a hook could not do all of its work.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The ring buffer had no room: the call is counted, its event is not sent.
    RingFull = 0,
    /// A counter's key was missing from its map. All legal keys are put in at load, so this is always 0.
    CounterMissing = 1,
    /// The kernel did not give the name of the current task. The event is sent with an empty name.
    CommUnreadable = 2,
}

impl Lost {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::RingFull, Self::CounterMissing, Self::CommUnreadable];

    /// Entries of the map `LOST`.
    pub const N: usize = Self::ALL.len();
}
