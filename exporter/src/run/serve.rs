//! `serve`: counters on `/metrics`, events as OTLP logs, until a signal asks for an end.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use killsnoop_common::filter::Filter;
use killsnoop_exporter::{
    cli::{log::Level, serve::ServeArgs},
    http,
    kernel::{Kernel, Notice, Reader},
    ledger::Ledger,
    log,
    metrics::Page,
    otlp,
};
use tokio::{runtime::Runtime, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Ending, attach, ended, read};

/// How long the end may take: what is queued is sent meanwhile, what is left then is lost, and counted.
const DRAIN: Duration = Duration::from_secs(5);

/// Runs until SIGTERM or SIGINT asks for an end, or a task fails.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode> {
    log::start(args.log, Level::Info);
    let otlp = match otlp::Config::resolve(&args.otlp, &|name| std::env::var(name).ok()) {
        Ok(otlp) => otlp,
        Err(errors) => return Ok(usage(&errors)),
    };
    let runtime = Runtime::new().context("cannot start the async runtime")?;
    runtime.block_on(async {
        // The port is taken first: that it is in use is told at once, and without a look at the kernel.
        let listeners = match http::bind(&args.web.listen_addresses) {
            Err(error @ http::BindError::NoAddress { .. }) => return Ok(usage(&[full(&error)])),
            bound => bound?,
        };
        // Nothing is sent where nobody reads.
        let filter = if otlp.is_some() { args.events.filter() } else { Filter::NOTHING };
        let mut kernel = attach(&args.kernel, filter)?;
        let (counters, reader) = kernel.take()?;
        let sink = otlp.map(|config| {
            let ledger = Arc::new(Ledger::default());
            (Arc::clone(&ledger), otlp::start(&config, ledger))
        });
        let ledgers = sink.iter().map(|(ledger, _)| ("otlp", Arc::clone(ledger)));
        let page = Page::new(Arc::new(counters), ledgers);
        Service::start(args, listeners, kernel, reader, page, sink.map(|(_, sink)| sink))?.run().await
    })
}

/// All tasks of the exporter. One that ends early ends all.
struct Service {
    kernel: Kernel,
    stop_reading: killsnoop_exporter::kernel::Stop,
    reading: JoinHandle<std::io::Result<()>>,
    web: JoinHandle<std::io::Result<()>>,
    stop_web: CancellationToken,
    ready: Arc<AtomicBool>,
    otlp: Option<otlp::Task>,
    ending: Ending,
}

impl Service {
    fn start(
        args: &ServeArgs,
        listeners: Vec<std::net::TcpListener>,
        kernel: Kernel,
        reader: Reader,
        page: Page,
        sink: Option<(otlp::Sender, otlp::Task)>,
    ) -> Result<Self> {
        let ending = Ending::new()?;
        let (sender, otlp) = sink.unzip();
        let stop_reading = reader.stop();
        let reading = read(reader, move |notice| {
            if let (Some(sender), Notice::Event(event)) = (&sender, notice) {
                sender.offer(&event);
            }
        });
        for listener in &listeners {
            tracing::info!("listening on {}", listener.local_addr().context("a listener has no address")?);
        }
        let ready = Arc::new(AtomicBool::new(true));
        let stop_web = CancellationToken::new();
        let router = http::router(&args.web, page, Arc::clone(&ready));
        let web = tokio::spawn(http::serve(listeners, router, args.web.limits(), stop_web.clone()));
        notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status("watching")]);
        Ok(Self { kernel, stop_reading, reading, web, stop_web, ready, otlp, ending })
    }

    async fn run(mut self) -> Result<ExitCode> {
        let otlp_ended = async {
            match &mut self.otlp {
                Some(task) => task.ended().await,
                None => std::future::pending().await,
            }
        };
        let failure = tokio::select! {
            signal = self.ending.wait() => {
                tracing::info!("{signal}: ending");
                None
            }
            outcome = &mut self.reading => Some(ended("reading events", outcome)),
            outcome = &mut self.web => Some(ended("the web server", outcome)),
            outcome = otlp_ended => Some(ended("sending events", outcome.map(Ok))),
        };
        notify(&[sd_notify::NotifyState::Stopping]);
        self.drain(failure.is_some()).await?;
        failure.map_or(Ok(ExitCode::SUCCESS), Err)
    }

    /// Ends every task in the order of the data, so that nothing that was counted is left on its way.
    async fn drain(self, failed: bool) -> Result<()> {
        let deadline = Instant::now() + DRAIN;
        self.ready.store(false, Relaxed);
        self.kernel.detach();
        self.stop_reading.stop();
        // A task that failed has told its outcome, and must not be asked again.
        if !failed {
            self.reading.await.context("reading events died")??;
        }
        if let Some(otlp) = self.otlp {
            otlp.shutdown(deadline).await.context("sending events died")?;
        }
        self.stop_web.cancel();
        if !failed {
            // It closes by itself what takes too long.
            self.web.await.context("the web server died")??;
        }
        Ok(())
    }
}

/// Tells a service manager, if there is one; that it cannot be told is not worth an end.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot notify the service manager: {error}");
    }
}

/// An error with all of its causes, in one line.
fn full(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// All wrong settings at once, and the exit code of a usage error.
fn usage(errors: &[String]) -> ExitCode {
    for error in errors {
        eprintln!("error: {error}");
    }
    eprintln!("\nFor more information, try '--help'.");
    ExitCode::from(2)
}
