//! Where a process runs.

use nix::libc;

/// The CPU of the worker, which makes the calls.
pub(crate) const CALLS: usize = 0;
/// The CPU of all else: the tools and the collector, which inherit it.
pub(crate) const REST: usize = 1;

/// Binds this thread, and what it starts from here on, to one CPU, so that loops are not moved about.
pub(crate) fn pin(cpu: usize) {
    // SAFETY: the set lives on the stack, and its size is given.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}
