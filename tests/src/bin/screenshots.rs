//! Takes the pictures of the page at `/` that the documents show: of a real exporter that saw real processes die, in a real
//! browser. Takes some minutes, so that the chart has something to show.

#![expect(clippy::expect_used, reason = "what cannot be done here ends it, and nothing depends on it")]

use std::{
    env, fs,
    io::{self, Write as _},
    process::{self, Command},
    ptr, thread,
    time::{Duration, Instant},
};

use killsnoop_tests::{browser::Browser, exporter::Exporter, process::Process, root};
use nix::sys::signal::{SigHandler, Signal};

/// Who dies of what, and who sends it; nobody does if it fails by itself.
const CAST: [(&str, &str, &str); 6] = [
    ("postgres", "TERM", "pg_ctl"),
    ("php-fpm", "SEGV", ""),
    ("nginx", "KILL", "systemd-oomd"),
    ("<script>alert(1", "KILL", "\"'><img src=x>"),
    ("worker", "ABRT", ""),
    ("java", "KILL", "containerd-shim"),
];
/// How long they go on to die.
const TIME: Duration = Duration::from_secs(150);
/// Most bytes of a picture.
const MOST: usize = 150_000;

fn main() {
    if let [_, name, signal] = env::args().collect::<Vec<_>>().as_slice() {
        return act(name, signal);
    }
    let exporter = Exporter::start(&["--web.show-events", "--control.socket="]);
    let started = Instant::now();
    let mut round: u64 = 0;
    while started.elapsed() < TIME {
        // Some minutes have more of them than others.
        for (victim, signal, sender) in CAST.iter().skip(usize::try_from(round * 5 % 4).unwrap_or(0)) {
            play(victim, signal, sender);
        }
        round += 1;
        thread::sleep(Duration::from_secs(7 + round * 11 % 17));
    }
    let browser = Browser::start();
    for (victim, signal, sender) in CAST {
        play(victim, signal, sender);
    }
    browser.open(&exporter.address, "/");
    let nginx = "[...document.querySelectorAll('#rows tr')].find((row) => row.querySelector('.name').textContent === 'nginx')";
    browser.until(&format!("{nginx} !== undefined"));
    browser.run(
        &format!("document.getElementById('pause').click(); {nginx}.querySelector('details').open = true"),
        &[],
    );
    let folder = root().join("docs/page");
    fs::create_dir_all(&folder).expect("a folder can be made");
    for (name, scheme, width, height) in
        [("light", "light", 1080, 800), ("dark", "dark", 1080, 800), ("phone", "dark", 390, 844)]
    {
        browser.prefer(scheme);
        browser.resize(width, height);
        let picture = browser.picture();
        assert!(picture.len() < MOST, "{name}.png has {} bytes", picture.len());
        fs::write(folder.join(format!("{name}.png")), &picture).expect("a picture can be written");
    }
}

/// A process of this name dies of this signal.
fn play(victim: &str, signal: &str, sender: &str) {
    let mut process = Process::start(itself().args([victim, signal]));
    process.stdout.find(|line| (line == "ready").then_some(()));
    if sender.is_empty() {
        process.write("\n");
    } else {
        // Whoever does not heed SIGTERM is killed a little later.
        let script = "printf %s \"$1\" >/proc/$$/comm; [[ $2 = TERM ]] || { kill -s TERM \"$3\"; sleep 0.3; }; kill -s \"$2\" \"$3\"";
        let pid = process.pid().to_string();
        Process::start(Command::new("bash").args(["-c", script, "bash", sender, signal, &pid])).wait();
    }
    process.wait();
}

fn itself() -> Command {
    Command::new(env::current_exe().expect("a program has a path"))
}

/// What a process of the cast does: waits for its end, and brings it about if it fails by itself.
fn act(name: &str, signal: &str) {
    fs::write("/proc/self/comm", name).expect("a process chooses its name");
    if signal == "KILL" {
        // SAFETY: nothing is run when the signal comes.
        unsafe { nix::sys::signal::signal(Signal::SIGTERM, SigHandler::SigIgn) }
            .expect("SIGTERM can be ignored");
    }
    eprintln!("{name} waits for its end");
    io::stdout().write_all(b"ready\n").expect("somebody waits for this");
    io::stdin().read_line(&mut String::new()).expect("somebody says when");
    match signal {
        "ABRT" => process::abort(),
        // SAFETY: it is not: this is to fail.
        _ => unsafe { ptr::null::<u8>().wrapping_add(8).read_volatile() },
    };
}
