//! Every map and every read-only global of the BPF program.

use aya_ebpf::{
    bindings::{BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    btf_maps::{Array, PerCpuArray, PerCpuHashMap, RingBuf},
    macros::btf_map,
};
use killsnoop_common::{
    filter::Filter,
    kill::{Calls, KillCounts, KillEvent, KillKey, Machine},
    lost::Lost,
};

/// Calls by signal and result, and below that by system call. All legal keys are put in by user space at load.
#[btf_map]
pub(crate) static KILLS: PerCpuHashMap<KillKey, KillCounts, { KillKey::N }> = PerCpuHashMap::new();

/// Events that passed the filter, whether or not the ring buffer had room for them.
#[btf_map]
pub(crate) static PRODUCED: PerCpuArray<u64, 1> = PerCpuArray::new();

/// What could not be done, by the number of the reason.
#[btf_map]
pub(crate) static LOST: PerCpuArray<u64, { Lost::N }> = PerCpuArray::new();

/// One record per event, in the order of return. User space sets the size in bytes before load.
#[btf_map]
pub(crate) static EVENTS: RingBuf<KillEvent, { 4 << 20 }> = RingBuf::new();

/// 1 while the reader of `EVENTS` sleeps and wants to be woken by the next record.
#[btf_map]
pub(crate) static ARMED: Array<u32, 1> = Array::new();

/// Which events are wanted.
#[unsafe(no_mangle)]
pub(crate) static FILTER: Filter = Filter::NOTHING;

/// How this machine makes system calls.
#[unsafe(no_mangle)]
pub(crate) static MACHINE: Machine = Machine {
    number_at: 0,
    result_at: 0,
    native: Calls { numbers: [-1; 6], arguments_at: [0; 3] },
    compat: Calls { numbers: [-1; 6], arguments_at: [0; 3] },
    compat_flag_at: 0,
    compat_flag: 0,
};

/// Reads a read-only global, or one field of it. The read is volatile because user space writes the value after
/// the compiler has seen its initial one; and it is of one field, because a volatile read takes all it is given.
#[inline(always)]
pub(crate) fn global<T: Copy>(place: &'static T) -> T {
    // SAFETY: a reference is valid and aligned.
    unsafe { core::ptr::from_ref(place).read_volatile() }
}

/// Adds one to a counter of the current CPU.
#[inline(always)]
pub(crate) fn add_one(counter: Option<*mut u64>) -> Result<(), Lost> {
    let counter = counter.ok_or(Lost::CounterMissing)?;
    // SAFETY: the map look-up gave this pointer, it is aligned, and entries of these maps are never removed.
    unsafe { increment(counter) };
    Ok(())
}

/// Counts what was lost. Its own counter cannot be missing: the number of a reason is below the map's size.
#[inline(always)]
pub(crate) fn count_lost(reason: Lost) {
    if let Some(counter) = LOST.get_ptr_mut(reason as u32) {
        // SAFETY: as in `add_one`.
        unsafe { increment(counter) };
    }
}

/// Atomic although each CPU has counters of its own: some kernels preempt a hook, and run another one on the
/// same CPU meanwhile. `AtomicU64` has no addition for a target without compare-and-swap, as BPF is to Rust.
///
/// # Safety
/// `counter` must be aligned and point to a living counter.
#[inline(always)]
unsafe fn increment(counter: *mut u64) {
    #[cfg(target_arch = "bpf")]
    // SAFETY: the caller's.
    unsafe {
        core::intrinsics::atomic_xadd::<u64, u64, { core::intrinsics::AtomicOrdering::Relaxed }>(counter, 1);
    }
    // Only so that the crate can be checked on the host.
    #[cfg(not(target_arch = "bpf"))]
    // SAFETY: the caller's.
    unsafe {
        *counter += 1;
    }
}

/// Whether the record being submitted wakes the reader: the first one after the reader went to sleep does, the
/// rest find it awake. A wake-up per record would halve the rate of a flood.
#[inline(always)]
pub(crate) fn wake_up() -> u64 {
    let Some(armed) = ARMED.get_ptr_mut(0) else { return u64::from(BPF_RB_FORCE_WAKEUP) };
    // SAFETY: the map look-up gave this pointer. Two CPUs may both see 1 and both wake, which does no harm.
    unsafe {
        if armed.read_volatile() == 0 {
            return u64::from(BPF_RB_NO_WAKEUP);
        }
        armed.write_volatile(0);
    }
    u64::from(BPF_RB_FORCE_WAKEUP)
}
