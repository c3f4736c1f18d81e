//! What the running kernel says of its types.

use std::{io, thread};

use killsnoop_common::kill::Syscall;

use super::{KernelError, btf::Btf, layout::Layout, machine::machine, preemption::Preemption};

/// All that is needed of them.
pub(super) struct Types {
    /// As the library reads them, to find what a program is attached to.
    pub(super) all: aya::Btf,
    /// Where the kernel has what.
    pub(super) layout: Layout,
    /// The kernel's functions for the calls that send signals, as native programs come to them.
    pub(super) native_functions: Vec<(Syscall, String)>,
    /// Those that only 32-bit programs come to.
    pub(super) compat_functions: Vec<(Syscall, String)>,
    /// Where it preempts programs.
    pub(super) preemption: Preemption,
}

impl Types {
    /// Reads them: twice, at the same time.
    ///
    /// # Errors
    /// If there are none, or they lack what every supported kernel has.
    pub(super) fn of_running_kernel() -> Result<Self, KernelError> {
        thread::scope(|scope| {
            let all = scope.spawn(aya::Btf::from_sys_fs);
            let btf = Btf::of_running_kernel().map_err(KernelError::Types)?;
            if btf.value("bpf_map_type", "BPF_MAP_TYPE_RINGBUF").is_none() {
                return Err(KernelError::TooOld);
            }
            let layout = Layout::new(&btf).map_err(KernelError::Types)?;
            let functions = |prefixes: &[&str]| -> Vec<(Syscall, String)> {
                let names = prefixes.iter().flat_map(|prefix| {
                    Syscall::ALL.map(|syscall| (syscall, format!("{prefix}{}", syscall.name())))
                });
                names.filter(|(_, name)| btf.function(name).is_some()).collect()
            };
            let preemption = Preemption::of_running_kernel(&btf);
            let known = machine().functions;
            let (native_functions, compat_functions) = (functions(known.native), functions(known.compat));
            // A panic in there is one here.
            let all = all.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let all = all.map_err(|error| KernelError::Types(io::Error::other(error)))?;
            Ok(Self { all, layout, native_functions, compat_functions, preemption })
        })
    }
}
