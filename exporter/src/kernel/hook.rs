//! Hook back ends: ways to be told that a call which sends a signal has returned.
//!
//! What happens per call is the same in all of them; they differ in how they come by the caller's registers, in what
//! they cost everybody else, and in what they cannot see. To add one, add a program to the BPF crate, a function
//! here, and a row to [`BACKENDS`].

use std::{
    fmt, io,
    os::fd::{AsFd as _, OwnedFd},
};

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, FExit, Program, ProgramError, TracePoint, fexit::FExitLink},
};
use killsnoop_common::kill::Syscall;
use thiserror::Error;

use super::{
    ftrace,
    preemption::Preemption,
    probes::{self, At, Probes},
    types::Types,
};

/// One way to hook the calls.
#[derive(Debug)]
pub struct Backend {
    /// Its name, as `--hook` and `killsnoop_hook_info` have it.
    pub name: &'static str,
    /// What it costs others, for people.
    pub tax: &'static str,
    /// Whether it sees the calls of 32-bit programs.
    pub sees_compat: bool,
    /// Whether it misses calls on a kernel that preempts programs so.
    pub misses: fn(Preemption) -> bool,
    /// Whether it sees any call.
    pub sees_calls: bool,
    /// Loads and attaches the programs.
    pub(super) attach: fn(Loadable<'_>) -> Result<Attached, HookError>,
}

/// What a back end is loaded from.
pub(super) struct Loadable<'a> {
    /// The object as the library has read it.
    pub(super) ebpf: &'a mut Ebpf,
    /// The object itself.
    pub(super) object: &'a [u8],
    /// What the kernel says of its types.
    pub(super) types: &'a Types,
}

/// All back ends, the best first: counting right goes before costing little, and a kernel that refuses one is asked
/// for the next. The last of them is for those who ask for it.
pub static BACKENDS: [Backend; 5] = [
    Backend {
        name: "fexit",
        tax: "no other system call takes longer",
        sees_compat: true,
        misses: |preemption| preemption.functions,
        sees_calls: true,
        attach: attach_functions,
    },
    Backend {
        name: "kretprobe",
        tax: "no other system call takes longer",
        sees_compat: true,
        misses: |preemption| preemption.probes,
        sees_calls: true,
        attach: attach_probes,
    },
    Backend {
        name: "tracepoint",
        tax: "each system call of each process takes about 45 ns longer",
        sees_compat: false,
        misses: |preemption| preemption.perf_tracepoints,
        sees_calls: true,
        attach: attach_tracepoints,
    },
    Backend {
        name: "raw",
        tax: "each system call of each process takes about 95 ns longer",
        sees_compat: true,
        misses: |preemption| preemption.tracepoints,
        sees_calls: true,
        attach: attach_raw,
    },
    Backend {
        name: "none",
        tax: "no system call takes longer",
        sees_compat: false,
        misses: |_| false,
        sees_calls: false,
        attach: |_| Ok(Attached::default()),
    },
];

/// Programs that are attached.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// The programs.
    pub(super) programs: Vec<Hooked>,
    /// What holds programs attached that their object does not hold.
    pub(super) links: Vec<FExitLink>,
    /// The same of probes.
    pub(super) probes: Vec<OwnedFd>,
}

/// A program that is attached.
#[derive(Debug)]
pub(super) struct Hooked {
    /// Its name.
    pub(super) name: &'static str,
    /// The kernel's copies of it.
    pub(super) copies: Vec<OwnedFd>,
    /// Whether it is at a function of the kernel, which can be switched off, and not at a tracepoint.
    pub(super) at_function: bool,
}

/// Why a back end could not be used.
#[derive(Debug, Error)]
pub enum HookError {
    /// The object has no such program, or it is of another type.
    #[error("program {0} is missing from the BPF object")]
    Missing(String),
    /// The verifier or a privilege check refused the program.
    #[error("the kernel refused program {program}: {said}")]
    Load {
        /// The program's name.
        program: &'static str,
        /// What the kernel said.
        said: Said,
    },
    /// It would not count all calls.
    #[error(
        "this kernel may preempt its programs, and misses the calls of others meanwhile; --hook {0} takes it all the same"
    )]
    Preempted(&'static str),
    /// It would be attached, and not run.
    #[error(
        "kernel.ftrace_enabled is 0, and so the kernel runs no programs at its functions; set it to 1 (sysctl), and start again"
    )]
    SwitchedOff,
    /// The kernel does not name the function of a call.
    #[error("this kernel names no function for {0}")]
    NoFunction(&'static str),
    /// The program was refused for a function of the kernel.
    #[error("the kernel lets no program be attached to its function {function}: {said}")]
    AttachFunction {
        /// Its name.
        function: String,
        /// What the kernel said.
        said: Said,
    },
    /// The object could not be read a second time.
    #[error("cannot read the BPF object: {0}")]
    Object(io::Error),
    /// The program was loaded, but could not be attached to these functions of the kernel.
    #[error("the kernel lets no probe be attached to its function {function} or one of the others: {said}")]
    AttachProbe {
        /// The first of their names.
        function: String,
        /// What the kernel said.
        said: Said,
    },
    /// The program was loaded, but could not be attached to a tracepoint.
    #[error(
        "cannot attach to tracepoint syscalls/{tracepoint}: {said}; mend that, or use --hook raw, which needs neither \
         tracefs nor root"
    )]
    AttachTracepoint {
        /// Its name.
        tracepoint: String,
        /// What the kernel said.
        said: Said,
    },
    /// The program was loaded, but could not be attached to the exit of all calls.
    #[error("cannot attach to the exit of system calls: {said}")]
    AttachRaw {
        /// What the kernel said.
        said: Said,
    },
    /// A program that is loaded has no descriptor.
    #[error("cannot hold program {program}: {said}")]
    Hold {
        /// The program's name.
        program: &'static str,
        /// What was wrong.
        said: Said,
    },
}

/// What the kernel said of a program, once.
#[derive(Debug)]
pub struct Said(ProgramError);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ProgramError::LoadError { io_error, verifier_log } => match verifier_log.to_string().trim() {
                "" => write!(f, "{io_error}"),
                log => write!(f, "{io_error}; the verifier says: {log}"),
            },
            ProgramError::SyscallError(error) => write!(f, "{}: {}", error.call, error.io_error),
            error => write!(f, "{error}"),
        }
    }
}

impl From<ProgramError> for Said {
    fn from(error: ProgramError) -> Self {
        Self(error)
    }
}

/// One program at the end of each of the kernel's functions for the calls.
fn attach_functions(Loadable { ebpf, types, .. }: Loadable<'_>) -> Result<Attached, HookError> {
    has_functions(types)?;
    let mut attached = Attached::default();
    for (name, kind, functions) in [
        ("native_call", "native", &types.native_functions),
        ("compat_call", "compat", &types.compat_functions),
    ] {
        let mut copies = Vec::new();
        for (syscall, function) in functions {
            let program: &mut FExit = program(ebpf, &format!("{kind}_{}", syscall.name()))?;
            let (copy, link) = attach_function(program, name, function, &types.all)?;
            copies.push(copy);
            attached.links.push(link);
        }
        attached.programs.push(Hooked { name, copies, at_function: true });
    }
    Ok(attached)
}

/// All or none: the next back end sees the same calls.
fn has_functions(types: &Types) -> Result<(), HookError> {
    if !ftrace::is_on() {
        return Err(HookError::SwitchedOff);
    }
    for syscall in Syscall::ALL {
        if types.native_functions.iter().all(|(other, _)| *other != syscall) {
            return Err(HookError::NoFunction(syscall.name()));
        }
    }
    Ok(())
}

/// One program at the return of all the kernel's functions for the calls.
fn attach_probes(Loadable { ebpf, object, types }: Loadable<'_>) -> Result<Attached, HookError> {
    has_functions(types)?;
    let probes = Probes::new(object, ebpf).map_err(HookError::Object)?;
    let name = "function_returned";
    let program = probes.load(name)?;
    let functions = types.native_functions.iter().chain(&types.compat_functions);
    let functions: Vec<_> = functions.map(|(_, function)| function.clone()).collect();
    let link = attach_probe(&program, &functions, At::Return)?;
    let programs = vec![Hooked { name, copies: vec![program], at_function: true }];
    Ok(Attached { programs, probes: vec![link], ..Attached::default() })
}

/// A program at functions of the kernel.
pub(super) fn attach_probe(program: &OwnedFd, functions: &[String], at: At) -> Result<OwnedFd, HookError> {
    probes::attach(program.as_fd(), functions, at).map_err(|error| HookError::AttachProbe {
        function: functions.first().cloned().unwrap_or_default(),
        said: error.into(),
    })
}

/// A program is loaded for one function, and for the next it is loaded again.
fn attach_function(
    program: &mut FExit,
    name: &'static str,
    function: &str,
    btf: &Btf,
) -> Result<(OwnedFd, FExitLink), HookError> {
    let refused =
        |error: ProgramError| HookError::AttachFunction { function: function.to_owned(), said: error.into() };
    program.load(function, btf).map_err(refused)?;
    let attached = program.attach().and_then(|link| program.take_link(link)).map_err(refused);
    let copy = hold(name, program.fd());
    // What was attached stays so by its link, whatever comes of this.
    _ = program.unload();
    Ok((copy?, attached?))
}

/// One program at the exit tracepoint of each of the six calls.
fn attach_tracepoints(Loadable { ebpf, .. }: Loadable<'_>) -> Result<Attached, HookError> {
    let name = "sys_exit_call";
    let program: &mut TracePoint = program(ebpf, name)?;
    program.load().map_err(|error| HookError::Load { program: name, said: error.into() })?;
    let mut links = Vec::new();
    for syscall in Syscall::ALL {
        let tracepoint = format!("sys_exit_{}", syscall.name());
        // The link lives in the program, which detaches when it is dropped.
        match program.attach("syscalls", &tracepoint) {
            Ok(link) => links.push(link),
            Err(error) => {
                // All or none, as above.
                for link in links {
                    // It goes with the program at the latest.
                    _ = program.detach(link);
                }
                return Err(HookError::AttachTracepoint { tracepoint, said: error.into() });
            }
        }
    }
    let programs = vec![Hooked { name, copies: vec![hold(name, program.fd())?], at_function: false }];
    Ok(Attached { programs, ..Attached::default() })
}

/// One program at the exit of every system call.
fn attach_raw(Loadable { ebpf, types, .. }: Loadable<'_>) -> Result<Attached, HookError> {
    let name = "sys_exit_any";
    let program: &mut BtfTracePoint = program(ebpf, name)?;
    program
        .load("sys_exit", &types.all)
        .map_err(|error| HookError::Load { program: name, said: error.into() })?;
    program.attach().map_err(|error| HookError::AttachRaw { said: error.into() })?;
    let programs = vec![Hooked { name, copies: vec![hold(name, program.fd())?], at_function: false }];
    Ok(Attached { programs, ..Attached::default() })
}

pub(super) fn program<'a, T>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut T, HookError>
where
    &'a mut T: TryFrom<&'a mut Program>,
{
    ebpf.program_mut(name)
        .and_then(|program| program.try_into().ok())
        .ok_or_else(|| HookError::Missing(name.to_owned()))
}

/// A descriptor of a program of one's own.
pub(super) fn hold(
    program: &'static str,
    fd: Result<&aya::programs::ProgramFd, ProgramError>,
) -> Result<OwnedFd, HookError> {
    let copy = fd.and_then(|fd| fd.as_fd().try_clone_to_owned().map_err(ProgramError::IOError));
    copy.map_err(|error| HookError::Hold { program, said: error.into() })
}
