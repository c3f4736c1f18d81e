//! How far it is.

use killsnoop_tests::measure::progress;

/// Which step of how many.
pub(crate) struct Steps {
    n: usize,
    of: usize,
    title: String,
}

impl Steps {
    pub(crate) fn new(of: usize) -> Self {
        Self { n: 0, of, title: String::new() }
    }

    /// The next one begins.
    pub(crate) fn begin(&mut self, title: &str) {
        self.n += 1;
        title.clone_into(&mut self.title);
        progress::say(&format!("step {} of {}: {title}", self.n, self.of));
    }

    /// What is done in it now.
    pub(crate) fn show(&self, what: &str) {
        progress::show(&format!("step {} of {}: {}: {what}", self.n, self.of, self.title));
    }
}
