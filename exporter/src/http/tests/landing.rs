//! The page at `/`, what it loads and may do, and who may wait for it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::event::examples;

/// A server that shows the death of nginx.
fn showing() -> Running {
    let recent = Arc::new(Recent::new(10, Arc::default()));
    recent.push(&examples::death_event());
    let page = Page::new(Fake::new(fake::snapshot(|_| 0)), []);
    let router = router(&args(&["--web.show-events"]), page, landing(Some(recent)), ready());
    Running::start(router, Limits::default())
}

/// The values of an attribute that are paths.
fn paths<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let values = page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
    values.filter(|value| value.starts_with('/')).collect()
}

#[tokio::test]
async fn the_page_names_who_died_only_if_the_operator_said_so() {
    for (server, names) in [(running(), false), (showing(), true)] {
        let page = server.get("/", "").await;
        assert_eq!(page.body().contains("nginx"), names);
        assert!(page.has("cache-control: no-store"));
        let lines = server.get("/deaths.jsonl", "").await;
        assert_eq!(lines.status(), Some(if names { 200 } else { 403 }));
        assert!(
            lines.body().contains(if names { "\"comm\":\"nginx\"" } else { "--web.show-events" }),
            "{lines:?}"
        );
        server.end().await;
    }
}

#[tokio::test]
async fn the_page_may_load_what_is_served_beside_it_and_nothing_else() {
    let server = showing();
    let page = server.get("/", "").await;
    let policy = "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                  connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for header in [
        policy,
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(page.has(header), "{header}: {}", page.head());
    }
    let body = page.body();
    // Everything that it names is there, and no style or script is in it.
    let all = [paths(&body, "href=\""), paths(&body, "src=\"")].concat();
    assert!(all.len() >= 8, "{all:?}");
    for path in &all {
        assert_eq!(server.get(path, "").await.status(), Some(200), "{path}");
    }
    assert!(!["<style", " style=", " onclick=", "javascript:"].iter().any(|inline| body.contains(inline)));
    for (part, content_type) in [
        ("style-", "text/css; charset=utf-8"),
        ("script-", "text/javascript; charset=utf-8"),
        ("icon-", "image/svg+xml"),
    ] {
        let asset = server.get(all.iter().find(|path| path.contains(part)).unwrap(), "").await;
        assert!(asset.has(&format!("content-type: {content_type}")), "{}", asset.head());
        assert!(asset.has("cache-control: public, max-age=31536000, immutable"));
        assert!(asset.head().contains("content-security-policy: default-src 'none'; base-uri"));
    }
    server.end().await;
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = showing();
    let page = server.get("/", "").await;
    let tag = page.head().lines().find_map(|line| Some(line.strip_prefix("etag: ")?.to_owned())).unwrap();
    let tag = tag.replace("w/", "W/");
    let again = server.get("/", &format!("If-None-Match: {tag}\r\n")).await;
    assert_eq!((again.status(), again.body().as_str()), (Some(304), ""));
    assert!(again.head().contains("\ncontent-security-policy: default-src 'none'; script-src 'self'"));
    for other in ["/?process=nobody", "/?signal=15"] {
        let other = server.get(other, &format!("If-None-Match: {tag}\r\n")).await;
        assert_eq!(other.status(), Some(200));
    }
    server.end().await;
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused_with_the_reason() {
    let server = showing();
    for path in ["/?signal=SIGFOO", "/deaths.jsonl?signal=SIGFOO"] {
        let answer = server.get(path, "").await;
        assert_eq!(answer.status(), Some(400), "{path}");
        assert!(answer.body().contains("SIGFOO"), "{path}");
    }
    let long = format!("/?process={}", "x".repeat(12_000));
    let answer = server.get(&long, "").await;
    assert_eq!(answer.status(), Some(400));
    assert!(answer.body().len() < 20_000, "what is too long is not sent back");
    server.end().await;
}

/// Counters that take their time.
struct Slow(std::sync::mpsc::Receiver<()>);

impl crate::counters::Counters for std::sync::Mutex<Slow> {
    fn snapshot(&self) -> std::io::Result<crate::counters::Snapshot> {
        // Ends when the test lets go of the other side.
        while self.lock().unwrap().0.recv().is_ok() {}
        Ok(fake::snapshot(|_| 0))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_wait_for_a_slow_page_scrapes_go_on_and_those_that_are_too_many_are_told() {
    let (hold, receiver) = std::sync::mpsc::channel();
    let landing = Arc::new(Landing::new(Arc::new(std::sync::Mutex::new(Slow(receiver))), []));
    let page = Page::new(Fake::new(fake::snapshot(|_| 0)), []);
    let server = Running::start(router(&args(&[]), page, landing, ready()), Limits::default());
    let (answered, mut answers) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..40 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let answered = answered.clone();
        tokio::spawn(async move {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answered.send(answer).unwrap();
        });
    }
    // Answers come to those alone for whom there is no place, whoever came first.
    for _ in 0..24 {
        let answer = answers.recv().await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 1"), "{answer}");
    }
    for _ in 0..20 {
        assert_eq!(server.get("/metrics", "").await.status(), Some(200));
    }
    drop(hold);
    for _ in 0..16 {
        let answer = answers.recv().await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    server.end().await;
}
