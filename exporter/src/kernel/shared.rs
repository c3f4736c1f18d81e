//! Memory that the BPF programs share with this process: maps of counters, mapped with mmap(2).
//!
//! To look into it takes no system call. Those that read a map mark the CPU, and a kernel that preempts one runs no probe on
//! that CPU until it goes on: they would cost others' calls their count.

use std::{
    io,
    num::NonZero,
    ops::Deref,
    ptr::{self, NonNull},
    slice,
    sync::atomic::AtomicU64,
};

use aya::{
    Ebpf,
    maps::{Map, MapData, MapError},
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::KernelError;

/// The values of an array map, one after the other, as numbers; the kernel's programs add to them at any time.
#[derive(Debug)]
pub(super) struct Shared {
    memory: NonNull<AtomicU64>,
    length: usize,
}

// SAFETY: it is memory of atomic numbers, which any thread may use, and is unmapped once.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// Takes out a map whose values are whole numbers of 8 bytes, to be read.
    ///
    /// # Errors
    /// If there is no such map, or the kernel does not map it.
    pub(super) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, KernelError> {
        Self::take_with(ebpf, name, ProtFlags::READ)
    }

    /// Takes it out to be written, too.
    ///
    /// # Errors
    /// As above.
    pub(super) fn take_to_write(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, KernelError> {
        Self::take_with(ebpf, name, ProtFlags::READ | ProtFlags::WRITE)
    }

    fn take_with(ebpf: &mut Ebpf, name: &'static str, access: ProtFlags) -> Result<Self, KernelError> {
        let map = match ebpf.take_map(name) {
            Some(Map::Array(map)) => Ok(map),
            _ => Err(MapError::InvalidName { name: name.to_owned() }),
        };
        map.and_then(|map| Self::new(&map, access)).map_err(|source| KernelError::Map { name, source })
    }

    fn new(map: &MapData, access: ProtFlags) -> Result<Self, MapError> {
        let info = map.info()?;
        let bytes = NonZero::new(info.value_size() as usize * info.max_entries() as usize);
        let bytes = bytes.ok_or_else(|| MapError::IoError(io::ErrorKind::InvalidData.into()))?.get();
        // SAFETY: it is new memory, at a place that the kernel chooses. It stays when the map is closed.
        let memory = unsafe { mmap(ptr::null_mut(), bytes, access, MapFlags::SHARED, map.fd(), 0) }
            .map_err(|errno| MapError::IoError(errno.into()))?;
        let memory =
            NonNull::new(memory.cast()).ok_or_else(|| MapError::IoError(io::Error::last_os_error()))?;
        Ok(Self { memory, length: bytes / size_of::<AtomicU64>() })
    }
}

impl Deref for Shared {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: it is mapped as long as this lives, a page begins at a multiple of 8, and others write to it by atomic
        // instructions or whole words.
        unsafe { slice::from_raw_parts(self.memory.as_ptr(), self.length) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: nobody has a reference into it any more. It fails only for a place that is not of a page.
        _ = unsafe { munmap(self.memory.as_ptr().cast(), self.length * size_of::<AtomicU64>()) };
    }
}
