//! Signals that a process brings on itself: by a fault, by writing where nobody reads, by abort(3).

#[cfg(target_arch = "x86_64")]
use std::arch::asm;
use std::{
    env, io,
    os::{fd::AsFd, unix::net::UnixStream},
    process, ptr,
};

use nix::{
    libc,
    unistd::{pipe, write},
};

use crate::{
    system,
    troupe::{Troupe, curtain},
};

/// The victim does what the processor or the kernel does not let it do.
pub(crate) fn fault(troupe: &mut Troupe, fault: &str) {
    let victim = troupe.cast("victim", |part| {
        part.wait();
        match fault {
            "unmapped" => read_from(8),
            "unmapped_ignored" => {
                system::ignore(libc::SIGSEGV);
                read_from(8);
            }
            "beyond_file" => read_from(beyond_a_file()),
            _ => instruction(fault),
        }
    });
    curtain();
    victim.cue();
}

#[cfg(target_arch = "x86_64")]
fn instruction(fault: &str) {
    match fault {
        // No address at all: the processor does not even look for a page.
        "not_canonical" => read_from(1 << 63),
        "illegal" | "division" | "breakpoint" => refused(fault),
        _ => panic!("there is no fault {fault}"),
    }
}

#[cfg(target_arch = "x86_64")]
fn refused(instruction: &str) {
    // SAFETY: the process ends here.
    unsafe {
        match instruction {
            "illegal" => asm!("ud2"),
            "division" => asm!("idiv ecx", in("ecx") 0, inout("eax") 1 => _, inout("edx") 0 => _),
            _ => asm!("int3"),
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction(fault: &str) {
    panic!("{fault}: not written for this processor");
}

fn read_from(address: usize) {
    // SAFETY: none. The process ends here, which is what is wanted.
    unsafe { ptr::with_exposed_provenance::<u8>(address).read_volatile() };
}

/// An address where a file is mapped that has no such byte.
fn beyond_a_file() -> usize {
    // SAFETY: the name ends in NUL; the mapping is new, and at a place of the kernel's choice.
    unsafe {
        let file = libc::memfd_create(c"empty".as_ptr(), 0);
        let map = libc::mmap(ptr::null_mut(), 4096, libc::PROT_READ, libc::MAP_SHARED, file, 0);
        assert_ne!(map, libc::MAP_FAILED, "{}", io::Error::last_os_error());
        map.expose_provenance()
    }
}

/// The victim writes to a pipe or a socket whose other end is closed.
pub(crate) fn pipe_without_reader(troupe: &mut Troupe, kind: &str) {
    let victim = troupe.cast("victim", |part| {
        part.wait();
        if kind == "socket" {
            let (end, other) = UnixStream::pair().expect("there are descriptors");
            drop(other);
            write_to(&end);
        } else {
            let (other, end) = pipe().expect("there are descriptors");
            drop(other);
            write_to(&end);
        }
    });
    curtain();
    victim.cue();
}

fn write_to(end: impl AsFd) {
    let result = write(end, b"!");
    panic!("a write without a reader returned {result:?}");
}

/// The victim calls abort(3): with a core file in the folder, if the system makes such files, or without.
pub(crate) fn abort(troupe: &mut Troupe, core: &str, folder: &str) {
    let victim = troupe.cast("victim", |part| {
        env::set_current_dir(folder).expect("there is such a folder");
        if core == "core" {
            system::limit(libc::RLIMIT_CORE, u64::MAX, None);
        }
        part.wait();
        process::abort();
    });
    curtain();
    victim.cue();
}
