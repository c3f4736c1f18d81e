//! Hook back ends: ways to be told that a call which sends a signal has returned.
//!
//! What happens per call is the same in all of them; they differ in how they come by the caller's registers, in what
//! they cost everybody else, and in what they cannot see. To add one, add a program to the BPF crate, a function
//! here, and a row to [`BACKENDS`].

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, Program, ProgramError, TracePoint},
};
use killsnoop_common::kill::Syscall;
use thiserror::Error;

/// One way to hook the calls.
#[derive(Debug)]
pub struct Backend {
    /// Its name, as `--hook` and `killsnoop_hook_info` have it.
    pub name: &'static str,
    /// The BPF program behind it.
    pub program: &'static str,
    /// What it costs others, for people.
    pub tax: &'static str,
    /// Whether it sees the calls of 32-bit programs.
    pub sees_compat: bool,
    /// Loads and attaches the program.
    pub(super) attach: fn(&mut Ebpf, &Btf) -> Result<(), HookError>,
}

/// All back ends, the best first: counting right goes before costing little, and a kernel that refuses one is asked
/// for the next.
pub static BACKENDS: [Backend; 2] = [
    Backend {
        name: "tracepoint",
        program: "sys_exit_call",
        tax: "each system call of each process takes about 45 ns longer",
        sees_compat: false,
        attach: attach_tracepoints,
    },
    Backend {
        name: "raw",
        program: "sys_exit_any",
        tax: "each system call of each process takes about 95 ns longer",
        sees_compat: true,
        attach: attach_raw,
    },
];

/// Why a back end could not be used.
#[derive(Debug, Error)]
pub enum HookError {
    /// The object has no such program, or it is of another type.
    #[error("program {0} is missing from the BPF object")]
    Missing(&'static str),
    /// The verifier or a privilege check refused the program.
    #[error("the kernel refused program {program}: {source}")]
    Load {
        /// The program's name.
        program: &'static str,
        /// What the kernel said.
        source: ProgramError,
    },
    /// The program was loaded, but could not be attached to a tracepoint.
    #[error(
        "cannot attach to tracepoint syscalls/{tracepoint}: {source}; mount tracefs (mount -t tracefs tracefs \
         /sys/kernel/tracing) and run as root, or use --hook raw, which needs neither"
    )]
    AttachTracepoint {
        /// Its name.
        tracepoint: String,
        /// What the kernel said.
        source: ProgramError,
    },
    /// The program was loaded, but could not be attached to the exit of all calls.
    #[error("cannot attach to the exit of system calls: {source}")]
    AttachRaw {
        /// What the kernel said.
        source: ProgramError,
    },
}

/// One program at the exit tracepoint of each of the six calls.
fn attach_tracepoints(ebpf: &mut Ebpf, _: &Btf) -> Result<(), HookError> {
    let program: &mut TracePoint = program(ebpf, "sys_exit_call")?;
    program.load().map_err(|source| HookError::Load { program: "sys_exit_call", source })?;
    let mut links = Vec::new();
    for syscall in Syscall::ALL {
        let tracepoint = format!("sys_exit_{}", syscall.name());
        // The link lives in the program, which detaches when it is dropped.
        match program.attach("syscalls", &tracepoint) {
            Ok(link) => links.push(link),
            Err(source) => {
                // All or none: the next back end sees the same calls.
                for link in links {
                    // It goes with the program at the latest.
                    _ = program.detach(link);
                }
                return Err(HookError::AttachTracepoint { tracepoint, source });
            }
        }
    }
    Ok(())
}

/// One program at the exit of every system call.
fn attach_raw(ebpf: &mut Ebpf, btf: &Btf) -> Result<(), HookError> {
    let program: &mut BtfTracePoint = program(ebpf, "sys_exit_any")?;
    program.load("sys_exit", btf).map_err(|source| HookError::Load { program: "sys_exit_any", source })?;
    program.attach().map_err(|source| HookError::AttachRaw { source })?;
    Ok(())
}

pub(super) fn program<'a, T>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut T, HookError>
where
    &'a mut T: TryFrom<&'a mut Program>,
{
    ebpf.program_mut(name).and_then(|program| program.try_into().ok()).ok_or(HookError::Missing(name))
}
