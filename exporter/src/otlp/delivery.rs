//! The task behind the queue: makes batches, keeps a few under way, and tries each until it is taken or given up.

use std::{panic::resume_unwind, sync::Arc};

use tokio::{
    sync::oneshot,
    task::{JoinError, JoinSet},
    time::{Instant, timeout_at},
};

use super::{
    client::Client,
    config::Config,
    queue::{Batch, Inbox},
    record::Envelope,
    report::Report,
    retry::{self, Failure, Patience},
};
use crate::ledger::Stage;

/// Requests under way at once: enough to fill the time in which a collector on the other side of a continent thinks,
/// few enough not to be a flood themselves when it comes back.
const MAX_UNDER_WAY: usize = 4;

/// The sink at work.
#[derive(Debug)]
pub(super) struct Delivery {
    inbox: Inbox,
    courier: Arc<Courier>,
    under_way: JoinSet<()>,
}

impl Delivery {
    /// Delivers what comes into `inbox`.
    pub(super) fn new(config: &Config, inbox: Inbox) -> Self {
        let courier = Courier {
            client: Client::new(&config.connection),
            envelope: Envelope::new(&config.connection.resource),
            patience: config.connection.patience,
            report: Report::new(config.connection.target()),
        };
        Self { inbox, courier: Arc::new(courier), under_way: JoinSet::new() }
    }

    /// Works until all senders are gone, or until `stop` sets a deadline and it has passed.
    ///
    /// # Panics
    /// If a request panicked: a sink that is broken must not look alive.
    pub(super) async fn run(mut self, stop: oneshot::Receiver<Instant>) {
        let deadline = tokio::select! {
            () = self.deliver_all() => return,
            // Nobody is left to set a deadline: nobody waits.
            deadline = stop => deadline.unwrap_or_else(|_| Instant::now()),
        };
        self.inbox.close();
        if timeout_at(deadline, self.deliver_all()).await.is_err() {
            self.courier.report.ended_early(self.inbox.ledger().n_pending());
        }
        // What is left counts itself as lost: batches when their requests end here, the queue when it is dropped.
        self.under_way.shutdown().await;
    }

    /// Returns when the queue is closed and empty, and nothing is under way. May be dropped and called again.
    async fn deliver_all(&mut self) {
        loop {
            let is_free = self.under_way.len() < MAX_UNDER_WAY;
            tokio::select! {
                Some(ended) = self.under_way.join_next() => pass_on(ended),
                batch = self.inbox.batch(), if is_free => match batch {
                    Some(batch) => self.send(batch),
                    None => break,
                },
            }
        }
        while let Some(ended) = self.under_way.join_next().await {
            pass_on(ended);
        }
    }

    fn send(&mut self, batch: Batch) {
        self.courier.report.overflowed(self.inbox.ledger().n_lost(Stage::Queue));
        self.under_way.spawn(Arc::clone(&self.courier).deliver(batch));
    }
}

/// Panics if a request did.
fn pass_on(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        resume_unwind(error.into_panic());
    }
}

/// Carries one batch at a time, as often as it takes.
#[derive(Debug)]
struct Courier {
    client: Client,
    envelope: Envelope,
    patience: Patience,
    report: Report,
}

impl Courier {
    async fn deliver(self: Arc<Self>, batch: Batch) {
        // Records are made anew for each try: tries are rare, and events are smaller than what is made of them.
        let send = || self.client.send(self.envelope.request(batch.events()));
        match retry::patiently(&self.patience, send, |why| self.report.postponed(why)).await {
            Ok(accepted) => {
                self.report.accepted(&accepted);
                batch.delivered(accepted.n_rejected);
            }
            Err(Failure::Permanent { why }) => self.give_up(batch, &why),
            Err(Failure::Transient { why, .. }) => {
                self.give_up(batch, &format!("{why}; tried for as long as --otlp.retry-max allows"));
            }
        }
    }

    fn give_up(&self, batch: Batch, why: &str) {
        let n = batch.lost(Stage::Failed);
        self.report.given_up(n, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::examples,
        ledger::Ledger,
        otlp::{OtlpArgs, queue},
    };

    #[tokio::test]
    async fn a_panic_reaches_whoever_watches_the_sink_and_leaves_nothing_pending() {
        let args = OtlpArgs { endpoint: Some("http://localhost:9".to_owned()), ..OtlpArgs::default() };
        let config = Config::resolve(&args, &|_| None).unwrap().unwrap();
        let ledger = Arc::new(Ledger::default());
        let (sender, inbox) = queue::channel(config.limits(), Arc::clone(&ledger));
        sender.offer(&examples::call_event());
        let mut delivery = Delivery::new(&config, inbox);
        delivery.under_way.spawn(async { panic!("on purpose") });
        let (_stop, stopped) = oneshot::channel();
        assert!(tokio::spawn(delivery.run(stopped)).await.unwrap_err().is_panic());
        assert_eq!((ledger.n_lost(Stage::Shutdown), ledger.n_pending()), (1, 0));
    }
}
