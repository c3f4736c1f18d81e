//! Harness of the end-to-end tests: runs the shipped binary, sends signals from processes of its own, and reads what
//! comes out.
//!
//! Everything here waits for the thing itself, with a deadline that only a failure meets, and says what it saw instead.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::must_use_candidate,
    reason = "what a helper cannot do fails the test that asked for it"
)]

pub mod browser;
pub mod calls;
pub mod cgroups;
pub mod exporter;
pub mod guide;
pub mod http;
pub mod judge;
pub mod log_store;
pub mod measure;
pub mod metrics_store;
pub mod otelcol;
pub mod process;
pub mod prometheus;
pub mod provoke;
pub mod scrape;
pub mod sender;
pub mod terminal;
pub mod verdicts;

use std::{
    env, fs,
    path::PathBuf,
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

/// How long the tests wait for what must come: as many seconds as `KILLSNOOP_PATIENCE` says, else 30. Only a failing test
/// waits so long.
///
/// # Panics
/// If it says something else.
pub fn patience() -> Duration {
    static PATIENCE: LazyLock<Duration> = LazyLock::new(|| {
        let seconds = env::var("KILLSNOOP_PATIENCE").unwrap_or_else(|_| "30".to_owned());
        Duration::from_secs(
            seconds
                .parse()
                .unwrap_or_else(|_| panic!("KILLSNOOP_PATIENCE={seconds} is no number of seconds")),
        )
    });
    *PATIENCE
}

/// The binary under test: what `KILLSNOOP_BIN` says, else the release build of this workspace.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn binary() -> PathBuf {
    let path = env::var_os("KILLSNOOP_BIN")
        .map_or_else(|| root().join("target/release/killsnoop-exporter"), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `cargo build --release` first", path.display());
    path
}

/// A real counterpart that tests/tools/install put in place, for instance `prometheus`.
///
/// # Panics
/// If it is not there: the tests skip nothing.
#[must_use]
pub fn tool(name: &str) -> PathBuf {
    let bin = env::var_os("KILLSNOOP_TOOLS_BIN").map(PathBuf::from);
    let path = bin.expect("KILLSNOOP_TOOLS_BIN is not set: run tests/run e2e").join(name);
    assert!(path.exists(), "{} is missing: run tests/tools/install {name}", path.display());
    path
}

/// Whether this kernel is older than that version. What a hook does never depends on it; what is true of a kernel can.
///
/// # Panics
/// If the kernel does not say its version.
#[must_use]
pub fn kernel_is_before(version: (u32, u32)) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel has a release");
    let mut numbers = release.split('.').map_while(|number| number.parse().ok());
    let running = numbers.next().zip(numbers.next());
    running.unwrap_or_else(|| panic!("{release:?} begins with no version")) < version
}

/// The root of the repository.
///
/// # Panics
/// Never: the crate lies in it.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_owned()
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// After [`patience`], with what `describe` says.
pub fn eventually<T>(mut ask: impl FnMut() -> Option<T>, describe: impl Fn() -> String) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < patience(), "waited {:?} in vain: {}", patience(), describe());
        thread::sleep(Duration::from_millis(5));
    }
}
