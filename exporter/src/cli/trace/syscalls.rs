//! Lists of system calls, as they are typed.

use killsnoop_common::{filter::Filter, kill::Syscall};

/// Calls by their bits, as [`Filter::syscalls`] has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syscalls(pub(super) u32);

impl Syscalls {
    pub(super) const ALL: Self = Self(Filter::ALL.syscalls);

    pub(super) const fn of(syscall: Syscall) -> Self {
        Self(1 << syscall as u32)
    }
}

/// Reads a list of calls; `all` is all of them.
pub(super) fn syscalls(list: &str) -> Result<Syscalls, String> {
    if list == "all" {
        return Ok(Syscalls::ALL);
    }
    let bits = list.split(',').map(|name| syscall(name.trim()).map(|syscall| Syscalls::of(syscall).0));
    bits.reduce(|all, one| Ok(all? | one?)).unwrap_or(Ok(0)).map(Syscalls)
}

fn syscall(name: &str) -> Result<Syscall, String> {
    Syscall::ALL.into_iter().find(|syscall| syscall.name() == name).ok_or_else(|| {
        let names = Syscall::ALL.map(Syscall::name).join(", ");
        format!("{name:?} is no call that is traced; give one or more of {names}, or all")
    })
}
