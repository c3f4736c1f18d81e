//! The page at `/` in a real browser: live, without scripts, by keyboard, and in the hands of processes with hostile names.

use std::process::Command;

use killsnoop_tests::{browser::Browser, eventually, exporter::Exporter, process::Process};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use thirtyfour::Key;

/// What markup, scripts, lines and the order of letters would be broken by. A name has 15 bytes at most.
const HOSTILE: [&str; 6] = [
    "<script>x=1//",
    "</td></table>",
    "\"'><img src=x",
    "a\nb\tc\u{1b}[31m",
    "\u{202e}\u{5d0}\u{5d1}gnp",
    "&lt;&amp;&#60;",
];

fn exporter() -> Exporter {
    Exporter::start(&["--web.show-events", "--control.socket="])
}

/// A process with this name that ignores SIGTERM and goes on until it is killed.
fn victim(name: &str) -> Process {
    // What it calls itself becomes its name in the kernel, in one piece.
    let script = "$0 = $ARGV[0]; $SIG{TERM} = 'IGNORE'; $| = 1; print \"ready\\n\"; <STDIN>";
    let process = Process::start(Command::new("perl").args(["-e", script, name]));
    process.stdout.find(|line| (line == "ready").then_some(()));
    process
}

/// Kills it, and waits until the exporter shows that; returns its pid.
fn killed(exporter: &Exporter, name: &str) -> u32 {
    let mut process = victim(name);
    let pid = process.pid();
    process.signal(Signal::SIGTERM);
    process.signal(Signal::SIGKILL);
    process.wait();
    let query = format!("/deaths.jsonl?process=pid:{pid}");
    eventually(|| (!exporter.get(&query).body.is_empty()).then_some(()), || format!("no death of {pid}"));
    pid
}

/// The page of what this process has killed: only so many deaths are on a page, and other tests kill, too.
fn ours() -> String {
    format!("/?by=pid:{}", std::process::id())
}

/// The row of a process on the page.
fn row(pid: u32) -> String {
    format!("document.querySelector('tr[id^=\"death-{pid}-\"]')")
}

#[test]
fn processes_with_hostile_names_appear_by_themselves_as_text_and_nothing_of_them_runs() {
    let (exporter, browser) = (exporter(), Browser::start());
    let first = killed(&exporter, "first");
    browser.open(&exporter.address, &ours());
    browser.until(&format!("{} !== null", row(first)));
    // Whoever reads a row goes on to do so, and no page is loaded anew.
    browser.run(&format!("window.mark = 1; const row = {}; row.querySelector('summary').focus(); row.querySelector('details').open = true", row(first)), &[]);
    let n_elements = |pid: u32| {
        browser.value(&format!("[...{}.querySelectorAll('*')].map((one) => one.localName).join()", row(pid)))
    };
    for name in HOSTILE {
        let pid = killed(&exporter, name);
        browser.until(&format!("{} !== null", row(pid)));
        let shown = browser.value(&format!("{}.querySelector('.name').textContent", row(pid)));
        let escaped = name
            .replace('\n', "\\n")
            .replace('\t', "\\t")
            .replace('\u{1b}', "\\x1b")
            .replace('\u{202e}', "\\u{202e}");
        assert_eq!(shown, escaped.as_str(), "{name:?}");
        assert_eq!(n_elements(pid), n_elements(first), "{name:?}");
    }
    let state = browser.value(&format!(
        "[window.mark, window.x ?? 0, document.scripts.length, {0}.contains(document.activeElement), {0}.querySelector('details').open]",
        row(first)
    ));
    assert_eq!(state, json!([1, 0, 1, true, true]));
    let told = browser.texts("#news");
    assert!(told[0].starts_with("New: ") && told[0].contains("died of SIGKILL"), "{told:?}");
    let chain = browser.value(&format!("{}.querySelector('.chain').innerText", row(first)));
    let chain = chain.as_str().unwrap();
    assert!(
        chain.contains("SIGTERM") && chain.contains("ignored") && chain.contains("exit status 137"),
        "{chain}"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());

    // What would be amiss is noticed: a script in the page does not run, and the browser says so.
    browser.run("const one = document.createElement('script'); one.textContent = 'window.x = 1'; document.body.append(one)", &[]);
    assert_eq!(browser.value("window.x ?? 0"), 0);
    let complaints = browser.complaints();
    assert!(complaints.iter().any(|one| one.contains("Content Security Policy")), "{complaints:?}");
}

#[test]
fn the_chart_counts_deaths_and_shows_them_as_a_table_too_until_somebody_pauses_it() {
    let (exporter, browser) = (exporter(), Browser::start());
    browser.open(&exporter.address, &ours());
    killed(&exporter, "counted");
    let has_bar = "document.querySelector('#chart rect.killed') !== null && document.querySelector('#chart-table td') !== null";
    browser.until(has_bar);
    let label = browser.value("document.querySelector('#chart svg').getAttribute('aria-label')");
    assert!(label.as_str().unwrap().contains("in the last hour, at most"), "{label}");
    // Whoever pauses it has time to read.
    browser.run("document.getElementById('pause').click()", &[]);
    let pid = killed(&exporter, "paused");
    assert_eq!((browser.texts("#live"), browser.value(&row(pid))), (vec!["Paused".to_owned()], Value::Null));
    browser.run("document.getElementById('pause').click()", &[]);
    browser.until(&format!("{} !== null", row(pid)));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn without_scripts_the_page_is_whole_and_its_form_finds_what_is_asked_for() {
    let (exporter, browser) = (exporter(), Browser::start());
    let (one, other) = (killed(&exporter, "<b>one"), killed(&exporter, "other"));
    browser.command("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    browser.open(&exporter.address, &ours());
    assert_eq!(browser.value("document.getElementById('pause').hidden"), true, "no script ran");
    let pids = || browser.texts("#rows .pid");
    let has = |pid: u32| pids().contains(&pid.to_string());
    assert!(has(one) && has(other), "{:?}", pids());

    browser.press("#process", "<b>one");
    browser.press("#signal", "kill");
    browser.press("#signal", Key::Enter.value().to_string());
    browser.until("location.search.includes('signal=kill')");
    assert!(has(one) && !has(other), "{:?}", pids());
    assert_eq!(browser.value("document.getElementById('process').value"), "<b>one");
    // What is open shows what was sent before.
    browser.run("document.querySelector('#rows summary').focus()", &[]);
    browser.key(Key::Enter);
    browser.until("document.querySelector('#rows details').open");
    browser.press(".similar a", Key::Enter.value().to_string());
    browser.until("location.search.startsWith('?process=name')");
    assert!(has(one) && !has(other), "{:?}", pids());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn everything_on_the_page_can_be_reached_and_opened_by_keyboard() {
    let (exporter, browser) = (exporter(), Browser::start());
    killed(&exporter, "reached");
    browser.open(&exporter.address, "/?process=reached");
    browser.run("document.getElementById('pause').click(); document.querySelector('#rows details').open = true; document.activeElement.blur()", &[]);
    let all = browser.value(
        "[...document.querySelectorAll('a[href], button, input, select, summary')].map((one, at) => one.dataset.at = at).length",
    );
    let mut reached = Vec::new();
    for _ in 0..all.as_u64().unwrap() {
        browser.key(Key::Tab);
        let here = browser.run(
            "const one = document.activeElement; const style = getComputedStyle(one);
             return [Number(one.dataset.at), style.outlineStyle !== 'none' && one.getBoundingClientRect().left >= 0]",
            &[],
        );
        assert_eq!(
            here[1],
            true,
            "what has the focus is seen to have it: {}",
            browser.value("document.activeElement.outerHTML")
        );
        reached.push(here[0].clone());
    }
    let in_order: Vec<Value> = (0..reached.len()).map(Value::from).collect();
    assert_eq!(reached, in_order, "from top to bottom, and nothing is left out");
}

#[test]
fn no_barrier_is_found_in_light_or_dark_wide_or_narrow_with_or_without_deaths() {
    let (shown, hidden, browser) = (exporter(), Exporter::start(&["--control.socket="]), Browser::start());
    killed(&shown, "<b>axe");
    for (exporter, path) in
        [(&shown, "/"), (&shown, "/?signal=nonsense"), (&shown, "/?process=nobody"), (&hidden, "/")]
    {
        for (scheme, width) in [("light", 1280), ("dark", 1280), ("dark", 390)] {
            browser.prefer(scheme);
            browser.resize(width, 900);
            browser.open(&exporter.address, path);
            browser.run("document.querySelectorAll('details').forEach((one) => one.open = true)", &[]);
            assert_eq!(browser.barriers(), Vec::<String>::new(), "{path} {scheme} {width}");
            let too_wide = browser.value(
                "[...document.querySelectorAll('main *')].filter((one) => document.documentElement.scrollWidth > innerWidth
                    && one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 99))",
            );
            assert_eq!(too_wide, json!([]), "{path} {scheme} {width}: nobody has to scroll sideways");
        }
    }
    // It does look: an image without words, and words that are hardly seen.
    browser.run("document.querySelector('h1').append(new Image()); document.styleSheets[0].insertRule('h2 { color: #777; background: #888 }')", &[]);
    let found = browser.barriers().join("\n");
    assert!(found.contains("image-alt") && found.contains("color-contrast"), "{found}");
}
