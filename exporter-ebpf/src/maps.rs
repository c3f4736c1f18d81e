//! Every map of the BPF program, and its one read-only global.

use core::ptr::with_exposed_provenance;

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    btf_maps::{Array, HashMap, LruHashMap, PerCpuArray, PerCpuHashMap, RingBuf},
    helpers::bpf_get_smp_processor_id,
    macros::btf_map,
};
use killsnoop_common::{
    cause::{Cause, Outcome, Scope},
    death::{DeathCounts, DeathEvent, Memory, Posted, SignalCounts, death_index, signal_index},
    filter::Filter,
    kill::{KillCounts, KillEvent, KillKey},
    layout::SHARD_MASK,
    lost::Lost,
    process::{Background, Image, Process},
    record::N_KINDS,
};

use crate::{kernel::constant, number::hidden};

/// User space maps the values into its memory: to read them costs it no system call, and disturbs no hook, see kills.rs.
const SHARED: usize = BPF_F_MMAPABLE as usize;

/// Calls by signal and result, and below that by system call. All legal keys are put in by user space at load.
#[btf_map]
pub(crate) static KILLS: PerCpuHashMap<KillKey, KillCounts, { KillKey::N }> = PerCpuHashMap::new();

/// Signals that were posted. Several such values, so that CPUs rarely meet in one; user space sets how many.
#[btf_map]
pub(crate) static SIGNALS: Array<SignalCounts, 1, SHARED> = Array::new();

/// Deaths; they are rare enough for one value.
#[btf_map]
pub(crate) static DEATHS: Array<DeathCounts, 1, SHARED> = Array::new();

/// OOM kills, by the number of the scope.
#[btf_map]
pub(crate) static OOM_KILLS: Array<u64, { Scope::ALL.len() }, SHARED> = Array::new();

/// Events that passed the filter, by the kind of their record, whether or not a ring buffer had room for them.
#[btf_map]
pub(crate) static PRODUCED: Array<u64, { N_KINDS }, SHARED> = Array::new();

/// What could not be done, by the number of the reason.
#[btf_map]
pub(crate) static LOST: Array<u64, { Lost::N }, SHARED> = Array::new();

/// Records that others can flood: calls and signals. User space sets the size in bytes before load.
#[btf_map]
pub(crate) static EVENTS: RingBuf<KillEvent, { 4 << 20 }> = RingBuf::new();

/// Records that a flood must not cost: deaths, OOM kills, and SIGKILL as long as half of the room is left.
#[btf_map]
pub(crate) static URGENT: RingBuf<DeathEvent, { 2 << 20 }> = RingBuf::new();

/// 1 while the reader of the ring buffers sleeps and wants to be woken by the next record.
#[btf_map]
pub(crate) static ARMED: Array<u64, 1, SHARED> = Array::new();

/// What each process runs, by process id: from exec and fork until its end.
#[btf_map]
pub(crate) static IMAGES: HashMap<u32, Image, 16384> = HashMap::new();

/// The last signals that can have ended a process, by its process id.
#[btf_map]
pub(crate) static SUSPECTS: LruHashMap<u32, Suspects, 16384> = LruHashMap::new();

/// What else is known of whoever sent one of these: it may be gone when the victim dies.
#[btf_map]
pub(crate) static SENDERS: LruHashMap<Identity, Background, 4096> = LruHashMap::new();

/// The process that a call reached, by the thread that calls, until the call returns.
#[btf_map]
pub(crate) static TARGETS: LruHashMap<u32, u32, 4096> = LruHashMap::new();

/// Processes that the OOM killer chose; some end before it says so.
#[btf_map]
pub(crate) static CHOSEN: LruHashMap<Identity, Memory, 1024> = LruHashMap::new();

/// Who they are, by process id, where the OOM killer says no more than that.
#[btf_map]
pub(crate) static VICTIMS: LruHashMap<u32, Process, 64> = LruHashMap::new();

/// How often each memory cgroup was out of memory when that was last looked at, by its id.
#[btf_map]
pub(crate) static OOM_SEEN: LruHashMap<u64, OomSeen, 1024> = LruHashMap::new();

/// Deaths that were told, where a kernel does not say which thread of a process is the last.
#[btf_map]
pub(crate) static TOLD: LruHashMap<Identity, u32, 4096> = LruHashMap::new();

/// Room to put together what is too large for the stack. Each hook that needs it has its own, since one can interrupt the
/// other.
#[btf_map]
pub(crate) static POSTED_SCRATCH: PerCpuArray<Posted, 1> = PerCpuArray::new();
/// As above.
#[btf_map]
pub(crate) static SENDER_SCRATCH: PerCpuArray<Background, 1> = PerCpuArray::new();
/// As above.
#[btf_map]
pub(crate) static DEATH_SCRATCH: PerCpuArray<DeathEvent, 1> = PerCpuArray::new();
/// As above.
#[btf_map]
pub(crate) static IMAGE_SCRATCH: PerCpuArray<Image, 1> = PerCpuArray::new();

/// A process, for good.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) start_boot_ns: u64,
    pub(crate) pid: u32,
    pub(crate) reserved: u32,
}

/// Signals of different numbers or from different senders: the last four.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Suspects {
    pub(crate) slots: [Posted; N_SUSPECTS],
}

/// Slots of [`Suspects`].
pub(crate) const N_SUSPECTS: usize = 4;

/// Events of a memory cgroup, and the task that ran into the last of them.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct OomSeen {
    pub(crate) n_events: u64,
    pub(crate) tid: u32,
    pub(crate) reserved: u32,
}

impl OomSeen {
    /// Of a cgroup that was never looked at: more events than there can be.
    pub(crate) const NEVER: Self = Self { n_events: i64::MAX as u64, tid: 0, reserved: 0 };
}

/// User space writes it after the compiler has seen its initial value, see [`filter`].
#[unsafe(no_mangle)]
static FILTER: Filter = Filter::NOTHING;

/// Which events are wanted. The compiler does not know that this is the global.
#[inline(always)]
pub(crate) fn filter() -> &'static Filter {
    let address = hidden((&raw const FILTER).expose_provenance() as u64);
    // SAFETY: it is that of a global.
    unsafe { &*with_exposed_provenance(address as usize) }
}

/// Adds one to a counter.
#[inline(always)]
pub(crate) fn add_one(counter: Option<*mut u64>) -> Result<(), Lost> {
    let counter = counter.ok_or(Lost::CounterMissing)?;
    // SAFETY: the map look-up gave this pointer, it is aligned, and entries of these maps are never removed.
    unsafe { increment(counter) };
    Ok(())
}

/// Counts a signal.
#[inline(always)]
pub(crate) fn count_signal(signal: i32, cause: Cause, outcome: Outcome) -> Result<(), Lost> {
    // SAFETY: the helper has no precondition.
    let shard = unsafe { bpf_get_smp_processor_id() } & constant(SHARD_MASK) as u32;
    let counts = SIGNALS.get_ptr_mut(shard).ok_or(Lost::CounterMissing)?;
    count_at(counts.cast(), signal_index(signal as u32, cause, outcome), SignalCounts::N)
}

/// Counts a death.
#[inline(always)]
pub(crate) fn count_death(signal: u32, cause: Cause, core_dumped: bool) -> Result<(), Lost> {
    let counts = DEATHS.get_ptr_mut(0).ok_or(Lost::CounterMissing)?;
    count_at(counts.cast(), death_index(signal, cause, core_dumped), DeathCounts::N)
}

#[inline(always)]
fn count_at(counts: *mut u64, index: usize, n: usize) -> Result<(), Lost> {
    if index >= n {
        return Err(Lost::CounterMissing);
    }
    // SAFETY: the map look-up gave this pointer, and there are `n` counters.
    unsafe { increment(counts.add(index)) };
    Ok(())
}

/// Copies word by word. The compiler would make a call of a larger copy, for which there is no function here.
///
/// # Safety
/// Both must be valid for the type, which must be whole words of 8 bytes.
#[inline(always)]
pub(crate) unsafe fn copy<T>(from: *const T, to: *mut T) {
    let (from, to) = (from.cast::<u64>(), to.cast::<u64>());
    for n in 0..size_of::<T>() / 8 {
        // SAFETY: the caller's.
        unsafe { to.add(n).write_volatile(from.add(n).read_volatile()) };
    }
}

/// Fills with zeros, word by word, as `copy` does.
///
/// # Safety
/// The place must be valid for the type, which must be whole words of 8 bytes and may be all zeros.
#[inline(always)]
pub(crate) unsafe fn clear<T>(place: *mut T) {
    let place = place.cast::<u64>();
    for n in 0..size_of::<T>() / 8 {
        // SAFETY: the caller's.
        unsafe { place.add(n).write_volatile(0) };
    }
}

/// Counts what was lost. Its own counter cannot be missing: the number of a reason is below the map's size.
#[inline(always)]
pub(crate) fn count_lost(reason: Lost) {
    if let Some(counter) = LOST.get_ptr_mut(reason as u32) {
        // SAFETY: as in `add_one`.
        unsafe { increment(counter) };
    }
}

/// Atomic also where each CPU has counters of its own: some kernels preempt a hook, and run another one on the
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

/// Whether the record being submitted, which has its place, wakes the reader: the first one after the reader went to sleep
/// does, the rest find it awake. A wake-up per record would halve the rate of a flood.
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
