//! Flags of the kernel side, shared by all commands.

use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::confine::ConfineArgs;
use crate::kernel::{BACKENDS, Backend};

/// Flags of the kernel side, as typed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Kernel")]
pub struct KernelArgs {
    /// How to be told of the calls
    ///
    /// auto takes the first that works and counts all of fexit and kretprobe, which cost other programs nothing, tracepoint, which costs
    /// each of their system calls some 45 ns and does not see 32-bit programs, and raw, which costs twice that and needs no tracefs.
    /// With none, signals, deaths and OOM kills are still counted and told of, and calls are not.
    #[arg(long, value_enum, default_value_t = Hook::Auto)]
    pub hook: Hook,

    /// Size of the ring buffer for events, in bytes or with KiB or MiB: a power of two, at least a page
    ///
    /// At the default, one process that sends signals as fast as it can loses no event.
    #[arg(long, default_value = "4MiB", value_name = "SIZE")]
    pub ring_size: RingSize,

    /// Tell the first 128 bytes of the command lines of those who die and those who kill
    ///
    /// Command lines hold passwords and tokens more often than they should, so they are not read unless this is given.
    /// They go to every receiver of events; nothing in them is blotted out.
    #[arg(long)]
    pub show_command_lines: bool,

    /// What to give up.
    #[command(flatten)]
    pub confine: ConfineArgs,
}

/// A hook back end, or the choice among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hook {
    /// The first that works
    Auto,
    /// The end of the kernel's functions for the six calls
    Fexit,
    /// The return of those functions, by a probe of the kernel
    Kretprobe,
    /// The exit tracepoint of each of the six calls
    Tracepoint,
    /// The exit of every call
    Raw,
    /// No hook of calls
    None,
}

impl KernelArgs {
    /// The back ends to try, in their order.
    #[must_use]
    pub fn backends(&self) -> &'static [Backend] {
        let name = match self.hook {
            Hook::Auto => return &BACKENDS[..BACKENDS.len() - 1],
            Hook::Fexit => "fexit",
            Hook::Kretprobe => "kretprobe",
            Hook::Tracepoint => "tracepoint",
            Hook::Raw => "raw",
            Hook::None => "none",
        };
        let at = BACKENDS.iter().position(|backend| backend.name == name);
        at.map_or(&[], |at| &BACKENDS[at..=at])
    }
}

/// The size of a ring buffer in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSize(pub u32);

impl RingSize {
    /// The largest that the kernel's 32-bit size can say.
    const MAX: u64 = 1 << 31;
}

impl FromStr for RingSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, shift) = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
            (Some(digits), _) => (digits, 10),
            (_, Some(digits)) => (digits, 20),
            _ => (text, 0),
        };
        let bytes = digits.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        let page = rustix::param::page_size() as u64;
        match bytes {
            Some(bytes) if bytes.is_power_of_two() && (page..=Self::MAX).contains(&bytes) => {
                u32::try_from(bytes).map(Self).map_err(|error| error.to_string())
            }
            _ => Err(format!(
                "{text:?} is no size of a ring buffer; give a power of two from {page} to 2048MiB"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        kernel: KernelArgs,
    }

    fn parse(flags: &[&str]) -> KernelArgs {
        Command::parse_from(["command"].iter().chain(flags)).kernel
    }

    #[test]
    fn sizes_are_powers_of_two_with_or_without_a_unit() {
        for (text, bytes) in [("4096", 4096), ("64KiB", 65536), ("4MiB", 4 << 20), ("2048MiB", 1 << 31)] {
            assert_eq!(text.parse(), Ok(RingSize(bytes)), "{text}");
        }
    }

    #[test]
    fn sizes_that_no_ring_can_have_are_refused_by_their_text() {
        for text in
            ["", "0", "1", "5000", "4096MiB", "3MiB", "-4096", "4mib", "4GiB", "99999999999999999999MiB"]
        {
            let error = text.parse::<RingSize>().unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn each_hook_stands_for_the_back_end_of_its_name() {
        for hook in [Hook::Fexit, Hook::Tracepoint, Hook::Raw, Hook::None] {
            let name = hook.to_possible_value().unwrap();
            let backends = parse(&["--hook", name.get_name()]).backends();
            assert_eq!(backends.len(), 1);
            assert_eq!(backends[0].name, name.get_name());
        }
    }
}
