//! The thread that writes. Whoever offers events never waits for it, because a terminal can be as slow as a person.

use std::{
    io::{self, ErrorKind, Write},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::{Output, queue::Queue};
use crate::{
    event::Event,
    ledger::{Ledger, Stage},
};

/// Events that are written at once if that many wait; a tenth of a megabyte of text or so. If fewer wait they are
/// written too: no line is held back for others to come.
const CHUNK: usize = 1024;

/// Why the writing ended.
#[derive(Debug)]
pub enum Outcome {
    /// All that was wanted is written.
    Done,
    /// Nobody reads any more, as after `| head`. What was not written is lost at [`Stage::Shutdown`].
    Closed,
    /// It could not be written, for instance because the disk is full. What was not written is lost at
    /// [`Stage::Failed`]; some of its last lines may have been written.
    Failed(io::Error),
    /// The reader did not take what was left in the time that it was given. That is lost at [`Stage::Shutdown`].
    TimedOut,
}

/// Where events are offered. Clones offer to the same output.
#[derive(Clone, Debug)]
pub struct Sender {
    queue: Arc<Queue>,
}

impl Sender {
    /// Hands over an event to be written. Never waits: what finds no room is lost at [`Stage::Queue`].
    pub fn offer(&self, event: &Event) {
        self.queue.offer(event);
    }
}

/// The end of the writing, for whoever started it.
#[derive(Debug)]
pub struct Handle {
    queue: Arc<Queue>,
    end: oneshot::Receiver<Outcome>,
    outcome: Option<Outcome>,
}

impl Handle {
    /// Waits until the writing has ended by itself: enough events were written, or they could not be. Then
    /// [`Handle::finish`] has the outcome. May be dropped and called again.
    pub async fn ended(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some((&mut self.end).await.unwrap_or_else(|_| self.panicked()));
        }
    }

    /// Has everything that waits written, but for no longer than this: a pager that nobody scrolls must not keep the
    /// exporter from ending. What is offered from now on is lost.
    pub async fn finish(mut self, within: Duration) -> Outcome {
        self.queue.finish();
        if timeout(within, self.ended()).await.is_err() {
            self.queue.give_up(Stage::Shutdown);
        }
        self.outcome.take().unwrap_or(Outcome::TimedOut)
    }

    fn panicked(&self) -> Outcome {
        self.queue.give_up(Stage::Failed);
        Outcome::Failed(io::Error::other("the thread that writes panicked"))
    }
}

impl Output {
    /// Starts to write events to `out`, each as soon as it was offered. The ledger is for this output alone: whatever is
    /// pending in it when the writing fails is counted as lost.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(
        self,
        ledger: Arc<Ledger>,
        out: impl Write + Send + 'static,
    ) -> io::Result<(Sender, Handle)> {
        let queue = Arc::new(Queue::new(self.options.count, ledger));
        let sender = Sender { queue: queue.clone() };
        let (report, end) = oneshot::channel();
        let handle = Handle { queue: queue.clone(), end, outcome: None };
        thread::Builder::new().name("terminal".into()).spawn(move || {
            let outcome = run(self, &queue, out);
            // An outcome that comes back was wanted by nobody: its handle is gone.
            drop(report.send(outcome));
        })?;
        Ok((sender, handle))
    }
}

fn run(output: Output, queue: &Queue, out: impl Write) -> Outcome {
    match write_all(output, queue, out) {
        Ok(()) => Outcome::Done,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            queue.give_up(Stage::Shutdown);
            Outcome::Closed
        }
        Err(error) => {
            queue.give_up(Stage::Failed);
            Outcome::Failed(error)
        }
    }
}

/// Writes until no more events come.
fn write_all(Output { options, mut printer }: Output, queue: &Queue, mut out: impl Write) -> io::Result<()> {
    let mut text = Vec::new();
    if options.header {
        printer.header(&mut text);
        put(&mut out, &mut text)?;
    }
    let mut batch = Vec::new();
    while queue.take(&mut batch) {
        for events in batch.chunks(CHUNK) {
            for event in events {
                printer.line(event, &mut text);
            }
            put(&mut out, &mut text)?;
            queue.delivered(events.len());
        }
        batch.clear();
    }
    Ok(())
}

fn put(out: &mut impl Write, text: &mut Vec<u8>) -> io::Result<()> {
    out.write_all(text)?;
    text.clear();
    out.flush()
}

#[cfg(test)]
mod tests;
