//! What stands on the page, whatever others call themselves.

use std::{cell::RefCell, sync::atomic::Ordering::Relaxed};

use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use proptest::prelude::*;

use super::*;
use crate::{
    cgroup::{Container, Place, Pod},
    event::{Comm, Death, Event, OomKill, examples},
    metrics::fake::{self, Fake},
    verdict::printable::is_dangerous,
};

/// What a hostile process may be called.
const HOSTILE: [&str; 10] = [
    "<script>alert(1)",
    "</td></table>",
    "\"><img src=x on",
    "' onclick='x",
    "a\nb\tc\rd",
    "\u{202e}gnp.exe",
    "\u{1b}[31mred",
    "&lt;&amp;&#60;",
    "<!--",
    "]]>{{7*7}}${7}",
];

fn paths() -> Paths {
    Paths {
        links: vec![("/metrics".to_owned(), "Metrics")],
        style: "/assets/style.css".to_owned(),
        script: "/assets/script.js".to_owned(),
        icon: "/assets/icon.svg".to_owned(),
        lines: "/deaths.jsonl",
    }
}

fn landing(events: &[Event]) -> Landing {
    let recent = Recent::new(1000, Arc::default());
    for event in events {
        recent.push(event);
    }
    let counters = Fake::new(fake::snapshot(|_| 0));
    Landing::new(counters, [("otlp", fake::ledger())]).with_deaths(Some(Arc::new(recent)))
}

fn html(landing: &Landing, query: &str) -> String {
    landing.html(query, true, &paths()).text
}

/// A death in which everybody and everything is called like this.
fn death_of(name: &str, at_ns: u64) -> Death {
    let name = name.to_owned();
    let place = Arc::new(Place {
        path: format!("/{name}"),
        container: Some(Container { id: name.clone(), name: Some(name.clone()), ..Container::default() }),
        pod: Some(Pod { uid: name.clone(), name: Some(name.clone()), namespace: Some(name.clone()) }),
        unit: Some(name.clone()),
    });
    let comm = Comm::of(&name[..name.floor_char_boundary(15)]);
    let mut death = examples::death();
    death.time.boot_ns += at_ns;
    for process in [Some(&mut death.victim), death.fatal.as_mut().and_then(|fatal| fatal.sender.as_mut())] {
        let process = process.unwrap();
        (process.comm, process.place) = (comm, Some(Arc::clone(&place)));
    }
    for background in [&mut death.victim_background, &mut death.sender_background] {
        (background.exe, background.command) = (Some(name.clone()), Some(name.clone()));
        background.ancestors = vec![(1, comm)];
    }
    death.memory = Some(examples::oom_kill().memory);
    death
}

fn event(death: Death) -> Event {
    Event::Death(Arc::new(death))
}

/// The elements and the names of their attributes, in the order of a parser as browsers have it.
fn structure(page: &str) -> Vec<String> {
    #[derive(Default)]
    struct Tags(RefCell<Vec<String>>);
    impl TokenSink for Tags {
        type Handle = ();
        fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
            let tag = match token {
                Token::TagToken(tag) => {
                    let names: Vec<_> = tag.attrs.iter().map(|attr| &*attr.name.local).collect();
                    format!("{:?} {} {names:?}", tag.kind, tag.name)
                }
                Token::CommentToken(text) => format!("comment {text}"),
                Token::ParseError(error) => format!("error {error}"),
                _ => return TokenSinkResult::Continue,
            };
            self.0.borrow_mut().push(tag);
            TokenSinkResult::Continue
        }
    }
    let tokenizer =
        Tokenizer::new(Tags::default(), TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() });
    let input = BufferQueue::default();
    input.push_back(page.into());
    _ = tokenizer.feed(&input);
    assert!(input.is_empty());
    tokenizer.end();
    tokenizer.sink.0.take()
}

/// What a parser complains of, and elements that are not closed where they should be.
fn errors(page: &str) -> Vec<String> {
    const VOID: [&str; 4] = ["meta", "link", "input", "br"];
    let (mut open, mut errors) = (vec![], vec![]);
    for tag in structure(page) {
        match tag.split(' ').collect::<Vec<_>>()[..] {
            ["StartTag", name, ..] if !VOID.contains(&name) => open.push(name.to_owned()),
            ["EndTag", name, ..] if open.pop().as_deref() != Some(name) => errors.push(tag),
            ["comment" | "error", ..] => errors.push(tag),
            _ => {}
        }
    }
    errors.extend(open);
    errors
}

#[test]
fn a_browser_s_parser_has_nothing_to_say_about_the_page_and_notices_a_broken_one() {
    let all = landing(&[event(death_of("web", 0)), Event::OomKill(Arc::new(examples::oom_kill()))]);
    let off = Landing::new(Fake::new(fake::snapshot(|_| 0)), []);
    for page in [html(&all, ""), html(&all, "process=nobody"), html(&all, "signal=x"), html(&off, "")] {
        assert_eq!(errors(&page), Vec::<String>::new(), "{page}");
        for (from, to) in [("</section>", "</div>"), ("<h1>", "<h1 <"), ("</h1>", "</h1><!-- -->")] {
            assert_ne!(errors(&page.replacen(from, to, 1)), Vec::<String>::new(), "{to}");
        }
    }
}

#[test]
fn no_name_makes_markup_and_each_is_shown_as_text() {
    let plain = structure(&html(&landing(&[event(death_of("web", 0))]), "process=web"));
    for name in HOSTILE {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("process", name).finish();
        let all = landing(&[event(death_of(name, 0))]);
        // The form shows what was typed; the name is found by it.
        let page = html(&all, &query);
        assert_eq!(structure(&page), plain, "{name:?}");
        assert!(!page.contains(|char| char != '\n' && is_dangerous(char)), "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_page_has_the_same_elements_whatever_anybody_is_called(name in "[<>&\"'/=!\\-a-z\u{202e}\n\u{1b} \u{5d0}]{1,60}", query in "[a-z=&%<>\"' +0-9]{0,40}") {
        let plain = landing(&[event(death_of("web", 0)), event(death_of("web", 1))]);
        let hostile = landing(&[event(death_of(&name, 0)), event(death_of(&name, 1))]);
        // Some facts are not shown where a name is empty, as one of blanks is not.
        prop_assert_eq!(structure(&html(&hostile, "")), structure(&html(&plain, "")));
        for tag in structure(&html(&hostile, &query)) {
            prop_assert!(!tag.starts_with("error") && !tag.starts_with("comment"), "{}", tag);
        }
    }
}

#[test]
fn the_last_death_comes_first_with_all_that_is_known_of_it() {
    let page = html(&landing(&[event(death_of("first", 0)), event(death_of("second", 1))]), "");
    let of_rows = &page[page.find("<tbody id=\"rows\"").unwrap()..];
    assert!(of_rows.find(">second<").unwrap() < of_rows.find(">first<").unwrap());
    for part in [
        "datetime=\"2023-11-14T22:13:20.123456789Z\"",
        "<bdo dir=\"ltr\">kill() by second (612, uid 994",
        "0.3 s before</span>",
        "<b>SIGTERM</b>",
        "exit status 137",
        "250.0 MiB",
        "href=\"?by=name%3Asecond\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn what_is_asked_for_is_shown_and_how_many_there_are() {
    let deaths: Vec<_> =
        (0..120).map(|at| event(death_of(if at % 2 == 0 { "even" } else { "odd" }, at))).collect();
    let all = landing(&deaths);
    let n_rows = |page: &str| page.matches("<tr id=\"death-").count();
    let first = html(&all, "process=odd");
    assert_eq!(n_rows(&first), 50);
    assert!(first.contains("<b>60</b> of 120 deaths") && first.contains("the last 50 of them are shown"));
    let older = first
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|href| href.contains("before="));
    let older = older.unwrap().replace("&amp;", "&");
    let second = html(&all, older.strip_prefix('?').unwrap());
    assert_eq!(n_rows(&second), 10);
    assert!(!second.contains("before=") && second.contains(">Newest</a>"));
    assert_eq!(n_rows(&html(&all, "process=nobody")), 0);
}

#[test]
fn an_empty_page_says_why_and_what_to_do() {
    let page = |landing: &Landing, query| html(landing, query);
    assert!(page(&landing(&[]), "").contains("No process was ended by a signal since"));
    let some = landing(&[event(death_of("web", 0))]);
    assert!(page(&some, "process=nobody").contains("None of the 1 deaths known"));
    assert!(page(&some, "before=1").contains("There are no older ones"));
    let off = Landing::new(Fake::new(fake::snapshot(|_| 0)), []);
    assert!(page(&off, "").contains("--web.show-events"));
}

#[test]
fn nobody_is_named_unless_the_operator_wants_it() {
    let off = Landing::new(Fake::new(fake::snapshot(|_| 0)), []).with_deaths(None);
    let page = html(&off, "process=web&signal=SIGKILL");
    assert!(!["<table class=\"deaths\"", "<form", "<svg"].iter().any(|part| page.contains(part)), "{page}");
    assert!(off.lines("").is_none() && !off.shows_deaths());
}

#[test]
fn what_was_not_understood_is_told_beside_its_field_and_nothing_is_shown() {
    let all = landing(&[event(death_of("web", 0))]);
    let answer = all.html("signal=SIGFOO%3Cb%3E", true, &paths());
    assert!(!answer.is_understood);
    assert!(answer.text.contains("id=\"signal-error\" role=\"alert\""));
    assert!(answer.text.contains("SIGFOO&lt;b&gt;") && !answer.text.contains("death-"));
    assert_eq!(all.lines("signal=x&cause=y").unwrap().unwrap_err().lines().count(), 2);
}

#[test]
fn lines_for_scripts_are_json_of_the_same_deaths() {
    let all = landing(&[
        event(death_of("web", 0)),
        event(death_of("<b>\n", 1)),
        Event::OomKill(Arc::new(OomKill { ..examples::oom_kill() })),
    ]);
    let lines = all.lines("cause=kill").unwrap().unwrap();
    let pids: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].clone())
        .collect();
    assert_eq!(pids, ["death", "death"]);
    assert_eq!(all.lines("").unwrap().unwrap().lines().count(), 3);
}

#[test]
fn what_is_lost_or_cannot_be_seen_is_told_first_of_all() {
    let page = html(&landing(&[]), "");
    assert!(page.contains("class=\"state loss\"") && page.contains("Watching, something was missed"));
    assert!(
        page.contains("Events lost at the stage ring: 3")
            && page.contains("Events lost at the stage otlp_queue: 3")
    );
    assert!(page.contains("calls of 32-bit programs are not counted"));
    let refused = Landing::new(Arc::new(Fake::default()), []);
    assert!(html(&refused, "").contains("The kernel does not give its counters"));
    let mut quiet = fake::snapshot(|_| 0);
    quiet.lost.clear();
    quiet.n_undecodable = 0;
    quiet.programs.retain(|program| program.attached);
    quiet.features.clear();
    let quiet = Landing::new(Fake::new(quiet), []);
    assert!(html(&quiet, "").contains("Watching, nothing was missed"));
    let ended = quiet.html("", false, &paths()).text;
    assert!(ended.contains("Not watching") && ended.contains("The hooks are not attached"));
}

#[test]
fn however_often_people_look_the_kernel_is_asked_seldom() {
    let counters = Fake::new(fake::snapshot(|_| 0));
    let landing = Landing::new(Arc::clone(&counters) as Arc<dyn Counters>, [])
        .with_deaths(Some(Arc::new(Recent::new(1, Arc::default()))));
    for _ in 0..100 {
        html(&landing, "");
        landing.sample();
    }
    assert_eq!(counters.n_reads.load(Relaxed), 1);
}
