//! The system call bpf(2), for what the library does not do.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
};

use aya_obj::generated::bpf_attr;
use nix::libc;

pub(super) use aya_obj::generated::{bpf_attach_type, bpf_cmd};

/// Makes the system call, in one of the kinds that give back a descriptor.
///
/// # Safety
/// The addresses in `attr` must be those of what lives until it returns, and as long as `attr` says.
pub(super) unsafe fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<OwnedFd> {
    // SAFETY: the caller's.
    let descriptor =
        unsafe { libc::syscall(libc::SYS_bpf, command as u32, &raw mut *attr, size_of::<bpf_attr>()) };
    match RawFd::try_from(descriptor) {
        // SAFETY: the kernel has just made it.
        Ok(descriptor @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Attributes that ask for nothing.
pub(super) fn nothing() -> bpf_attr {
    // SAFETY: it is made of numbers.
    unsafe { std::mem::zeroed() }
}

/// An address, as attributes have it.
pub(super) fn address<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}

/// A number of things, as attributes have it; more than fit are refused by the kernel.
pub(super) fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A descriptor, as attributes have it.
pub(super) fn number(descriptor: BorrowedFd<'_>) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}
