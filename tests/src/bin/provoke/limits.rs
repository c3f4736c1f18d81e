//! Processes that go over a limit of setrlimit(2).

use std::{
    fs::File,
    io,
    os::fd::{FromRawFd as _, OwnedFd},
};

use nix::{libc, unistd::write};

use crate::{
    system,
    troupe::{Troupe, curtain},
};

/// The victim goes over the limit: `cpu` is the soft one of processor time, `cpu_hard` the hard one, `fsize` that of the
/// size of a file.
pub(crate) fn rlimit(troupe: &mut Troupe, limit: &str) {
    let victim = troupe.cast("victim", |part| {
        part.wait();
        match limit {
            "cpu" => {
                system::limit(libc::RLIMIT_CPU, 1, Some(10));
                system::burn();
            }
            "cpu_hard" => {
                system::limit(libc::RLIMIT_CPU, 1, Some(1));
                system::burn();
            }
            "fsize" => write_too_much(),
            _ => panic!("there is no limit {limit}"),
        }
    });
    curtain();
    victim.cue();
}

fn write_too_much() {
    // SAFETY: the name ends in NUL; the descriptor is new, and nobody else's.
    let file = unsafe { libc::memfd_create(c"large".as_ptr(), 0) };
    assert_ne!(file, -1, "{}", io::Error::last_os_error());
    // SAFETY: as above.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(file) });
    system::limit(libc::RLIMIT_FSIZE, 4096, None);
    let results = [(); 2].map(|()| write(&file, &[0; 4096]));
    panic!("writes over the limit returned {results:?}");
}
