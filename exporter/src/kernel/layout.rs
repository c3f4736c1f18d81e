//! What the running kernel and this machine are like, as far as the BPF program must know it: a value for each of the
//! fields and constants of [`killsnoop_common::layout`].

use std::io;

use killsnoop_common::layout::{
    BINPRM_TYPE, CAN_CAST, COMPAT_FLAG, CSS_SET_MEMORY, Constant, EXIT_HAS_GROUP_DEAD, FIELDS,
    MARK_VICTIM_HAS_TASK, MAY_COPY, MAY_READ_USER, MM_ANON_PAGES, MM_FILE_PAGES, MM_SHMEM_PAGES, MUST_COPY,
    N_CONSTANTS, PID_NUMBERS_HAVE_TYPES, Place, REGISTERS_BELOW_TOP, RSS_HAS_TYPES, SECCOMP_IS_SILENT,
    SIGINFO_IS_NUMBER, SIGINFO_TYPE, STACK_SIZE, TASK_ABI, TASK_TYPE,
};

use super::{btf::Btf, lifecycle::Allowed, machine::machine};

/// Bytes of a pointer and of a register.
const WORD: u32 = 8;

/// Bytes of a task's stack on the architectures that are known here, without debugging aids.
const DEFAULT_STACK_SIZE: u32 = 16 << 10;

/// A value for each mark in the BPF object.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Offsets in bytes, in the order of [`FIELDS`]; `None` for what this kernel does not have.
    pub(super) fields: Vec<Option<u32>>,
    /// The number of the type of the kernel's function `bpf_rdonly_cast`, if it has one.
    pub(super) cast_function: Option<u32>,
    /// Values of the constants, in the order of their numbers.
    pub(super) constants: [i32; N_CONSTANTS],
}

impl Layout {
    /// That of the running kernel; whoever loads the program sets what is wanted.
    ///
    /// # Errors
    /// If a field is missing that every supported kernel has.
    pub(super) fn new(btf: &Btf) -> io::Result<Self> {
        let fields = FIELDS.iter().map(|place| btf.offset(place.structure, place.path).ok());
        let fields = fields.zip(FIELDS).map(|(offset, place)| Some(offset? + place.plus)).collect();
        let cast_function = btf.function("bpf_rdonly_cast");
        let mut layout = Self { fields, cast_function, constants: [0; N_CONSTANTS] };
        layout.add_computed(btf)?;
        layout.add_machine(btf);
        layout.add_features(btf);
        let missing =
            layout.fields.iter().zip(FIELDS).find(|(at, place)| at.is_none() && place.is_everywhere);
        match missing {
            Some((_, Place { structure, path, .. })) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("this kernel has no field {path} in struct {structure}"),
            )),
            None => Ok(layout),
        }
    }

    /// Sets a constant.
    pub(super) fn set<const N: u16>(&mut self, constant: Constant<N>, value: u32) {
        self.constants[constant.number()] = value.cast_signed();
    }

    /// Whether a constant is not 0.
    pub(super) fn is_set<const N: u16>(&self, constant: Constant<N>) -> bool {
        self.constants[constant.number()] != 0
    }

    /// Takes account of what the kernel allows; whether that changes anything.
    pub(super) fn restrict(&mut self, allowed: Allowed) -> bool {
        let before = self.constants;
        self.set(MAY_COPY, allowed.may_copy.into());
        self.set(MAY_READ_USER, allowed.may_read_user.into());
        self.set(SIGINFO_IS_NUMBER, (!allowed.siginfo_has_type).into());
        self.constants != before
    }

    /// Fields that no path leads to.
    fn add_computed(&mut self, btf: &Btf) -> io::Result<()> {
        // `css_set.subsys[memory_cgrp_id]`.
        let number = btf.value("cgroup_subsys_id", "memory_cgrp_id");
        let memory = &mut self.fields[CSS_SET_MEMORY.number()];
        *memory = memory.zip(number).map(|(subsystems, number)| subsystems + number * WORD);
        // `MM_FILEPAGES`, `MM_ANONPAGES`, `MM_SWAPENTS`, `MM_SHMEMPAGES` of include/linux/mm_types_task.h.
        let (first, stride) = rss(btf)?;
        for (field, n) in
            [(MM_FILE_PAGES.number(), 0), (MM_ANON_PAGES.number(), 1), (MM_SHMEM_PAGES.number(), 3)]
        {
            self.fields[field] = Some(first + n * stride);
        }
        Ok(())
    }

    /// Registers, and numbers of calls.
    fn add_machine(&mut self, btf: &Btf) {
        let machine = machine();
        for (field, offset) in machine.registers {
            self.fields[field] = Some(offset);
        }
        for (constant, value) in machine.numbers() {
            self.constants[constant] = value;
        }
        let (field, flag) = machine.compat;
        let (task, info) = (self.fields[TASK_ABI.number()], btf.offset("thread_info", field).ok());
        let abi = task.zip(info).map(|(task, info)| task + info);
        if abi.is_none() {
            tracing::warn!(
                "32-bit calls cannot be told from native ones: this kernel does not say where it marks them"
            );
        }
        self.fields[TASK_ABI.number()] = abi;
        self.constants[COMPAT_FLAG.number()] = if abi.is_some() { flag } else { 0 };
        self.set(STACK_SIZE, btf.union_size("thread_union").unwrap_or(DEFAULT_STACK_SIZE));
        self.set(REGISTERS_BELOW_TOP, btf.size("pt_regs").unwrap_or_default());
    }

    /// What this kernel can do, which its version does not tell.
    fn add_features(&mut self, btf: &Btf) {
        let tracepoint = |name| btf.tracepoint(name);
        let victim_is_task = tracepoint("mark_victim").is_some_and(|(_, is_pointer)| is_pointer);
        let exit_tells_last = tracepoint("sched_process_exit").is_some_and(|(n, _)| n == 2);
        let has_helper = |name| btf.value("bpf_func_id", name).is_some();
        let has_types = has_helper("BPF_FUNC_get_current_task_btf") && has_helper("BPF_FUNC_task_pt_regs");
        self.set(MARK_VICTIM_HAS_TASK, victim_is_task.into());
        self.set(EXIT_HAS_GROUP_DEAD, exit_tells_last.into());
        self.set(MUST_COPY, (!has_types).into());
        // What most kernels allow.
        self.set(MAY_COPY, 1);
        self.set(MAY_READ_USER, 1);
        self.set(CAN_CAST, self.cast_function.is_some().into());
        self.set(TASK_TYPE, btf.structure("task_struct").unwrap_or_default());
        self.set(SIGINFO_TYPE, btf.structure("kernel_siginfo").unwrap_or_default());
        self.set(BINPRM_TYPE, btf.structure("linux_binprm").unwrap_or_default());
        // Before 6.2 these were words in an array, and the verifier knows no way to them.
        self.set(RSS_HAS_TYPES, btf.offset("mm_struct", "rss_stat.count").is_err().into());
        // Came with the change that made seccomp post its signal.
        self.set(SECCOMP_IS_SILENT, btf.function("force_fatal_sig").is_none().into());
        self.set(PID_NUMBERS_HAVE_TYPES, btf.ends_open("pid").into());
    }
}

/// Where the numbers of resident pages begin, and how far they are apart: counters of all CPUs since 6.2, words before.
fn rss(btf: &Btf) -> io::Result<(u32, u32)> {
    if let Ok(words) = btf.offset("mm_struct", "rss_stat.count") {
        return Ok((words, WORD));
    }
    let missing = || io::Error::new(io::ErrorKind::InvalidData, "this kernel has no struct percpu_counter");
    let counter = btf.size("percpu_counter").ok_or_else(missing)?;
    Ok((btf.offset("mm_struct", "rss_stat")? + btf.offset("percpu_counter", "count")?, counter))
}

#[cfg(test)]
mod tests {
    use killsnoop_common::layout::{TASK_PID, TASK_TGID};

    use super::*;

    #[test]
    fn the_running_kernel_has_all_that_is_needed() {
        let btf = Btf::of_running_kernel().unwrap();
        let layout = Layout::new(&btf).unwrap();
        assert_ne!(layout.fields[TASK_TGID.number()], layout.fields[TASK_PID.number()]);
        assert!(layout.is_set(COMPAT_FLAG), "it tells where it marks 32-bit calls");
        let stack_size = layout.constants[STACK_SIZE.number()];
        assert!(stack_size >= 16 << 10 && stack_size.cast_unsigned().is_power_of_two());
    }
}
