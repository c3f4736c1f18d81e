//! New cgroups: user space is told of them, so that it knows their names before their processes die.

use aya_ebpf::{helpers::bpf_ktime_get_boot_ns, macros::btf_tracepoint, programs::BtfTracePointContext};
use killsnoop_common::{
    death::{CgroupEvent, Header},
    layout::{CGROUP_PARENT, CSS_CGROUP},
    lost::Lost,
    record::KIND_CGROUP,
};

use crate::{
    kernel::Struct,
    maps::{URGENT, count_lost, filter, wake_up},
    task::cgroup_id,
};

/// A cgroup was made.
#[btf_tracepoint(function = "cgroup_mkdir")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn cgroup_mkdir(ctx: BtfTracePointContext) -> i32 {
    // Prototype in include/trace/events/cgroup.h: TP_PROTO(struct cgroup *cgrp, const char *path)
    if let Err(reason) = made(Struct::new(ctx.arg(0))) {
        count_lost(reason);
    }
    0
}

#[inline(always)]
fn made(cgroup: Struct) -> Result<(), Lost> {
    if filter().deaths == 0 {
        return Ok(());
    }
    let above = cgroup.follow(CGROUP_PARENT);
    let parent = if above.is_null() { 0 } else { cgroup_id(above.follow(CSS_CGROUP)) };
    let mut entry = URGENT.reserve_untyped::<CgroupEvent>(0).ok_or(Lost::CgroupNotTold)?;
    // SAFETY: the helper has no precondition.
    let at_boot_ns = unsafe { bpf_ktime_get_boot_ns() };
    entry.write(CgroupEvent {
        header: Header { at_boot_ns, kind: KIND_CGROUP, detail: [0; 3], number: 0 },
        id: cgroup_id(cgroup),
        parent,
    });
    entry.submit(wake_up());
    Ok(())
}
