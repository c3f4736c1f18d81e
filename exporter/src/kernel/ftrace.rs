//! The switch by which an operator stops the kernel from running programs at its functions: `kernel.ftrace_enabled`, see
//! Documentation/admin-guide/sysctl/kernel.rst. What is at tracepoints goes on.
//!
//! Nothing fails while it is off: programs can be attached, and stay so, and are not run.

use std::fs;

const SWITCH: &str = "/proc/sys/kernel/ftrace_enabled";

/// Whether it is on, or there is none.
pub(super) fn is_on() -> bool {
    fs::read_to_string(SWITCH).map_or(true, |state| state.trim() != "0")
}
