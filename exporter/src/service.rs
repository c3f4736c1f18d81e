//! What a service manager such as systemd gives, and what it is told: sockets that listen already (systemd.socket(5)),
//! when the exporter is ready, what it does, and that it lives (`sd_notify(3)`). Without one, all of it comes to nothing.

use std::{convert::Infallible, env, fmt, future::pending, io, net::TcpListener, sync::Arc, time::Duration};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use sd_notify::NotifyState;
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use crate::{counters::Counters, ledger::Ledger, pulse::Pulse};

/// How often it is told what the exporter does, unless its watchdog wants to hear more often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Why a passed socket cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "socket {number} that the service manager passes cannot be served on; it must be a TCP socket that listens, \
     as ListenStream=PORT without Accept= makes it"
)]
pub struct PassedSocketError {
    number: usize,
    source: io::Error,
}

/// Sockets that a service manager has passed to this process, in its order; none, as a rule.
///
/// # Errors
/// If one of them is none on which connections come in.
pub fn passed_listeners() -> Result<Vec<TcpListener>, PassedSocketError> {
    let mut passed = ListenFd::from_env();
    let numbers = 0..passed.len();
    numbers
        .map(|number| listener(&mut passed, number).map_err(|source| PassedSocketError { number, source }))
        .collect()
}

fn listener(passed: &mut ListenFd, number: usize) -> io::Result<TcpListener> {
    let listener = passed.take_tcp_listener(number)?.ok_or(io::ErrorKind::NotFound)?;
    if socket_acceptconn(&listener)? {
        Ok(listener)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not listen"))
    }
}

/// Says what goes on until the exporter is ready.
pub fn starting() {
    notify(&[NotifyState::Status("attaching to the kernel")]);
}

/// Says that the end has begun.
pub fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("sending what is left")]);
}

/// What a service manager is told while the exporter runs.
pub struct Report {
    counters: Arc<dyn Counters>,
    ledgers: Vec<Arc<Ledger>>,
    pulses: Vec<(&'static str, Arc<Pulse>)>,
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("pulses", &self.pulses).finish_non_exhaustive()
    }
}

impl Report {
    /// On these counters and accounts of sinks, by an exporter that lives while all of these loops go around.
    #[must_use]
    pub fn new(
        counters: Arc<dyn Counters>,
        ledgers: Vec<Arc<Ledger>>,
        pulses: Vec<(&'static str, Arc<Pulse>)>,
    ) -> Self {
        Self { counters, ledgers, pulses }
    }

    /// Says that the exporter is ready, and from then on what it does. Its watchdog hears of it each time that all loops
    /// have answered and the kernel's counters were read, and not otherwise.
    pub async fn tell(self: Arc<Self>) -> Infallible {
        if env::var_os("NOTIFY_SOCKET").is_none() {
            return pending().await;
        }
        let watchdog = sd_notify::watchdog_enabled();
        // Half of what it waits, as sd_watchdog_enabled(3) recommends.
        let period =
            watchdog.map_or(TELL_EVERY, |time| TELL_EVERY.min(time / 2)).max(Duration::from_millis(1));
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut first = Some(NotifyState::Ready);
        loop {
            ticks.tick().await;
            let health = self.health(period).await;
            let status = health.as_ref().unwrap_or_else(|ill| ill);
            let alive = watchdog.is_some() && health.is_ok();
            let ready = if health.is_ok() { first.take() } else { None };
            let message = [ready, alive.then_some(NotifyState::Watchdog), Some(NotifyState::Status(status))];
            notify(&message.into_iter().flatten().collect::<Vec<_>>());
            if let Err(ill) = &health {
                tracing::warn!("{ill}");
            }
        }
    }

    /// What the exporter does, or what does not answer.
    async fn health(self: &Arc<Self>, within: Duration) -> Result<String, String> {
        for (name, pulse) in &self.pulses {
            if !pulse.beats(within).await {
                return Err(format!("{name} has not answered for {} s", within.as_secs_f32()));
            }
        }
        let this = Arc::clone(self);
        let status = spawn_blocking(move || this.status()).await.map_err(io::Error::from);
        status.flatten().map_err(|error| format!("cannot read the counters from the kernel: {error}"))
    }

    fn status(&self) -> io::Result<String> {
        let snapshot = self.counters.snapshot()?;
        let lost =
            snapshot.n_events_lost() + self.ledgers.iter().map(|ledger| ledger.n_lost_in_all()).sum::<u64>();
        let hook = if snapshot.is_attached() { snapshot.hook } else { "detached" };
        Ok(format!(
            "hook {hook}, {} since start, {} lost",
            number(snapshot.n_deaths(), "death"),
            number(lost, "event")
        ))
    }
}

fn number(n: u64, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}

/// That it cannot be told is not worth an end.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot notify the service manager: {error}");
    }
}

#[cfg(test)]
mod tests {
    use killsnoop_common::{cause::Cause, kill::KillKey, lost::Lost};

    use super::*;
    use crate::{
        counters::Snapshot,
        ledger::Stage,
        metrics::fake::{self, Fake},
    };

    fn report(snapshot: Snapshot, pulses: Vec<(&'static str, Arc<Pulse>)>) -> Arc<Report> {
        let ledger = Arc::new(Ledger::default());
        ledger.offered(3);
        ledger.lost(Stage::Failed, 3);
        Arc::new(Report::new(Fake::new(snapshot), vec![ledger], pulses))
    }

    fn snapshot(n_deaths: u64, attached: bool) -> Snapshot {
        let mut snapshot = fake::snapshot(|_: KillKey| 0);
        snapshot.deaths = vec![((9, Cause::OomMemcg, false), n_deaths), ((11, Cause::OomMemcg, true), 0)];
        snapshot.lost = vec![(Lost::RingFull, 1), (Lost::UrgentRingFull, 2), (Lost::ImageNotKept, 100)];
        snapshot.n_undecodable = 4;
        snapshot.programs.iter_mut().for_each(|program| program.attached = attached);
        snapshot
    }

    #[tokio::test]
    async fn the_status_tells_the_hook_deaths_and_all_that_is_lost() {
        let status = report(snapshot(1, true), vec![]).health(Duration::from_secs(30)).await;
        assert_eq!(status.unwrap(), "hook tracepoint, 1 death since start, 10 events lost");
        let status = report(snapshot(12, false), vec![]).health(Duration::from_secs(30)).await;
        assert_eq!(status.unwrap(), "hook detached, 12 deaths since start, 10 events lost");
    }

    #[tokio::test]
    async fn a_loop_that_hangs_is_named() {
        let pulses = vec![("the web server", Arc::new(Pulse::new(|| ())))];
        let ill = report(snapshot(0, true), pulses).health(Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(ill, "the web server has not answered for 0.01 s");
    }
}
