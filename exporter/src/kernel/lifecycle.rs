//! The hooks that are the same on every kernel: signals as they are posted, and the lives of processes and cgroups. Each is
//! a raw tracepoint with types: it costs what it watches, and nothing else.

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, ProgramError},
};

use super::hook::{HookError, program};

/// Each program, and the tracepoint that it is for, in the order in which they are attached: what a death is joined with
/// comes before it. Of programs for one tracepoint the first that loads is taken.
pub(super) const PROGRAMS: [(&str, &str); 7] = [
    ("cgroup_mkdir", "cgroup_mkdir"),
    ("sched_process_exec", "sched_process_exec"),
    ("sched_process_fork", "sched_process_fork"),
    ("signal_generate", "signal_generate"),
    ("signal_generate_locked", "signal_generate"),
    ("mark_victim", "mark_victim"),
    ("sched_process_exit", "sched_process_exit"),
];

/// Loads and attaches the programs; returns the names of those in use.
///
/// # Errors
/// If one cannot be had, and none stands in for it.
pub(super) fn attach(ebpf: &mut Ebpf, btf: &Btf) -> Result<Vec<&'static str>, HookError> {
    // All are loaded first, which takes long, so that they are attached at almost the same time.
    let loaded = load(ebpf, btf)?;
    for name in &loaded {
        let program: &mut BtfTracePoint = program(ebpf, name)?;
        program.attach().map_err(|source| refused(name, source))?;
    }
    Ok(loaded)
}

fn load(ebpf: &mut Ebpf, btf: &Btf) -> Result<Vec<&'static str>, HookError> {
    let mut loaded: Vec<(&str, &str)> = Vec::new();
    for (n, (name, tracepoint)) in PROGRAMS.into_iter().enumerate() {
        if loaded.iter().any(|(_, other)| *other == tracepoint) {
            continue;
        }
        let program: &mut BtfTracePoint = program(ebpf, name)?;
        match program.load(tracepoint, btf) {
            Ok(()) => loaded.push((name, tracepoint)),
            Err(source) if PROGRAMS[n + 1..].iter().any(|(_, other)| *other == tracepoint) => {
                tracing::info!("program {name} does not work here, another takes its place: {source}");
            }
            Err(source) => return Err(refused(name, source)),
        }
    }
    Ok(loaded.into_iter().map(|(name, _)| name).collect())
}

fn refused(program: &'static str, source: ProgramError) -> HookError {
    HookError::Load { program, source }
}
