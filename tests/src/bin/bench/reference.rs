//! Programs in C that do the least that a hook can do: what those of the exporter are held against.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use aya::{
    Btf, Ebpf,
    maps::RingBuf,
    programs::{BtfTracePoint, FExit, Program, TracePoint},
};
use killsnoop_tests::root;

/// Said once a program is attached.
pub(crate) const WATCHES: &str = "reference watches";
/// What is done at each hook, least first.
pub(crate) const WORK: [&str; 3] = ["empty", "count", "full"];

/// Compiles them.
///
/// # Errors
/// With what the compiler says.
pub(crate) fn build() -> Result<PathBuf, String> {
    let object = root().join("target/bench/reference.bpf.o");
    fs::create_dir_all(object.parent().expect("a file lies in a folder")).expect("a folder can be made");
    let mut clang = Command::new("clang");
    clang.args(["-O2", "-g", "-target", "bpf", "-mcpu=v3"]);
    // There the C library's headers for this machine are, which those of the kernel include.
    clang.arg(format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH));
    clang.arg("-c").arg(root().join("tests/bench/reference.bpf.c")).arg("-o").arg(&object);
    let output = clang.output().map_err(|error| format!("clang: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(object) } else { Err(said.lines().take(1).collect()) }
}

/// Attaches one, and reads its records until it is ended.
pub(crate) fn hold(object: &Path, program: &str) {
    let mut ebpf = Ebpf::load_file(object).unwrap_or_else(|error| fail(&error));
    attach(&mut ebpf, program).unwrap_or_else(|error| fail(&*error));
    let events = ebpf.take_map("events").expect("the object has it");
    let mut events = RingBuf::try_from(events).unwrap_or_else(|error| fail(&error));
    eprintln!("{WATCHES}");
    loop {
        while events.next().is_some() {}
        thread::sleep(Duration::from_millis(10));
    }
}

fn attach(ebpf: &mut Ebpf, name: &str) -> Result<(), Box<dyn std::error::Error>> {
    let btf = Btf::from_sys_fs()?;
    match ebpf.program_mut(name).ok_or("no such program")? {
        Program::FExit(program) => load_fexit(program, &btf)?,
        Program::BtfTracePoint(program) => load_raw(program, &btf)?,
        Program::TracePoint(program) => load_tracepoint(program)?,
        _ => return Err("no such kind of program".into()),
    }
    Ok(())
}

fn load_fexit(program: &mut FExit, btf: &Btf) -> Result<(), Box<dyn std::error::Error>> {
    program.load("__x64_sys_kill", btf)?;
    program.attach()?;
    Ok(())
}

fn load_raw(program: &mut BtfTracePoint, btf: &Btf) -> Result<(), Box<dyn std::error::Error>> {
    program.load("sys_exit", btf)?;
    program.attach()?;
    Ok(())
}

fn load_tracepoint(program: &mut TracePoint) -> Result<(), Box<dyn std::error::Error>> {
    program.load()?;
    program.attach("syscalls", "sys_exit_kill")?;
    Ok(())
}

/// With all that led to it, on one line.
fn fail(error: &(dyn std::error::Error + 'static)) -> ! {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let text: Vec<_> =
        causes.map(|cause| cause.to_string().lines().next().unwrap_or_default().to_owned()).collect();
    eprintln!("error: {}", text.join(": "));
    std::process::exit(1)
}
