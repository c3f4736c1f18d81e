//! One line that is written over and over, where somebody looks; elsewhere a line now and then.

use std::io::{IsTerminal as _, stderr};

/// What is being done now.
pub(crate) fn show(text: &str) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

/// What has been done, once.
pub(crate) fn say(text: &str) {
    end();
    eprintln!("{text}");
}

/// Leaves an empty line for what comes next.
pub(crate) fn end() {
    show("");
}
