//! Capabilities of capabilities(7): all are given up but those that somebody wants, or that reading maps takes.

use std::str::FromStr;

use rustix::{
    io,
    thread::{
        CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
        clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    },
};

use super::{Finding, State};

/// Capabilities to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep(CapabilitySet);

impl FromStr for Keep {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        match list {
            "none" => Ok(Self(CapabilitySet::empty())),
            "all" => Ok(Self(CapabilitySet::all())),
            _ => list.split(',').map(|name| capability(name.trim())).collect::<Result<_, _>>().map(Self),
        }
    }
}

/// What reading a map may take, from nothing to what kernels without `CAP_BPF` want.
const TO_READ_MAPS: [CapabilitySet; 3] =
    [CapabilitySet::empty(), CapabilitySet::BPF, CapabilitySet::SYS_ADMIN];

const NAME: &str = "capabilities";

/// Gives up all others, in this thread and for those that it starts.
pub(super) fn drop_all_but(Keep(keep): Keep, reads_maps: impl Fn() -> bool) -> Finding {
    match try_to_drop(keep, reads_maps) {
        Ok(kept) => Finding::new(NAME, State::InForce, told(kept, keep)),
        Err(error) => Finding::new(NAME, State::Failed, format!("none could be given up: {error}")),
    }
}

/// Returns what is left.
fn try_to_drop(keep: CapabilitySet, reads_maps: impl Fn() -> bool) -> io::Result<CapabilitySet> {
    // First, as it takes a capability itself.
    drop_from_bounding_set(CapabilitySet::all() - keep);
    clear_ambient_capability_set()?;
    let permitted = capabilities(None)?.permitted;
    let mut kept = keep & permitted;
    for needed in TO_READ_MAPS {
        kept = (keep | needed) & permitted;
        // What is permitted still can be had back.
        set(kept, permitted)?;
        if reads_maps() {
            break;
        }
    }
    set(kept, kept)?;
    Ok(kept)
}

fn set(effective: CapabilitySet, permitted: CapabilitySet) -> io::Result<()> {
    set_capabilities(None, CapabilitySets { effective, permitted, inheritable: CapabilitySet::empty() })
}

/// Only those with `CAP_SETPCAP` may do this. For all others it changes nothing: without new privileges nobody gets what
/// is in that set.
fn drop_from_bounding_set(capabilities: CapabilitySet) {
    for capability in capabilities.iter() {
        // The kernel may not know the newest.
        if capability_is_in_bounding_set(capability).unwrap_or(false) {
            _ = remove_capability_from_bounding_set(capability);
        }
    }
}

fn told(kept: CapabilitySet, keep: CapabilitySet) -> String {
    let names = |set: CapabilitySet| {
        let names = set.iter_names().map(|(name, _)| format!("CAP_{name}"));
        names.collect::<Vec<_>>().join(" ")
    };
    let (asked, needed) = (kept & keep, kept - keep);
    match (asked.is_empty(), needed.is_empty()) {
        (true, true) => "none".to_owned(),
        (false, true) => format!("{} as asked", names(asked)),
        (true, false) => format!("{}, to read maps", names(needed)),
        (false, false) => format!("{} as asked, and {} to read maps", names(asked), names(needed)),
    }
}

fn capability(name: &str) -> Result<CapabilitySet, String> {
    let upper = name.to_ascii_uppercase();
    CapabilitySet::from_name(upper.strip_prefix("CAP_").unwrap_or(&upper)).ok_or_else(|| {
        format!(
            "{name:?} is no capability; give names of capabilities(7) such as CAP_SYS_PTRACE, with commas between, or \
             all, or none"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn keep(list: &str) -> CapabilitySet {
        list.parse::<Keep>().unwrap().0
    }

    #[test]
    fn capabilities_are_typed_as_people_write_them() {
        assert_eq!(keep("none"), CapabilitySet::empty());
        assert!(keep("all").contains(CapabilitySet::BPF | CapabilitySet::CHOWN));
        for list in ["CAP_BPF,CAP_SYS_PTRACE", "bpf, cap_sys_ptrace", "sys_ptrace,Bpf,bpf"] {
            assert_eq!(keep(list), CapabilitySet::BPF | CapabilitySet::SYS_PTRACE, "{list}");
        }
    }

    #[test]
    fn what_is_no_capability_is_refused_by_its_name() {
        for (list, name) in
            [("", "\"\""), ("CAP_BPF,CAP_FOO", "\"CAP_FOO\""), ("all,none", "\"all\""), ("39", "\"39\"")]
        {
            let error = list.parse::<Keep>().unwrap_err();
            assert!(error.starts_with(name) && error.contains("or none"), "{error}");
        }
    }

    #[test]
    fn what_is_kept_is_told_with_its_reason() {
        let (none, bpf, ptrace) = (CapabilitySet::empty(), CapabilitySet::BPF, CapabilitySet::SYS_PTRACE);
        let rows = [
            (none, none, "none"),
            (none, ptrace, "none"),
            (bpf, bpf, "CAP_BPF as asked"),
            (bpf, none, "CAP_BPF, to read maps"),
            (bpf | ptrace, ptrace, "CAP_SYS_PTRACE as asked, and CAP_BPF to read maps"),
        ];
        for (kept, asked, expected) in rows {
            assert_eq!(told(kept, asked), expected);
        }
    }

    /// Capabilities are of a thread, so each try has one of its own.
    fn left_after(keep: CapabilitySet, reads_maps: fn(CapabilitySet) -> bool) -> CapabilitySet {
        let trial = move || {
            let effective = || capabilities(None).unwrap().effective;
            let kept = try_to_drop(keep, || reads_maps(effective())).unwrap();
            let left = capabilities(None).unwrap();
            assert_eq!(
                (left.effective, left.permitted, left.inheritable),
                (kept, kept, CapabilitySet::empty())
            );
            kept
        };
        thread::spawn(trial).join().unwrap()
    }

    #[test]
    fn no_capability_is_left_where_maps_can_be_read_without() {
        assert_eq!(left_after(CapabilitySet::empty(), |_| true), CapabilitySet::empty());
    }

    #[test]
    fn the_capability_that_reading_maps_takes_is_left_and_no_other() {
        let permitted = capabilities(None).unwrap().permitted;
        for needed in [CapabilitySet::BPF, CapabilitySet::SYS_ADMIN] {
            let reads: fn(CapabilitySet) -> bool = if needed == CapabilitySet::BPF {
                |effective| effective.contains(CapabilitySet::BPF)
            } else {
                |effective| effective.contains(CapabilitySet::SYS_ADMIN)
            };
            assert_eq!(left_after(CapabilitySet::empty(), reads), needed & permitted);
        }
    }

    #[test]
    fn what_is_asked_for_is_left_as_far_as_it_was_there() {
        let permitted = capabilities(None).unwrap().permitted;
        assert_eq!(left_after(CapabilitySet::SYS_PTRACE, |_| true), CapabilitySet::SYS_PTRACE & permitted);
        assert_eq!(left_after(CapabilitySet::all(), |_| true), permitted);
    }
}
