//! The kernel side: loads the BPF program, attaches it, and hands out its counters and its events.
//!
//! What it needs of the machine is found by trying, never by a kernel's version: [`Kernel::attach`] takes the first hook
//! back end that loads and attaches. Everything detaches when the [`Kernel`] is dropped.

use std::{
    fmt, io,
    sync::{Arc, atomic::AtomicBool},
};

use aya::{Ebpf, EbpfLoader, maps::MapError};
use killsnoop_common::{
    filter::Filter,
    layout::{COUNTS_ALONE, KEEP_COMMANDS, KILL_COUNTS_LEN, MUST_COPY, SHARD_MASK},
};
use thiserror::Error;

use self::{
    hook::{Attached, Loadable},
    kills::Whole,
    lifecycle::Allowed,
    marks::MarkError,
    types::Types,
};

pub use self::{
    bell::Stop,
    counters::MapCounters,
    events::{Notice, Reader},
    hook::{BACKENDS, Backend, HookError},
    images::{Images, Seeded},
    victim::victim,
};

use crate::counters::Feature;

mod bell;
mod bpf;
mod btf;
mod counters;
mod events;
mod ftrace;
mod hook;
mod images;
mod kills;
mod layout;
mod lifecycle;
mod machine;
mod marks;
mod preemption;
pub mod privilege;
mod probes;
mod shared;
mod types;
mod victim;

/// The compiled BPF program; exporter-ebpf/build makes it.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../exporter-ebpf/killsnoop.bpf.o");

/// What is wanted of the kernel side.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Back ends to try, in this order.
    pub backends: &'static [Backend],
    /// Which events are wanted; counters are never filtered.
    pub filter: Filter,
    /// Size of the ring buffer for what others can flood, in bytes: a power of two, and whole pages.
    pub ring_bytes: u32,
    /// Whether the first bytes of command lines are told.
    pub keep_commands: bool,
}

/// Why the kernel side could not be had.
#[derive(Debug, Error)]
pub enum KernelError {
    /// The kernel refused a map, or the object could not be loaded.
    #[error("cannot load the BPF program")]
    Load(#[source] aya::EbpfError),
    /// A map of the object is missing or of another type; the object and the exporter do not belong together.
    #[error("cannot use map {name} of the BPF program")]
    Map {
        /// The map's name.
        name: &'static str,
        /// What was wrong with it.
        #[source]
        source: MapError,
    },
    /// The kernel's types are not known, or are not what this program expects.
    #[error("cannot use the kernel's type information (BTF, {path}); this kernel needs CONFIG_DEBUG_INFO_BTF", path = btf::VMLINUX)]
    Types(#[source] io::Error),
    /// The kernel has no ring buffer.
    #[error("this kernel is too old: it has no BPF ring buffer, which came with Linux 5.8")]
    TooOld,
    /// The object could not be made to fit this kernel.
    #[error("cannot prepare the BPF program for this kernel")]
    Prepare(#[source] io::Error),
    /// The kernel is locked down, and too old for what works there.
    #[error(
        "this kernel is locked down (confidentiality) and gives no typed pointer to the current task, which kernels \
         have since 5.15: boot with lockdown=integrity, or a newer kernel"
    )]
    LockedDown,
    /// A hook of signals or processes could not be loaded and attached.
    #[error("cannot watch signals and processes")]
    Lifecycle(#[source] HookError),
    /// None of the back ends could be loaded and attached.
    #[error("cannot watch the calls that send signals: {}", Refusals(.0))]
    NoBackend(Vec<(&'static str, HookError)>),
    /// The ring buffer could not be watched.
    #[error("cannot wait for the ring buffer")]
    Wait(#[source] io::Error),
}

impl KernelError {
    /// The map that was refused with this errno.
    fn refused_map(&self, errno: i32) -> Option<&str> {
        match self {
            Self::Load(aya::EbpfError::MapError(MapError::CreateError { name, io_error }))
                if io_error.raw_os_error() == Some(errno) =>
            {
                Some(name)
            }
            _ => None,
        }
    }
}

/// The refusals of all back ends, one after the other.
struct Refusals<'a>(&'a [(&'static str, HookError)]);

/// The loaded and attached BPF program.
pub struct Kernel {
    ebpf: Ebpf,
    all_kills: Option<Whole>,
    backend: &'static Backend,
    calls: Attached,
    lifecycle: Attached,
    allowed: Allowed,
    keep_commands: bool,
    attached: Arc<AtomicBool>,
    may_miss_calls: bool,
    refused: Vec<(&'static str, HookError)>,
}

impl Kernel {
    /// Loads the programs, prepares their maps, and attaches them: those of calls by the first back end that works.
    ///
    /// # Errors
    /// See [`KernelError`].
    pub fn attach(wanted: &Wanted) -> Result<Self, KernelError> {
        let attached = Self::load_and_attach(wanted);
        give_memory_back();
        attached
    }

    fn load_and_attach(wanted: &Wanted) -> Result<Self, KernelError> {
        privilege::allow_memory();
        let mut types = Types::of_running_kernel()?;
        let (mut ebpf, mut object) = load(wanted, &types)?;
        let allowed = lifecycle::allowed(&mut ebpf, &types).map_err(KernelError::Lifecycle)?;
        if !allowed.may_copy && types.layout.is_set(MUST_COPY) {
            return Err(KernelError::LockedDown);
        }
        if types.layout.restrict(allowed) {
            // What is allowed is written into the programs.
            drop(ebpf);
            (ebpf, object) = load(wanted, &types)?;
        }
        kills::seed(&mut ebpf)?;
        let all_kills = Whole::new(&mut ebpf, &types.all)
            .inspect_err(|error| tracing::debug!("counters of calls are read one by one: {error}"))
            .ok();
        // Before the calls: whoever sees a call sees what comes of it.
        let lifecycle = lifecycle::attach(Loadable { ebpf: &mut ebpf, object: &object, types: &types })
            .map_err(KernelError::Lifecycle)?;
        let misses = |backend: &Backend| (backend.misses)(types.preemption);
        let (exact, others): (Vec<_>, Vec<_>) = wanted.backends.iter().partition(|backend| !misses(backend));
        let mut refused = Vec::new();
        // Counting right goes before costing little.
        for backend in exact.into_iter().chain(others) {
            match (backend.attach)(Loadable { ebpf: &mut ebpf, object: &object, types: &types }) {
                Ok(calls) => {
                    let (attached, keep_commands) = (Arc::new(AtomicBool::new(true)), wanted.keep_commands);
                    let may_miss_calls = misses(backend);
                    if !may_miss_calls {
                        let better = wanted.backends.iter().take_while(|other| other.name != backend.name);
                        let preempted = better.filter(|other| misses(other));
                        refused.extend(preempted.map(|other| (other.name, HookError::Preempted(other.name))));
                    }
                    return Ok(Self {
                        ebpf,
                        all_kills,
                        backend,
                        calls,
                        lifecycle,
                        allowed,
                        keep_commands,
                        attached,
                        may_miss_calls,
                        refused,
                    });
                }
                Err(error) => refused.push((backend.name, error)),
            }
        }
        Err(KernelError::NoBackend(refused))
    }

    /// Whether the kernel may preempt the back end, and then misses calls.
    #[must_use]
    pub fn may_miss_calls(&self) -> bool {
        self.may_miss_calls
    }

    /// The back end in use.
    #[must_use]
    pub fn backend(&self) -> &'static Backend {
        self.backend
    }

    /// Back ends that were tried before the one in use, and why each did not work.
    #[must_use]
    pub fn refused(&self) -> &[(&'static str, HookError)] {
        &self.refused
    }

    /// What this kernel lets be seen, and what it does not: one that is locked down lets no program copy its memory.
    #[must_use]
    pub fn features(&self) -> Vec<(Feature, bool)> {
        vec![
            (Feature::Calls, self.backend.sees_calls),
            (Feature::CompatCalls, self.backend.sees_compat),
            (Feature::Executables, self.allowed.may_read_user),
            (Feature::OomLimits, self.allowed.may_copy),
        ]
    }

    /// Takes out the counters, the reader of events, and the memory of what processes run; they go on working after the
    /// hooks are detached.
    ///
    /// # Errors
    /// If the object's maps are not what this program expects, or on a second call.
    pub fn take(&mut self) -> Result<(MapCounters, Reader, Images), KernelError> {
        let reader = Reader::new(&mut self.ebpf)?;
        let programs = self.calls.programs.drain(..).chain(self.lifecycle.programs.drain(..)).collect();
        let features = self.features();
        let counters = MapCounters::new(
            &mut self.ebpf,
            self.all_kills.take(),
            self.backend,
            features,
            programs,
            &self.attached,
            &reader,
        )?;
        let images = Images::new(&mut self.ebpf, self.keep_commands)?;
        Ok((counters, reader, images))
    }

    /// Detaches the hooks: from here on nothing is counted and no event is made.
    pub fn detach(self) {
        self.attached.store(false, std::sync::atomic::Ordering::Relaxed);
        drop((self.ebpf, self.calls, self.lifecycle));
    }
}

/// The most values that the counters of signals are spread over.
const MAX_SHARDS: u32 = 16;

/// Of deaths: a thousand at once, and more than the OOM killer ever chose in a second.
const URGENT_BYTES: u32 = 2 << 20;

/// The object as the library has read it, and as it was read.
fn load(wanted: &Wanted, types: &Types) -> Result<(Ebpf, Vec<u8>), KernelError> {
    let n_shards = aya::util::nr_cpus()
        .ok()
        .and_then(|n| u32::try_from(n).ok())
        .map_or(1, |n| n.min(MAX_SHARDS).next_power_of_two());
    let mut layout = types.layout.clone();
    layout.set(KEEP_COMMANDS, wanted.keep_commands.into());
    layout.set(COUNTS_ALONE, (wanted.filter.syscalls == 0).into());
    layout.set(SHARD_MASK, n_shards - 1);
    layout.set(KILL_COUNTS_LEN, kills::counts_len());
    let object = marks::write(OBJECT, &layout)
        .map_err(|error: MarkError| KernelError::Prepare(io::Error::other(error)))?;
    let loaded = EbpfLoader::new()
        // The object needs no relocation: where the kernel has what is written into it.
        .btf(None)
        .override_global("FILTER", &wanted.filter, true)
        .map_max_entries("EVENTS", ring_bytes(wanted))
        .map_max_entries("URGENT", URGENT_BYTES)
        .map_max_entries("SIGNALS", n_shards)
        .load(&object)
        .map_err(KernelError::Load)?;
    Ok((loaded, object))
}

/// Nothing needs room for events that nobody asks for.
fn ring_bytes(wanted: &Wanted) -> u32 {
    if wanted.filter.can_flood() {
        wanted.ring_bytes
    } else {
        u32::try_from(rustix::param::page_size()).unwrap_or(wanted.ring_bytes)
    }
}

/// The types of a kernel take 20 MiB while programs are loaded, in pieces so small that the allocator would keep them.
fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the function has no precondition.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// Takes a map out of the object, as the type the exporter reads it by.
fn take_map<T>(ebpf: &mut Ebpf, name: &'static str) -> Result<T, KernelError>
where
    T: TryFrom<aya::maps::Map, Error = MapError>,
{
    let map = ebpf.take_map(name).ok_or(MapError::InvalidName { name: name.to_owned() });
    map.and_then(T::try_from).map_err(|source| KernelError::Map { name, source })
}

impl fmt::Display for Refusals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (backend, error)) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}hook {backend}: {error}")?;
        }
        Ok(())
    }
}
