//! `serve`: counters on `/metrics` and on request by OTLP, events as OTLP logs, until a signal asks for an end.

use std::{
    net::TcpListener,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use killsnoop_common::filter::Filter;
use killsnoop_exporter::{
    cgroup::{self, CgroupSender, Places},
    cli::{log::Level, serve::ServeArgs},
    confine::Reach,
    control,
    counters::Counters,
    event::Event,
    http,
    kernel::{Kernel, Reader},
    landing::Landing,
    ledger::Ledger,
    log,
    metrics::{ContainerDeaths, Exemplars, Page},
    otlp,
    recent::Recent,
    select::Select,
    service,
};
use tokio::{
    runtime::Runtime,
    task::{JoinError, JoinHandle},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Ending, ended, read,
    watch::{Watch, reach},
};

/// How long the end may take: what is queued is sent meanwhile, what is left then is lost, and counted.
const DRAIN: Duration = Duration::from_secs(5);

/// What the last push of metrics has at least, when a log sink without a collector has taken all of that.
const LAST_PUSH: Duration = Duration::from_secs(1);

/// Runs until SIGTERM or SIGINT asks for an end, or a task fails.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode> {
    log::start(args.log, Level::Info);
    let (otlp, push) = match otlp::resolve(&args.otlp, &|name| std::env::var(name).ok()) {
        Ok(configs) => configs,
        Err(errors) => return Ok(usage(&errors)),
    };
    service::starting();
    // The port is taken first: that it is in use is told at once, and without a look at the kernel.
    let listeners = match listeners(&args.web)? {
        Err(error @ http::BindError::NoAddress { .. }) => return Ok(usage(&[full(&error)])),
        bound => bound?,
    };
    let control = control::bind(&args.control)?;
    // Calls are not told of where nobody reads; deaths always are, for those who ask what died.
    let filter = if otlp.is_some() { args.events.filter() } else { DEATHS_ALONE };
    let ports =
        otlp.iter().map(otlp::Config::port).chain(push.iter().map(otlp::MetricsConfig::port)).collect();
    // Nothing is counted before this.
    let push = push.map(|config| otlp::Pusher::new(config, SystemTime::now()));
    // Every thread is started after this one has given up what none of them needs.
    let watch = Watch::start(&args.kernel, filter, &reach_of(ports, control.as_ref()))?;
    let runtime = Runtime::new().context("cannot start the async runtime")?;
    runtime.block_on(async {
        let (places, cgroups) = cgroup::start().context("cannot start to look at cgroups")?;
        let sinks = Sinks::start(args, otlp.as_ref(), push);
        let counters: Arc<dyn Counters> = Arc::new(watch.counters);
        let site =
            Site { page: Arc::new(sinks.page(&counters)), landing: sinks.landing(&counters, &args.web) };
        let listeners: Vec<_> = listeners.into_iter().map(http::Listener::from).collect();
        let report = sinks.report(counters, &watch.reader, &listeners);
        let reading = Reading { reader: watch.reader, places, cgroups };
        Service::start(args, listeners, control, watch.kernel, reading, site, sinks)?.run(report).await
    })
}

/// The sockets that a service manager passes, or else those that the flags name.
fn listeners(web: &http::WebArgs) -> Result<Result<Vec<TcpListener>, http::BindError>> {
    let passed = service::passed_listeners()?;
    if passed.is_empty() {
        return Ok(http::bind(&web.listen_addresses));
    }
    if !web.listens_by_default() {
        tracing::warn!("--web.listen-address counts for nothing, because the service manager passes sockets");
    }
    Ok(Ok(passed))
}

/// What it goes on to need: the collectors at these ports, whose addresses are looked up again for each connection, and
/// to remove the control socket.
fn reach_of(connect: Vec<u16>, control: Option<&control::Listener>) -> Reach {
    let remove_in = control.map(control::Listener::directory).into_iter().collect();
    let reach = Reach { remove_in, ..reach() };
    if connect.is_empty() { reach } else { Reach { connect, ..reach }.with_names_of_hosts() }
}

/// Deaths and OOM kills, and nothing else.
const DEATHS_ALONE: Filter = Filter { deaths: 1, ..Filter::NOTHING };

/// Where events go.
struct Sinks {
    select: Select,
    otlp: Option<(Arc<Ledger>, otlp::Sender, otlp::Task)>,
    push: Option<otlp::Pusher>,
    recent: (Arc<Ledger>, Arc<Recent>),
    exemplars: Option<Arc<Exemplars>>,
    container_deaths: Option<Arc<ContainerDeaths>>,
}

impl Sinks {
    fn start(args: &ServeArgs, otlp: Option<&otlp::Config>, push: Option<otlp::Pusher>) -> Self {
        let otlp = otlp.map(|config| {
            let ledger = Arc::new(Ledger::default());
            let (sender, task) = otlp::start(config, Arc::clone(&ledger));
            (ledger, sender, task)
        });
        let ledger = Arc::new(Ledger::default());
        let recent = Arc::new(Recent::new(args.control.n_deaths(), Arc::clone(&ledger)));
        let container_deaths = args.metrics.container_deaths();
        Self {
            select: args.events.select(),
            otlp,
            push,
            recent: (ledger, recent),
            exemplars: args.metrics.exemplars().then(Arc::default),
            container_deaths: container_deaths
                .map(|max_series| Arc::new(ContainerDeaths::new(max_series, ContainerDeaths::EXPIRY))),
        }
    }

    /// Their accounts, with the names that stages and sinks have on the page.
    fn ledgers(&self) -> impl Iterator<Item = (&'static str, Arc<Ledger>)> {
        let otlp = self.otlp.iter().map(|(ledger, ..)| ("otlp", Arc::clone(ledger)));
        otlp.chain([("recent", Arc::clone(&self.recent.0))])
    }

    /// What a service manager is told: of these counters, and of the loops without which nothing works.
    fn report(
        &self,
        counters: Arc<dyn Counters>,
        reader: &Reader,
        web: &[http::Listener],
    ) -> service::Report {
        let web = web.iter().map(|listener| ("the web server", listener.pulse()));
        let pulses = [("the reader of events", reader.pulse())].into_iter().chain(web);
        service::Report::new(counters, self.ledgers().map(|(_, ledger)| ledger).collect(), pulses.collect())
    }

    fn page(&self, counters: &Arc<dyn Counters>) -> Page {
        Page::new(Arc::clone(counters), self.ledgers())
            .with_exemplars(self.exemplars.clone())
            .with_container_deaths(self.container_deaths.clone())
            .with_pushes(self.push.as_ref().map(otlp::Pusher::pushes))
    }

    fn landing(&self, counters: &Arc<dyn Counters>, web: &http::WebArgs) -> Arc<Landing> {
        let recent = web.show_events.then(|| Arc::clone(&self.recent.1));
        Arc::new(Landing::new(Arc::clone(counters), self.ledgers()).with_deaths(recent))
    }

    /// What is done with each event, and the sink that is to be drained at the end.
    fn split(self) -> (impl FnMut(&Event) + Send + 'static, Option<otlp::Task>) {
        let Self { select, otlp, push: _, recent: (_, recent), exemplars, container_deaths } = self;
        let (sender, task) = otlp.map(|(_, sender, task)| (sender, task)).unzip();
        let take = move |event: &Event| {
            recent.push(event);
            if let Some(exemplars) = &exemplars {
                exemplars.record(event);
            }
            if let (Some(counts), Event::Death(death)) = (&container_deaths, event) {
                counts.record(death);
            }
            if let Some(sender) = &sender
                && select.wants(event)
            {
                sender.offer(event);
            }
        };
        (take, task)
    }
}

/// What is served over HTTP.
struct Site {
    page: Arc<Page>,
    landing: Arc<Landing>,
}

/// What it takes to read events.
struct Reading {
    reader: Reader,
    places: Arc<Places>,
    cgroups: CgroupSender,
}

/// All tasks of the exporter. One that ends early ends all.
struct Service {
    kernel: Kernel,
    stop_reading: killsnoop_exporter::kernel::Stop,
    reading: JoinHandle<std::io::Result<()>>,
    web: JoinHandle<std::io::Result<()>>,
    sampling: Option<JoinHandle<std::io::Result<()>>>,
    control: Option<JoinHandle<std::io::Result<()>>>,
    stop_web: CancellationToken,
    ready: Arc<AtomicBool>,
    otlp: Option<otlp::Task>,
    push: Option<otlp::Task>,
    ending: Ending,
}

impl Service {
    fn start(
        args: &ServeArgs,
        listeners: Vec<http::Listener>,
        control: Option<control::Listener>,
        kernel: Kernel,
        Reading { reader, places, cgroups }: Reading,
        site: Site,
        mut sinks: Sinks,
    ) -> Result<Self> {
        let ending = Ending::new()?;
        let push = sinks.push.take().map(|pusher| pusher.start(Arc::clone(&site.page)));
        let recent = Arc::clone(&sinks.recent.1);
        let (take, otlp) = sinks.split();
        let stop_reading = reader.stop();
        let reading = read(reader, places, cgroups, take);
        for listener in &listeners {
            tracing::info!("listening on {}", listener.address().context("a listener has no address")?);
        }
        let ready = Arc::new(AtomicBool::new(true));
        let stop_web = CancellationToken::new();
        let sampling = args.web.show_events.then(|| tokio::spawn(sample(Arc::clone(&site.landing))));
        let router = http::router(&args.web, site.page, site.landing, Arc::clone(&ready));
        let web = tokio::spawn(http::serve(listeners, router, args.web.limits(), stop_web.clone()));
        let control =
            control.map(|listener| tokio::spawn(control::serve(listener, recent, stop_web.clone())));
        Ok(Self {
            kernel,
            stop_reading,
            reading,
            web,
            sampling,
            control,
            stop_web,
            ready,
            otlp,
            push,
            ending,
        })
    }

    async fn run(mut self, report: service::Report) -> Result<ExitCode> {
        let control_ended = end_of(&mut self.control);
        let sampling_ended = end_of(&mut self.sampling);
        let failure = tokio::select! {
            signal = self.ending.wait() => {
                tracing::info!("{signal}: ending");
                None
            }
            outcome = &mut self.reading => Some(ended("reading events", outcome)),
            outcome = &mut self.web => Some(ended("the web server", outcome)),
            outcome = control_ended => Some(ended("answering what died", outcome)),
            outcome = sampling_ended => Some(ended("counting what there was of late", outcome)),
            outcome = task_ended(&mut self.otlp) => Some(ended("sending events", outcome.map(Ok))),
            outcome = task_ended(&mut self.push) => Some(ended("pushing metrics", outcome.map(Ok))),
            never = Arc::new(report).tell() => match never {},
        };
        service::stopping();
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
        if let Some(push) = self.push {
            let deadline = deadline.max(Instant::now() + LAST_PUSH);
            push.shutdown(deadline).await.context("pushing metrics died")?;
        }
        self.stop_web.cancel();
        if !failed {
            // It closes by itself what takes too long.
            self.web.await.context("the web server died")??;
            if let Some(control) = self.control {
                control.await.context("answering what died died")??;
            }
        }
        Ok(())
    }
}

/// Waits for the end of a task that nobody asked to end, if there is one.
async fn task_ended(task: &mut Option<otlp::Task>) -> Result<(), JoinError> {
    match task {
        Some(task) => task.ended().await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of a task, for ever if there is none.
async fn end_of<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

/// Takes down how many signals there were, for the chart, for as long as anybody runs it.
async fn sample(landing: Arc<Landing>) -> std::io::Result<()> {
    let mut ticks = tokio::time::interval(Landing::SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let landing = Arc::clone(&landing);
        tokio::task::spawn_blocking(move || landing.sample()).await?;
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
