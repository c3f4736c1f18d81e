//! Whether the kernel is locked down, see `kernel_lockdown(7)`.

use std::{fmt, fs};

const PATH: &str = "/sys/kernel/security/lockdown";

/// How far a kernel is locked down, even for root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lockdown {
    /// It is not.
    None,
    /// Nobody changes the running kernel. The exporter does not.
    Integrity,
    /// Nobody reads the kernel's memory by copying or by perf.
    Confidentiality,
}

/// How far the running kernel is locked down; `None` if it does not say, as where it cannot be, or securityfs is not
/// mounted.
#[must_use]
pub fn lockdown() -> Option<Lockdown> {
    parse(&fs::read_to_string(PATH).ok()?)
}

impl Lockdown {
    /// What cannot be had because of it, as a sentence; `None` if all can.
    #[must_use]
    pub const fn costs(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Integrity => None,
            Self::Confidentiality => Some(
                "OOM kills have the scope unknown, new processes no executable, and the hook tracepoint cannot be had; \
                 lockdown=integrity on the kernel's command line gives all",
            ),
        }
    }
}

impl fmt::Display for Lockdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Integrity => "integrity",
            Self::Confidentiality => "confidentiality",
        })
    }
}

/// All levels are there, and that in force is in brackets.
fn parse(text: &str) -> Option<Lockdown> {
    let level = text.split_ascii_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'))?;
    [Lockdown::None, Lockdown::Integrity, Lockdown::Confidentiality]
        .into_iter()
        .find(|known| known.to_string() == level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_in_brackets_is_that_in_force() {
        let rows = [
            ("[none] integrity confidentiality\n", Some(Lockdown::None)),
            ("none [integrity] confidentiality\n", Some(Lockdown::Integrity)),
            ("none integrity [confidentiality]\n", Some(Lockdown::Confidentiality)),
            ("none integrity confidentiality\n", None),
            ("none [secrecy]\n", None),
            ("", None),
        ];
        for (text, level) in rows {
            assert_eq!(parse(text), level, "{text}");
        }
    }

    #[test]
    fn only_confidentiality_costs_something() {
        assert_eq!((Lockdown::None.costs(), Lockdown::Integrity.costs()), (None, None));
        assert!(Lockdown::Confidentiality.costs().unwrap().contains("lockdown=integrity"));
    }
}
