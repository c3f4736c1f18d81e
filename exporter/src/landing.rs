//! The landing page at `/`, for people: what died lately and by whom, how many signals there were, and whether this
//! exporter sees everything.
//!
//! Names of processes are on it only if the operator wants that. It is whole without scripts; with the one that is served
//! beside it, it keeps itself up to date. Everything that another process chose passes two gates: `printable` takes
//! away what moves other text, and maud writes it as text and never as markup.

mod chart;
mod deaths;
mod details;
mod filter;
mod health;
mod history;
mod layout;
#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    clock,
    counters::{Counters, Snapshot},
    ledger::Ledger,
    recent::Recent,
    verdict::json,
};
use filter::Filter;
use history::History;

/// What the page is made of.
pub struct Landing {
    counters: Arc<dyn Counters>,
    sinks: Box<[(&'static str, Arc<Ledger>)]>,
    host: Host,
    seen: Mutex<Option<Seen>>,
    deaths: Option<Deaths>,
}

/// What names processes.
struct Deaths {
    recent: Arc<Recent>,
    history: Mutex<History>,
}

/// The machine, as uname(2) has it.
#[derive(Debug)]
struct Host {
    name: String,
    kernel: String,
}

/// The counters as they were last read.
struct Seen {
    at: Instant,
    snapshot: io::Result<Arc<Snapshot>>,
}

/// Where things are; only whoever serves them knows.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Paths that people may want to follow, and what is there.
    pub links: Vec<(String, &'static str)>,
    /// The sheet of styles: [`STYLE`].
    pub style: String,
    /// The script: [`SCRIPT`].
    pub script: String,
    /// The icon: [`ICON`].
    pub icon: String,
    /// What [`Landing::lines`] gives.
    pub lines: &'static str,
}

/// The sheet of styles.
pub const STYLE: &str = include_str!("landing/style.css");
/// The script that keeps the page up to date.
pub const SCRIPT: &str = include_str!("landing/script.js");
/// The icon.
pub const ICON: &str = include_str!("landing/icon.svg");

/// The page, or why a part of it is missing.
#[derive(Debug)]
pub struct Html {
    /// The page.
    pub text: String,
    /// Whether the query was understood; if not, the page says what of it was not.
    pub is_understood: bool,
}

impl fmt::Debug for Landing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Landing").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Landing {
    /// How often [`Landing::sample`] is to be called.
    pub const SAMPLE_EVERY: Duration = Duration::from_secs(5);
    /// Deaths that [`Landing::lines`] gives at most.
    const MOST_LINES: usize = 1000;
    /// However often people look, the kernel is not asked more often than this.
    const LOOK_EVERY: Duration = Duration::from_secs(1);

    /// A page that names no process, of these counters and of the sinks with their names.
    #[must_use]
    pub fn new(
        counters: Arc<dyn Counters>,
        sinks: impl IntoIterator<Item = (&'static str, Arc<Ledger>)>,
    ) -> Self {
        let system = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let host = Host { name: text(system.nodename()), kernel: text(system.release()) };
        Self { counters, sinks: sinks.into_iter().collect(), host, seen: Mutex::default(), deaths: None }
    }

    /// Shows these deaths too, and so the names of processes, and how many signals there were of late.
    #[must_use]
    pub fn with_deaths(self, recent: Option<Arc<Recent>>) -> Self {
        let deaths = recent.map(|recent| Deaths { recent, history: Mutex::default() });
        Self { deaths, ..self }
    }

    /// Takes down how many signals there were since the last call. Blocks for as long as the kernel takes to give its
    /// counters.
    pub fn sample(&self) {
        if let (Some(deaths), Ok(snapshot)) = (&self.deaths, self.look(Self::LOOK_EVERY)) {
            lock(&deaths.history).record(&snapshot, clock::unix_ns());
        }
    }

    /// Writes the page for the query of a URL. Blocks as [`Landing::sample`] does.
    #[must_use]
    pub fn html(&self, query: &str, is_ready: bool, paths: &Paths) -> Html {
        let (filter, errors) = Filter::parse(query);
        let snapshot = self.look(Self::SAMPLE_EVERY);
        let is_understood = errors.is_empty();
        let view = layout::View { landing: self, filter, errors, snapshot, is_ready, paths };
        Html { text: view.html().into_string(), is_understood }
    }

    /// The deaths that the query of a URL asks for, a line of JSON each, the most recent first; `None` if the operator
    /// does not want them to be shown.
    ///
    /// # Errors
    /// If the query is not understood: what of it.
    #[must_use]
    pub fn lines(&self, query: &str) -> Option<Result<String, String>> {
        let deaths = self.deaths.as_ref()?;
        let (filter, errors) = Filter::parse(query);
        if !errors.is_empty() {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            return Some(Err(errors.join("\n")));
        }
        let found = deaths.recent.select(Self::MOST_LINES, |event| filter.wants(event));
        Some(Ok(found.events.into_iter().filter_map(deaths::line).collect()))
    }

    /// Whether names of processes are shown.
    #[must_use]
    pub fn shows_deaths(&self) -> bool {
        self.deaths.is_some()
    }

    /// The counters, not older than this.
    fn look(&self, most_age: Duration) -> io::Result<Arc<Snapshot>> {
        // Whoever comes meanwhile waits for this look, and does not look too.
        let mut seen = lock(&self.seen);
        let last = seen.take().filter(|seen| seen.at.elapsed() < most_age);
        let last = last
            .unwrap_or_else(|| Seen { at: Instant::now(), snapshot: self.counters.snapshot().map(Arc::new) });
        let answer = match &last.snapshot {
            Ok(snapshot) => Ok(Arc::clone(snapshot)),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        *seen = Some(last);
        answer
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these is good at every moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A time as people read it, to the second and in UTC, and as programs do.
fn time(unix_ns: u64) -> (String, String) {
    let exact = json::time(unix_ns);
    let shown = exact.get(..19).unwrap_or(&exact).replace('T', " ");
    (shown, exact)
}
