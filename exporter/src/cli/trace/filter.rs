//! Flags that select events, those of `killsnoop` and of `trace`, and what they come to.

use clap::{Args, builder::NonEmptyStringValueParser, value_parser};
use killsnoop_common::filter::{Filter, POSTED_BY_KERNEL, POSTED_NONE, SignalSet};
use nix::unistd::User;

use crate::{
    counters::Class,
    select::{Select, Who},
    signal,
};

pub(super) const FILTERS: &str = "Which events";

/// The largest process id that the kernel's type has room for.
pub(in crate::cli) const PID_MAX: i64 = i32::MAX as i64;

/// Which events are shown.
#[derive(Args, Debug)]
#[command(next_help_heading = FILTERS)]
pub(in crate::cli) struct FilterArgs {
    /// Show only calls that failed
    #[arg(short = 'x', long)]
    pub(in crate::cli) failed: bool,

    /// Show only calls by this process: its pid in the initial pid namespace, 1 or above
    #[arg(short, long, value_name = "PID", value_parser = value_parser!(u32).range(1..=PID_MAX))]
    pub(in crate::cli) pid: Option<u32>,

    /// Show only calls with this target, as the caller wrote it
    ///
    /// A pid; 0 for the caller's own process group; -1 for every process; or a negated process group, such as -14076. A
    /// process that is reached as a member of a group is not found by its pid, and a target that is given as a file
    /// descriptor never matches.
    #[arg(short = 'T', long, value_name = "PID", allow_negative_numbers = true)]
    pub(in crate::cli) tpid: Option<i32>,

    /// Show only these signals: numbers from 0 to 64 or names, with commas between
    ///
    /// Names are those of signal(7), with or without SIG, in any case, real-time signals as RTMIN+1 or RTMAX-1. 0 is no
    /// signal: it only asks whether the target exists. Given more than once, it adds signals.
    #[arg(short, long, value_name = "SIGNAL", value_delimiter = ',', value_parser = signal::parse)]
    pub(in crate::cli) signal: Vec<i32>,

    /// Do not show these signals: numbers from 0 to 64 or names, with commas between
    #[arg(long, value_name = "SIGNAL", value_delimiter = ',', value_parser = signal::parse)]
    pub(in crate::cli) exclude: Vec<i32>,

    /// Show only calls by processes of this name, in which * stands for anything
    ///
    /// It is the name of the thread that calls, of which the kernel keeps 15 bytes. This flag and those that follow may
    /// be given more than once, and one of their values will do. Of different flags, one process has to meet all.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(in crate::cli) comm: Vec<String>,

    /// Show only calls by this user: a number or a name
    ///
    /// It is the real user id in the initial user namespace. A name is looked up on this machine when the program starts.
    #[arg(long, value_name = "USER", value_delimiter = ',', value_parser = uid)]
    pub(in crate::cli) uid: Vec<u32>,

    /// Show only calls by processes in this cgroup or below it, such as /system.slice
    ///
    /// The path is the one in /proc/PID/cgroup. A process whose cgroup was gone before it could be looked at is in none.
    #[arg(long, value_name = "PATH", value_parser = NonEmptyStringValueParser::new())]
    pub(in crate::cli) cgroup: Vec<String>,

    /// Show only calls by processes in this container: its name, or the first digits of its id, 4 or more
    #[arg(long, value_name = "CONTAINER", value_parser = NonEmptyStringValueParser::new())]
    pub(in crate::cli) container: Vec<String>,

    /// Show only calls by processes in this Kubernetes pod: its name, or namespace/name, or its uid
    #[arg(long, value_name = "POD", value_parser = NonEmptyStringValueParser::new())]
    pub(in crate::cli) pod: Vec<String>,
}

impl FilterArgs {
    /// The filter of the kernel side, for all calls that send signals and nothing else.
    #[must_use]
    pub(super) fn filter(&self) -> Filter {
        Filter {
            signals: set(&self.signal),
            excluded: set(&self.exclude),
            sender: self.pid.unwrap_or(0),
            has_target: self.tpid.is_some().into(),
            target: self.tpid.unwrap_or(0),
            failed_only: self.failed.into(),
            ..Filter::ALL
        }
    }

    /// The same filter for these classes. Deaths and OOM kills are one class to the kernel side, and nothing but calls
    /// can fail. Noise passes if it is asked for, and so does whatever is asked for by its number.
    #[must_use]
    pub(in crate::cli) fn filter_of(&self, classes: &[Class], noise: bool) -> Filter {
        let has = |class| classes.contains(&class);
        let filter = self.filter();
        Filter {
            syscalls: if has(Class::KillCall) { filter.syscalls } else { 0 },
            posted: if has(Class::Signal) && !self.failed { POSTED_BY_KERNEL } else { POSTED_NONE },
            deaths: (!self.failed && (has(Class::Death) || has(Class::OomKill))).into(),
            noise: (noise || !self.signal.is_empty()).into(),
            ..filter
        }
    }

    /// What is selected in user space, of these classes.
    #[must_use]
    pub(in crate::cli) fn select(&self, classes: &[Class]) -> Select {
        let who = Who {
            comms: self.comm.clone(),
            uids: self.uid.clone(),
            cgroups: self.cgroup.clone(),
            containers: self.container.clone(),
            pods: self.pod.clone(),
        };
        Select { classes: classes.to_vec(), filter: self.filter(), who }
    }
}

fn set(signals: &[i32]) -> SignalSet {
    signals.iter().fold(SignalSet::EMPTY, |set, signal| set.with(*signal))
}

/// Reads the number of a user, or looks up the name.
pub(in crate::cli) fn uid(text: &str) -> Result<u32, String> {
    if let Ok(uid) = text.parse() {
        return Ok(uid);
    }
    match User::from_name(text) {
        Ok(Some(user)) => Ok(user.uid.as_raw()),
        Ok(None) => Err(format!("{text:?} is no user of this machine; give a name or a number such as 1000")),
        Err(error) => Err(format!("{text:?} cannot be looked up: {error}; give the user's number")),
    }
}
