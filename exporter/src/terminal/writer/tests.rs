//! Tests of the writer: outputs that are slow, closed, full or stuck, and an account that holds with all of them.

use std::{
    fs::File,
    io::{BufRead, BufReader, PipeReader, PipeWriter, pipe},
    sync::{Mutex, mpsc},
};

use super::*;
use crate::{
    event::examples::call_event as example,
    terminal::{Columns, Form, Options},
};

const N: u64 = 200_000;
const SOON: Duration = Duration::from_mins(1);
const JSON: Options = Options { form: Form::Json, header: true, color: false, count: None };

/// Keeps what is written, after a pause for each piece.
#[derive(Clone, Default)]
struct Memory {
    text: Arc<Mutex<Vec<u8>>>,
    pause: Duration,
}

impl Memory {
    fn n_lines(&self) -> u64 {
        self.text.lock().unwrap().split(|byte| *byte == b'\n').count() as u64 - 1
    }
}

impl Write for Memory {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        thread::sleep(self.pause);
        self.text.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Offers so many events, waits for them to be written, and gives the outcome and the closed account.
async fn flood(options: Options, n: u64, out: impl Write + Send + 'static) -> (Outcome, Arc<Ledger>) {
    let ledger = Arc::new(Ledger::default());
    let (sender, handle) = Output::new(options).start(ledger.clone(), out).unwrap();
    (0..n).for_each(|_| sender.offer(&example()));
    let outcome = handle.finish(SOON).await;
    assert_eq!(ledger.n_pending(), 0);
    (outcome, ledger)
}

/// A pipe whose writer would wait for ever once it is full.
fn stuck() -> (PipeReader, PipeWriter) {
    pipe().unwrap()
}

#[tokio::test]
async fn everything_written_is_delivered_and_everything_else_is_lost() {
    for pause in [Duration::ZERO, Duration::from_millis(2)] {
        let out = Memory { pause, ..Memory::default() };
        let (outcome, ledger) = flood(JSON, N, out.clone()).await;
        assert!(matches!(outcome, Outcome::Done), "{outcome:?}");
        assert_eq!(out.n_lines(), ledger.n_delivered());
        assert_eq!(ledger.n_delivered() + ledger.n_lost(Stage::Queue), N);
    }
}

#[tokio::test]
async fn a_slow_reader_costs_events_and_the_offering_does_not_wait_for_it() {
    let (mut reader, writer) = stuck();
    let ledger = Arc::new(Ledger::default());
    let (sender, handle) = Output::new(JSON).start(ledger.clone(), writer).unwrap();
    (0..N).for_each(|_| sender.offer(&example()));
    assert!(ledger.n_lost(Stage::Queue) > 0);
    let reading = thread::spawn(move || io::copy(&mut reader, &mut io::sink()).unwrap());
    assert!(matches!(handle.finish(SOON).await, Outcome::Done));
    drop(sender);
    assert!(reading.join().unwrap() > 0);
    assert_eq!(ledger.n_delivered() + ledger.n_lost(Stage::Queue), N);
}

#[tokio::test]
async fn a_reader_that_is_gone_ends_the_writing_quietly() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let (outcome, ledger) = flood(JSON, N, writer).await;
    assert!(matches!(outcome, Outcome::Closed), "{outcome:?}");
    assert_eq!(ledger.n_lost(Stage::Queue) + ledger.n_lost(Stage::Shutdown), N);
}

#[tokio::test]
async fn a_reader_that_goes_ends_a_flood() {
    let (mut reader, writer) = pipe().unwrap();
    let head = thread::spawn(move || io::copy(&mut io::Read::take(&mut reader, 100_000), &mut io::sink()));
    let (outcome, ledger) = flood(JSON, N, writer).await;
    assert_eq!(head.join().unwrap().unwrap(), 100_000);
    assert!(matches!(outcome, Outcome::Closed), "{outcome:?}");
    assert_eq!(ledger.n_delivered() + ledger.n_lost_in_all(), N);
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_says_so() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (outcome, ledger) = flood(JSON, N, full).await;
    assert!(
        matches!(&outcome, Outcome::Failed(error) if error.kind() == ErrorKind::StorageFull),
        "{outcome:?}"
    );
    assert_eq!(ledger.n_delivered(), 0);
    assert_eq!(ledger.n_lost(Stage::Queue) + ledger.n_lost(Stage::Failed), N);
}

#[tokio::test]
async fn an_output_that_panics_fails_and_its_events_are_lost() {
    struct Panics;
    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("on purpose")
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (outcome, ledger) = flood(JSON, 10, Panics).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(ledger.n_lost(Stage::Failed) + ledger.n_lost(Stage::Shutdown), 10);
}

#[tokio::test]
async fn a_reader_that_is_stuck_does_not_keep_the_end_from_coming() {
    let (_reader, writer) = stuck();
    let ledger = Arc::new(Ledger::default());
    let (sender, handle) = Output::new(JSON).start(ledger.clone(), writer).unwrap();
    (0..10_000).for_each(|_| sender.offer(&example()));
    let outcome = handle.finish(Duration::from_millis(50)).await;
    assert!(matches!(outcome, Outcome::TimedOut), "{outcome:?}");
    assert_eq!((ledger.n_pending(), ledger.n_delivered() + ledger.n_lost(Stage::Shutdown)), (0, 10_000));
}

#[tokio::test]
async fn header_and_lines_appear_without_waiting_for_more() {
    let (reader, writer) = pipe().unwrap();
    let (lines, line) = mpsc::channel();
    thread::spawn(move || BufReader::new(reader).lines().try_for_each(|text| lines.send(text.unwrap())));
    let options = Options { form: Form::Table(Columns::default()), ..JSON };
    let (sender, handle) = Output::new(options).start(Arc::default(), writer).unwrap();
    assert!(line.recv_timeout(SOON).unwrap().starts_with("TIME      PID "));
    for _ in 0..3 {
        sender.offer(&example());
        assert!(line.recv_timeout(SOON).unwrap().ends_with("-3"));
    }
    assert!(matches!(handle.finish(SOON).await, Outcome::Done));
}

#[tokio::test]
async fn a_table_without_its_header_and_json_start_with_an_event() {
    let table = Options { form: Form::Table(Columns::default()), header: false, color: false, count: None };
    for options in [table, JSON] {
        let out = Memory::default();
        flood(options, 2, out.clone()).await;
        assert_eq!(out.n_lines(), 2);
    }
}

#[tokio::test]
async fn after_the_count_it_ends_by_itself_with_as_many_lines() {
    let (out, ledger) = (Memory::default(), Arc::new(Ledger::default()));
    let options = Options { count: Some(1000), ..JSON };
    let (sender, mut handle) = Output::new(options).start(ledger.clone(), out.clone()).unwrap();
    (0..N).for_each(|_| sender.offer(&example()));
    handle.ended().await;
    handle.ended().await;
    assert!(matches!(handle.finish(SOON).await, Outcome::Done));
    assert_eq!((out.n_lines(), ledger.n_delivered(), ledger.n_lost_in_all()), (1000, 1000, 0));
}
