//! The records of the ring buffers: all begin with the time, then one byte that says what they are.

use crate::{
    death::{CgroupEvent, DeathEvent, OomKillEvent, SignalEvent},
    kill::KillEvent,
};

/// A call that sends a signal has returned: [`KillEvent`].
pub const KIND_CALL: u8 = 0;
/// A signal was posted: [`SignalEvent`].
pub const KIND_SIGNAL: u8 = 1;
/// A process died of a signal: [`DeathEvent`].
pub const KIND_DEATH: u8 = 2;
/// A process was chosen to die because memory ran out: [`OomKillEvent`].
pub const KIND_OOM_KILL: u8 = 3;
/// A cgroup was made: [`CgroupEvent`].
pub const KIND_CGROUP: u8 = 4;

/// Number of kinds.
pub const N_KINDS: usize = 5;

/// Where every record has its kind.
const KIND_AT: usize = 8;

/// A type of record, with its kind.
///
/// # Safety
/// Every bit pattern must be a value of the type, and its byte [`KIND_AT`] the kind.
pub unsafe trait Record: Copy {
    /// What the record's byte says.
    const KIND: u8;
}

// SAFETY: plain integers, no padding; the kind is in its place, see the asserts.
unsafe impl Record for KillEvent {
    const KIND: u8 = KIND_CALL;
}
// SAFETY: as above.
unsafe impl Record for SignalEvent {
    const KIND: u8 = KIND_SIGNAL;
}
// SAFETY: as above.
unsafe impl Record for DeathEvent {
    const KIND: u8 = KIND_DEATH;
}
// SAFETY: as above.
unsafe impl Record for OomKillEvent {
    const KIND: u8 = KIND_OOM_KILL;
}
// SAFETY: as above.
unsafe impl Record for CgroupEvent {
    const KIND: u8 = KIND_CGROUP;
}
const _: () = assert!(core::mem::offset_of!(KillEvent, kind) == KIND_AT, "KillEvent's kind has moved");
const _: () =
    assert!(core::mem::offset_of!(crate::death::Header, kind) == KIND_AT, "the header's kind has moved");

/// The kind of a record; `None` if it is too short to have one.
#[must_use]
pub fn kind(bytes: &[u8]) -> Option<u8> {
    bytes.get(KIND_AT).copied()
}

/// Reads a record from its bytes; `None` if their number or their kind is another's.
#[must_use]
pub fn read<T: Record>(bytes: &[u8]) -> Option<T> {
    if bytes.len() != size_of::<T>() || kind(bytes) != Some(T::KIND) {
        return None;
    }
    // SAFETY: the size was checked, the read takes any alignment, and every bit pattern is a value.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_record_is_read_at_any_alignment_and_refused_at_any_other_length_or_kind() {
        let length = size_of::<KillEvent>();
        let mut bytes: Vec<u8> = (0..=100).take(length + 1).collect();
        bytes[1 + KIND_AT] = KIND_CALL;
        assert_eq!(read::<KillEvent>(&bytes), None);
        let event = read::<KillEvent>(&bytes[1..]).unwrap();
        assert_eq!(event.at_boot_ns.to_ne_bytes(), bytes[1..9]);
        assert_eq!(event.sender_comm[..], bytes[1 + length - 16..]);
        assert_eq!(read::<KillEvent>(&bytes[1..length]), None);
        bytes[1 + KIND_AT] = KIND_DEATH;
        assert_eq!(read::<KillEvent>(&bytes[1..]), None);
        assert_eq!(kind(&[0; 8]), None);
    }
}
