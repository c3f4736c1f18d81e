//! Processes that the kernel kills because memory ran out.

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
};

use crate::{
    cgroups::{Cgroup, Hierarchy},
    troupe::{Part, Troupe, cannot, curtain, say},
};

const MIB: usize = 1 << 20;

/// The limit of the control group in these scenes.
const LIMIT: usize = 32 * MIB;

/// A control group is at its limit. `own`: the victim is who wants more. `sibling`: the victim sleeps, and another wants
/// more. `above`: as `own`, but the limit is that of the group above the victim's. `group`: all of the group must die.
pub(crate) fn oom(troupe: &mut Troupe, case: &str) {
    let Some(memory) = Limited::new() else { return cannot("no memory controller") };
    if case == "group" && memory.cgroup.write("memory.oom.group", "1").is_err() {
        return cannot("no memory.oom.group: the memory controller is of version 1");
    }
    say(&format!("limit {} {}", memory.cgroup.id(), memory.path));
    match case {
        "own" => glutton(troupe, &memory.cgroup),
        "above" => {
            let below = memory.below();
            glutton(troupe, &below);
            troupe.finish();
        }
        "sibling" => sibling(troupe, &memory.cgroup),
        "group" => {
            let _other = troupe.cast("victim", |part| {
                memory.cgroup.enter();
                part.wait();
            });
            glutton(troupe, &memory.cgroup);
        }
        _ => panic!("there is no case {case}"),
    }
    // Only an empty one can be removed.
    troupe.finish();
}

/// The machine is out of memory. Not for machines that anybody else needs.
pub(crate) fn oom_global(troupe: &mut Troupe) {
    let victim = troupe.cast("victim", |part| {
        be_the_first_choice();
        part.wait();
        eat(usize::MAX);
    });
    curtain();
    victim.cue();
}

/// The victim eats until it dies.
fn glutton(troupe: &mut Troupe, cgroup: &Cgroup) {
    let victim = troupe.cast("victim", |part| {
        cgroup.enter();
        part.wait();
        // Were there no limit, the machine would go first.
        eat(8 * LIMIT);
        panic!("nobody minds {} MiB", 8 * LIMIT / MIB);
    });
    curtain();
    victim.cue();
}

/// The victim sleeps with a part of the memory, and the rest is not enough for another.
fn sibling(troupe: &mut Troupe, cgroup: &Cgroup) {
    let _victim = troupe.cast("victim", |part| {
        cgroup.enter();
        be_the_first_choice();
        eat(LIMIT / 2);
        part.wait();
    });
    let trigger = troupe.cast("trigger", |part: &Part| {
        cgroup.enter();
        part.wait();
        eat(LIMIT / 4 * 3);
    });
    curtain();
    trigger.cue();
}

/// A control group with a limit of memory.
struct Limited {
    cgroup: Cgroup,
    /// Its path in its hierarchy.
    path: String,
}

impl Limited {
    fn new() -> Option<Self> {
        let (parent, root, limit) = match Hierarchy::with_controller("memory") {
            Some(v1) => (v1.own, v1.root, "memory.limit_in_bytes"),
            None => (root_with_memory()?, root_with_memory()?, "memory.max"),
        };
        let cgroup = Cgroup::new(&parent).expect("root may make one");
        cgroup.write(limit, &LIMIT.to_string()).expect("it is empty");
        // Without these files there is no swap that could take what is too much.
        for (file, value) in [("memory.swap.max", "0"), ("memory.swappiness", "0")] {
            _ = cgroup.write(file, value);
        }
        let path = Path::new("/").join(cgroup.folder.strip_prefix(root).expect("it is below"));
        Some(Self { cgroup, path: path.display().to_string() })
    }

    fn below(&self) -> Cgroup {
        Cgroup::new(&self.cgroup.folder).expect("root may make one")
    }
}

/// The root of version 2. Below that alone a group may have a limit whose neighbours are processes.
fn root_with_memory() -> Option<PathBuf> {
    let root = Hierarchy::unified()?.root;
    fs::write(root.join("cgroup.subtree_control"), "+memory").ok()?;
    Some(root)
}

fn be_the_first_choice() {
    fs::write("/proc/self/oom_score_adj", "1000").expect("whoever is more likely to die may say so");
}

fn eat(bytes: usize) {
    for _ in 0..bytes / MIB {
        black_box(vec![1_u8; MIB]).leak();
    }
}
