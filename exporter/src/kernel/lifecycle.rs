//! The hooks that are there whatever sees the calls: signals as they are posted, and the lives of processes and cgroups. Each
//! is a raw tracepoint with types, or a probe where those can be preempted: it costs what it watches, and nothing else.

use std::{os::fd::OwnedFd, thread};

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, Program},
};

use super::{
    ftrace,
    hook::{Attached, HookError, Hooked, Loadable, attach_probe, hold, program},
    preemption::Preemption,
    probes::{At, Probes},
    types::Types,
};

/// Each program, which has the name of its tracepoint, in the order in which they are attached: what a death is joined with
/// comes before it.
const PROGRAMS: [&str; 6] = [
    "cgroup_mkdir",
    "sched_process_exec",
    "sched_process_fork",
    "signal_generate",
    "mark_victim",
    "sched_process_exit",
];

/// Those of them that a kernel may preempt, and the programs that take their places: each has the name of the function of the
/// kernel that it is attached to. The others run where a lock is held that keeps a second one out.
const PROBES: [(&str, &str); 3] = [
    ("sched_process_exec", "finalize_exec"),
    ("sched_process_fork", "wake_up_new_task"),
    ("sched_process_exit", "taskstats_exit"),
];

/// Loads and attaches the programs.
///
/// # Errors
/// If one cannot be had.
pub(super) fn attach(loadable: Loadable<'_>) -> Result<Attached, HookError> {
    let Loadable { ebpf, object, types } = loadable;
    let Preemption { functions: is_possible, probes: misses, tracepoints: is_needed, .. } = types.preemption;
    let probed = if is_possible && !misses { probed(ebpf, object) } else { Ok(Vec::new()) };
    let mut probed = probed.unwrap_or_else(|error| {
        if is_needed {
            tracing::warn!(
                "this kernel may preempt the hooks of processes, and misses deaths meanwhile: {error}"
            );
        }
        Vec::new()
    });
    // All are loaded first, which takes long, so that they are attached at almost the same time.
    load(ebpf, &types.all, |name| probed.iter().all(|(instead_of, ..)| *instead_of != name))?;
    let mut attached = Attached::default();
    for name in PROGRAMS {
        if let Some(n) = probed.iter().position(|(instead_of, ..)| *instead_of == name) {
            let (_, name, program) = probed.swap_remove(n);
            attached.probes.push(attach_probe(&program, &[name.to_owned()], At::Entry)?);
            attached.programs.push(Hooked { name, copies: vec![program], at_function: true });
            continue;
        }
        let program: &mut BtfTracePoint = program(ebpf, name)?;
        program.attach().map_err(|error| HookError::Load { program: name, said: error.into() })?;
        let copies = vec![hold(name, program.fd())?];
        attached.programs.push(Hooked { name, copies, at_function: false });
    }
    Ok(attached)
}

/// A program in place of one at a tracepoint, with the names of both.
type Probed = (&'static str, &'static str, OwnedFd);

/// All or none.
fn probed(ebpf: &Ebpf, object: &[u8]) -> Result<Vec<Probed>, HookError> {
    if !ftrace::is_on() {
        return Err(HookError::SwitchedOff);
    }
    let probes = Probes::new(object, ebpf).map_err(HookError::Object)?;
    at_once(PROBES.map(|(instead_of, name)| {
        let probes = &probes;
        move || {
            let program = probes.load(name)?;
            // Whether the kernel has such a function that takes a probe is found by trying.
            drop(attach_probe(&program, &[name.to_owned()], At::Entry)?);
            Ok((instead_of, name, program))
        }
    }))
}

/// What the kernel allows programs to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// To copy the kernel's memory. One that is locked down does not.
    pub(super) may_copy: bool,
    /// To read the memory of a process.
    pub(super) may_read_user: bool,
    /// To follow what `signal_generate` says of the signal.
    pub(super) siginfo_has_type: bool,
}

/// Asks the kernel.
///
/// # Errors
/// If the object has no such programs.
pub(super) fn allowed(ebpf: &mut Ebpf, types: &Types) -> Result<Allowed, HookError> {
    let mut takes = |name, tracepoint| -> Result<bool, HookError> {
        let program: &mut BtfTracePoint = program(ebpf, name)?;
        let loaded = program.load(tracepoint, &types.all);
        if let Err(error) = &loaded {
            tracing::debug!("this kernel does not take program {name}: {error}");
        }
        // It was only a question.
        _ = program.unload();
        Ok(loaded.is_ok())
    };
    Ok(Allowed {
        may_copy: takes("may_copy", "sched_process_exit")?,
        may_read_user: takes("may_read_user", "sched_process_exit")?,
        siginfo_has_type: takes("siginfo_has_type", "signal_generate")?,
    })
}

/// Loads those that are wanted.
fn load(ebpf: &mut Ebpf, btf: &Btf, is_wanted: impl Fn(&str) -> bool) -> Result<(), HookError> {
    let programs = ebpf.programs_mut().filter_map(|(name, program)| {
        let name = PROGRAMS.into_iter().find(|wanted| *wanted == name && is_wanted(name))?;
        let Program::BtfTracePoint(program) = program else { return None };
        Some(move || {
            let loaded = program.load(name, btf);
            loaded.map_err(|error| HookError::Load { program: name, said: error.into() })
        })
    });
    at_once(programs).map(|_: Vec<()>| ())
}

/// Does all at once: the verifier's work is most of the start, and each program is checked for itself.
fn at_once<T: Send, F>(work: impl IntoIterator<Item = F>) -> Result<Vec<T>, HookError>
where
    F: FnOnce() -> Result<T, HookError> + Send,
{
    thread::scope(|scope| {
        let working: Vec<_> = work.into_iter().map(|work| scope.spawn(work)).collect();
        // A panic in there is one here.
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        working.into_iter().map(join).collect()
    })
}
