//! What the log says of a collector that fails.

use std::sync::Mutex;

use super::*;

/// What is written to the log while a future runs; works on a runtime of one thread.
pub(in crate::otlp) async fn logged(future: impl Future<Output = ()>) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&lines);
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(move || Lines(Arc::clone(&writer)))
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    future.await;
    drop(guard);
    let text = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_outage_is_told_when_it_begins_and_when_it_ends_and_not_between() {
    let down = vec![Answer::Http(503, vec![], "busy"); 6];
    let collector = Collector::start(down, Answer::Take).await;
    let lines = logged(async {
        assert_eq!(send(&plain(&collector, "http/protobuf"), 30).await, (30, [0; 4]));
    })
    .await;
    let target = format!("http://{}/v1/logs", collector.address);
    let expected = [
        format!("INFO events go to {target} by OTLP over http/protobuf"),
        format!(
            "WARN {target} takes no events, which wait and are sent again: HTTP status 503 Service Unavailable (\"busy\")"
        ),
        format!("INFO {target} takes events again"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(n_taken(&collector), 30);
}

#[tokio::test]
async fn losses_and_rejections_are_told_at_a_bounded_rate() {
    let mut answers = vec![Answer::Reject(1, "too old"); 5];
    answers.extend(vec![Answer::Http(400, vec![], "bad"); 5]);
    let collector = Collector::start(answers, Answer::Take).await;
    let lines = logged(async {
        assert_eq!(send(&plain(&collector, "http/protobuf"), 100).await, (45, [0, 5, 50, 0]));
    })
    .await;
    let begins = |text: &str| lines.iter().filter(|line| line.starts_with(text)).count();
    assert_eq!((begins("WARN"), begins("ERROR"), lines.len()), (1, 1, 3), "{lines:#?}");
    assert_eq!(n_taken(&collector), 45);
}
