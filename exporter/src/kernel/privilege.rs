//! What this process may do, and what would let it do what it may not.

use std::{fs, path::Path};

use super::btf::VMLINUX;

/// A capability of capabilities(7) that watching signals needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `CAP_BPF`: load BPF programs and create maps.
    Bpf,
    /// `CAP_PERFMON`: let them look at the kernel.
    Perfmon,
}

impl Capability {
    const ADMIN: u64 = 1 << 21;

    const fn bit(self) -> u64 {
        match self {
            Self::Bpf => 1 << 39,
            Self::Perfmon => 1 << 38,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Bpf => "CAP_BPF",
            Self::Perfmon => "CAP_PERFMON",
        }
    }
}

/// What is missing, as one sentence with the way out; `None` if nothing is.
#[must_use]
pub fn missing() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    missing_in(&status, Path::new(VMLINUX).exists())
}

fn missing_in(status: &str, has_btf: bool) -> Option<String> {
    let effective = capabilities(status);
    let names: Vec<_> = [Capability::Bpf, Capability::Perfmon]
        .into_iter()
        .filter(|wanted| effective & (wanted.bit() | Capability::ADMIN) == 0)
        .map(Capability::name)
        .collect();
    if !names.is_empty() {
        return Some(format!("no {}: run as root, or grant CAP_BPF and CAP_PERFMON", names.join(" and no ")));
    }
    (!has_btf).then(|| {
        format!("this kernel has no type information at {VMLINUX}: boot one that is built with CONFIG_DEBUG_INFO_BTF")
    })
}

/// The effective set; all of it where it cannot be read, so that the kernel itself gives the answer.
fn capabilities(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok())
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::missing_in;

    #[test]
    fn what_is_missing_is_named_with_the_way_out() {
        let none = "Name:\tx\nCapEff:\t0000000000000000\n";
        assert_eq!(
            missing_in(none, true).unwrap(),
            "no CAP_BPF and no CAP_PERFMON: run as root, or grant CAP_BPF and CAP_PERFMON"
        );
        let bpf_only = "CapEff:\t0000008000000000\n";
        assert!(missing_in(bpf_only, true).unwrap().starts_with("no CAP_PERFMON: "));
        let both = "CapEff:\t000000c000000000\n";
        assert_eq!(missing_in(both, true), None);
        assert!(missing_in(both, false).unwrap().contains("CONFIG_DEBUG_INFO_BTF"));
    }

    #[test]
    fn an_administrator_has_both() {
        assert_eq!(missing_in("CapEff:\t0000000000200000\n", true), None);
    }
}
