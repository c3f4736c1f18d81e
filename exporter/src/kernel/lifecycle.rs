//! The hooks that are the same on every kernel: signals as they are posted, and the lives of processes and cgroups. Each is
//! a raw tracepoint with types: it costs what it watches, and nothing else.

use std::thread;

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, Program},
};

use super::{
    hook::{Attached, HookError, hold, program},
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

/// Loads and attaches the programs.
///
/// # Errors
/// If one cannot be had.
pub(super) fn attach(ebpf: &mut Ebpf, types: &Types) -> Result<Attached, HookError> {
    // All are loaded first, which takes long, so that they are attached at almost the same time.
    load(ebpf, &types.all)?;
    let mut attached = Attached::default();
    for name in PROGRAMS {
        let program: &mut BtfTracePoint = program(ebpf, name)?;
        program.attach().map_err(|error| HookError::Load { program: name, said: error.into() })?;
        attached.programs.push((name, vec![hold(name, program.fd())?]));
    }
    Ok(attached)
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

/// Loads all at once: the verifier's work is most of the start, and each program is checked for itself.
fn load(ebpf: &mut Ebpf, btf: &Btf) -> Result<(), HookError> {
    let mut wanted: Vec<(&'static str, &mut BtfTracePoint)> = Vec::new();
    for (name, program) in ebpf.programs_mut() {
        if let Some(name) = PROGRAMS.into_iter().find(|wanted| *wanted == name)
            && let Program::BtfTracePoint(program) = program
        {
            wanted.push((name, program));
        }
    }
    thread::scope(|scope| {
        let loading: Vec<_> = wanted
            .into_iter()
            .map(|(name, program)| {
                let load = move || {
                    program
                        .load(name, btf)
                        .map_err(|error| HookError::Load { program: name, said: error.into() })
                };
                scope.spawn(load)
            })
            .collect();
        loading.into_iter().try_for_each(|load| {
            // A panic in there is one here.
            load.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}
