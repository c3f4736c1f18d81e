//! One line that is written over and over, where somebody looks; elsewhere a line now and then.

use std::{
    io::{IsTerminal as _, stderr},
    sync::LazyLock,
    time::Instant,
};

/// What is being done now.
pub fn show(text: &str) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

/// What has been done, once, and when.
pub fn say(text: &str) {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    end();
    eprintln!("{:4} s  {text}", STARTED.elapsed().as_secs());
}

/// Leaves an empty line for what comes next.
pub fn end() {
    show("");
}
