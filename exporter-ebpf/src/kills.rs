//! Gives user space all counters of calls at once, when it asks.
//!
//! Who looks up an element by a system call marks the CPU meanwhile, and a kernel that preempts him there runs no probe on that
//! CPU for anybody. An iterator marks nothing.

use aya_ebpf::{
    bindings::seq_file,
    cty::{c_int, c_void},
    helpers::generated::bpf_seq_write,
};
use killsnoop_common::{kill::KillKey, layout::KILL_COUNTS_LEN};

use crate::kernel::constant;

/// What the kernel shows of an element: `struct bpf_iter__bpf_map_elem` of `kernel/bpf/map_iter.c`. Of a map with values
/// for each CPU it is those of all.
#[repr(C)]
struct Element {
    meta: *const Meta,
    map: *const c_void,
    key: *const c_void,
    value: *const c_void,
}

/// `struct bpf_iter_meta` of include/linux/bpf.h.
#[repr(C)]
struct Meta {
    seq: *mut seq_file,
}

/// Writes down a key and the values of all CPUs. What does not fit is asked for again by the kernel.
#[unsafe(link_section = "iter/bpf_map_elem")]
#[unsafe(no_mangle)]
extern "C" fn read_kills(element: *const Element) -> c_int {
    // SAFETY: the kernel gives both structures, and says by a null key that there is nothing more.
    unsafe {
        let Element { meta, key, value, .. } = *element;
        if key.is_null() || value.is_null() {
            return 0;
        }
        let seq = (*meta).seq;
        bpf_seq_write(seq, key, size_of::<KillKey>() as u32);
        bpf_seq_write(seq, value, constant(KILL_COUNTS_LEN) as u32);
    }
    0
}
