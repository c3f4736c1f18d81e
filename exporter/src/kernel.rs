//! The kernel side: loads the BPF program, attaches it, and hands out its counters and its events.
//!
//! What it needs of the machine is found by trying, never by a kernel's version: [`Kernel::attach`] takes the first hook
//! back end that loads and attaches. Everything detaches when the [`Kernel`] is dropped.

use std::{
    fmt, io,
    sync::{Arc, atomic::AtomicBool},
};

use aya::{Ebpf, EbpfLoader, maps::MapError};
use killsnoop_common::filter::Filter;
use thiserror::Error;

pub use self::{
    counters::MapCounters,
    events::{Notice, Reader, Stop},
    hook::{BACKENDS, Backend, HookError},
};

mod btf;
mod counters;
mod events;
mod hook;
mod machine;
pub mod privilege;

/// The compiled BPF program; exporter-ebpf/build makes it.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../exporter-ebpf/killsnoop.bpf.o");

/// What is wanted of the kernel side.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Back ends to try, in this order.
    pub backends: &'static [Backend],
    /// Which events are wanted; counters are never filtered.
    pub filter: Filter,
    /// Size of the ring buffer, in bytes: a power of two, and whole pages.
    pub ring_bytes: u32,
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
    /// None of the back ends could be loaded and attached.
    #[error("cannot watch the calls that send signals: {}", Refusals(.0))]
    NoBackend(Vec<(&'static str, HookError)>),
    /// The ring buffer could not be watched.
    #[error("cannot wait for the ring buffer")]
    Wait(#[source] io::Error),
}

/// The refusals of all back ends, one after the other.
struct Refusals<'a>(&'a [(&'static str, HookError)]);

/// The loaded and attached BPF program.
pub struct Kernel {
    ebpf: Ebpf,
    backend: &'static Backend,
    attached: Arc<AtomicBool>,
    refused: Vec<(&'static str, HookError)>,
}

impl Kernel {
    /// Loads the program, prepares its maps, and attaches it by the first back end that works.
    ///
    /// # Errors
    /// See [`KernelError`].
    pub fn attach(wanted: &Wanted) -> Result<Self, KernelError> {
        let mut refused = Vec::new();
        for backend in wanted.backends {
            // A program that was loaded for one back end is never attached for another: each starts afresh.
            let mut ebpf = load(wanted, backend)?;
            counters::seed(&mut ebpf)?;
            match (backend.attach)(&mut ebpf) {
                Ok(()) => {
                    let attached = Arc::new(AtomicBool::new(true));
                    return Ok(Self { ebpf, backend, attached, refused });
                }
                Err(error) => refused.push((backend.name, error)),
            }
        }
        Err(KernelError::NoBackend(refused))
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

    /// Takes out the counters and the reader of events; they go on working after the hooks are detached.
    ///
    /// # Errors
    /// If the object's maps are not what this program expects, or on a second call.
    pub fn take(&mut self) -> Result<(MapCounters, Reader), KernelError> {
        let reader = Reader::new(&mut self.ebpf)?;
        let counters = MapCounters::new(&mut self.ebpf, self.backend, &self.attached, &reader)?;
        Ok((counters, reader))
    }

    /// Detaches the hooks: from here on nothing is counted and no event is made.
    pub fn detach(self) {
        self.attached.store(false, std::sync::atomic::Ordering::Relaxed);
        drop(self.ebpf);
    }
}

fn load(wanted: &Wanted, backend: &Backend) -> Result<Ebpf, KernelError> {
    let machine = (backend.machine)().unwrap_or_else(|error| {
        tracing::warn!("32-bit calls cannot be told from native ones: {error}");
        machine::machine()
    });
    EbpfLoader::new()
        // The object needs no relocation, and the kernel's types are large: what needs them reads them itself.
        .btf(None)
        .override_global("FILTER", &wanted.filter, true)
        .override_global("MACHINE", &machine, true)
        .map_max_entries("EVENTS", wanted.ring_bytes)
        .load(OBJECT)
        .map_err(KernelError::Load)
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
