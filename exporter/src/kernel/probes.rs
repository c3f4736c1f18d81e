//! Programs at functions of the kernel, one for many of them (`kprobe.multi`, since Linux 5.18), which the library knows
//! nothing of: it reads the object, and this loads and attaches.
//!
//! The kernel is not preempted while such a program runs, so that it runs for whoever comes to the function.

use std::{
    collections::HashSet,
    ffi::CString,
    io,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd},
};

use aya::{Ebpf, maps::Map, programs::ProgramError, sys::SyscallError};
use aya_obj::{
    Object, VerifierLog,
    generated::{BPF_F_KPROBE_MULTI_RETURN, bpf_insn, bpf_prog_type::BPF_PROG_TYPE_KPROBE},
};
use nix::libc;

use super::{
    bpf::{address, bpf, bpf_attach_type::BPF_TRACE_KPROBE_MULTI, bpf_cmd, length, nothing, number},
    hook::HookError,
};

/// Room for what the verifier says of a program that it refuses; the end of that says why.
const VERIFIER_LOG: usize = 64 << 10;

/// When a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// Before the function does.
    Entry,
    /// When it returns.
    Return,
}

/// The programs of an object, with the maps that they use.
pub(super) struct Probes(Object);

impl Probes {
    /// Reads the programs of an object whose maps are there.
    ///
    /// # Errors
    /// If it is not the object that the maps are of.
    pub(super) fn new(object: &[u8], ebpf: &Ebpf) -> io::Result<Self> {
        let mut object = Object::parse(object).map_err(io::Error::other)?;
        let maps = object.maps.clone();
        let maps =
            maps.iter().filter_map(|(name, map)| Some((name.as_str(), descriptor(ebpf.map(name)?)?, map)));
        let sections: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        object.relocate_maps(maps, &sections).map_err(io::Error::other)?;
        object.relocate_calls(&sections).map_err(io::Error::other)?;
        Ok(Self(object))
    }

    /// Loads a program.
    ///
    /// # Errors
    /// If there is none of this name, or the kernel refuses it.
    pub(super) fn load(&self, name: &'static str) -> Result<OwnedFd, HookError> {
        let Self(object) = self;
        let function =
            object.programs.get(name).and_then(|program| object.functions.get(&program.function_key()));
        let instructions = &function.ok_or_else(|| HookError::Missing(name.to_owned()))?.instructions;
        load(name, instructions, &object.license, &mut []).or_else(|_| {
            // Once more, to hear why.
            let mut log = vec![0; VERIFIER_LOG];
            load(name, instructions, &object.license, &mut log).map_err(|io_error| {
                log.truncate(log.iter().position(|byte| *byte == 0).unwrap_or(log.len()));
                let verifier_log = VerifierLog::new(String::from_utf8_lossy(&log).into_owned());
                HookError::Load {
                    program: name,
                    said: ProgramError::LoadError { io_error, verifier_log }.into(),
                }
            })
        })
    }
}

/// Attaches a program to functions of the kernel, all or none, for as long as the descriptor is held that is given back.
///
/// # Errors
/// If the kernel refuses: it is older than 5.18 or locked down, or has no such function.
pub(super) fn attach(program: BorrowedFd<'_>, functions: &[String], at: At) -> Result<OwnedFd, ProgramError> {
    let names: Vec<CString> = functions.iter().filter_map(|name| CString::new(name.as_str()).ok()).collect();
    let names: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let mut attr = nothing();
    attr.link_create.__bindgen_anon_1.prog_fd = number(program);
    attr.link_create.attach_type = BPF_TRACE_KPROBE_MULTI as u32;
    // SAFETY: all values of its bytes are valid, and all of them are there.
    let probes = unsafe { &mut attr.link_create.__bindgen_anon_3.kprobe_multi };
    probes.flags = if at == At::Return { BPF_F_KPROBE_MULTI_RETURN } else { 0 };
    probes.cnt = length(names.len());
    probes.syms = address(names.as_ptr());
    // SAFETY: the names live until it returns.
    unsafe { bpf(bpf_cmd::BPF_LINK_CREATE, &mut attr) }
        .map_err(|io_error| SyscallError { call: "bpf_link_create", io_error }.into())
}

fn load(name: &str, instructions: &[bpf_insn], license: &CString, log: &mut [u8]) -> io::Result<OwnedFd> {
    let mut attr = nothing();
    // SAFETY: as above.
    let program = unsafe { &mut attr.__bindgen_anon_3 };
    // The last byte stays 0.
    let room = program.prog_name.len() - 1;
    for (to, from) in program.prog_name[..room].iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    program.prog_type = BPF_PROG_TYPE_KPROBE as u32;
    program.expected_attach_type = BPF_TRACE_KPROBE_MULTI as u32;
    program.insns = address(instructions.as_ptr());
    program.insn_cnt = length(instructions.len());
    program.license = address(license.as_ptr());
    if !log.is_empty() {
        program.log_level = 1;
        program.log_buf = address(log.as_ptr());
        program.log_size = length(log.len());
    }
    // SAFETY: instructions, licence and log live until it returns.
    unsafe { bpf(bpf_cmd::BPF_PROG_LOAD, &mut attr) }
}

/// A map's descriptor.
fn descriptor(map: &Map) -> Option<RawFd> {
    let (Map::Array(data)
    | Map::HashMap(data)
    | Map::LruHashMap(data)
    | Map::PerCpuArray(data)
    | Map::PerCpuHashMap(data)
    | Map::RingBuf(data)) = map
    else {
        return None;
    };
    Some(data.fd().as_fd().as_raw_fd())
}
