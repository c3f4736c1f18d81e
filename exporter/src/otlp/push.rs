//! The metrics, pushed: all of them, at each interval, with the values that a scrape would have at that moment.
//!
//! Sums are cumulative, so that a push that is lost loses nothing: the next one has all that it had. So there is no
//! queue. At most one push is under way; what falls due meanwhile is skipped, and counted.
//!
//! The SDK's exporter is not used: what it takes can only be made by its own instruments, which would have to be a
//! second page, and what the collector refused it tells the log alone.
//!
//! A counter is a monotonic cumulative sum since before anything was counted, all else a gauge. Names are those of the
//! page without `_total`, which whoever makes a page of them again adds; labels are attributes. The last push has
//! counters, and says of gauges that they have no value any more.

mod report;
mod request;
#[cfg(test)]
mod tests;

use std::{panic::resume_unwind, sync::Arc, time::SystemTime};

use tokio::{
    sync::oneshot,
    task::spawn_blocking,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    Task,
    client::{self, Client},
    config::MetricsConfig,
    retry::{self, Failure, Patience},
    service::Accepted,
};
use crate::{
    ledger::{Push, Pushes},
    metrics::Page,
};
use report::Report;
use request::Envelope;

/// What is to push metrics, before it does.
#[derive(Debug)]
pub struct Pusher {
    config: MetricsConfig,
    since: SystemTime,
    pushes: Arc<Pushes>,
}

impl Pusher {
    /// Pushes counters that began to count `since` then.
    #[must_use]
    pub fn new(config: MetricsConfig, since: SystemTime) -> Self {
        Self { config, since, pushes: Arc::default() }
    }

    /// The account of its pushes.
    #[must_use]
    pub fn pushes(&self) -> Arc<Pushes> {
        Arc::clone(&self.pushes)
    }

    /// Starts it on the current tokio runtime. The first push is made at once, so that what is counted later is seen to
    /// grow, and the last one when the task is asked to end.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(self, page: Arc<Page>) -> Task {
        let Self { config, since, pushes } = self;
        let MetricsConfig { connection, interval } = config;
        let every = humantime::format_duration(interval);
        tracing::info!(
            "metrics go to {} by OTLP over {} every {every}",
            connection.target(),
            connection.protocol
        );
        let patience = Patience { in_all: connection.patience.in_all.min(interval), ..connection.patience };
        let pushing = Pushing {
            page,
            client: Client::new(&connection),
            envelope: Envelope::new(&connection.resource, since),
            patience,
            schedule: Schedule { due: Instant::now(), interval },
            report: Report::new(connection.target()),
            pushes,
        };
        Task::start(|stop| pushing.run(stop))
    }
}

/// The task at work.
#[derive(Debug)]
struct Pushing {
    page: Arc<Page>,
    client: Client,
    envelope: Envelope,
    patience: Patience,
    schedule: Schedule,
    report: Report,
    pushes: Arc<Pushes>,
}

impl Pushing {
    /// Works until `stop` sets a deadline, and then makes a last push until it has passed.
    ///
    /// # Panics
    /// If reading the page panicked: a sink that is broken must not look alive.
    async fn run(mut self, mut stop: oneshot::Receiver<Instant>) {
        let deadline = loop {
            tokio::select! {
                deadline = &mut stop => break deadline,
                () = sleep_until(self.schedule.due) => {}
            }
            tokio::select! {
                deadline = &mut stop => {
                    // The last one has all that it has.
                    self.pushes.count(Push::Skipped, 1);
                    break deadline;
                }
                () = self.push(false) => {}
            }
            self.pushes.count(Push::Skipped, self.schedule.go_on(Instant::now()));
        };
        // Nobody is left to set a deadline: nobody waits.
        let Ok(deadline) = deadline else { return };
        if timeout_at(deadline, self.push(true)).await.is_err() {
            self.failed("no time was left for the last push");
        }
    }

    /// Reads everything, sends it until it is taken or given up, and counts what came of it.
    async fn push(&self, last: bool) {
        let page = Arc::clone(&self.page);
        let read = match spawn_blocking(move || page.families()).await {
            Ok(read) => read,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime is at its end.
            Err(error) => return self.failed(&error.to_string()),
        };
        let request = match read {
            Ok(families) => self.envelope.request(families, SystemTime::now(), last),
            Err(error) => return self.failed(&client::chain(&error)),
        };
        let sent = retry::patiently(&self.patience, || self.client.send(request.clone()), |_| ()).await;
        match sent {
            Ok(accepted) => self.taken(&accepted),
            Err(Failure::Transient { why, .. } | Failure::Permanent { why }) => self.failed(&why),
        }
    }

    fn taken(&self, accepted: &Accepted) {
        let push = if accepted.n_rejected == 0 { Push::Taken } else { Push::Partial };
        self.pushes.count(push, 1);
        self.report.taken(accepted);
    }

    fn failed(&self, why: &str) {
        self.pushes.count(Push::Failed, 1);
        self.report.failed(why);
    }
}

/// When to push.
#[derive(Debug)]
struct Schedule {
    due: Instant,
    interval: std::time::Duration,
}

impl Schedule {
    /// What was due is done; returns how many more fell due meanwhile.
    fn go_on(&mut self, now: Instant) -> u64 {
        let late = now.saturating_duration_since(self.due).as_nanos() / self.interval.as_nanos().max(1);
        let n_skipped = u32::try_from(late).unwrap_or(u32::MAX);
        self.due += self.interval.saturating_mul(n_skipped) + self.interval;
        n_skipped.into()
    }
}
