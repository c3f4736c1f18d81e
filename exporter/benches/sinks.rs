//! How many events a second the sinks can take: `cargo bench -p killsnoop-exporter`.
//!
//! Events are offered by a thread of their own that waits while many are pending, so that none is lost and the sink is
//! what sets the pace. A round ends when the last event is delivered. The collector runs in this process and decodes
//! what it gets, so that with few CPUs its work counts too.

use std::{
    fs::File,
    io::{Write as _, stdout},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use killsnoop_common::kill::Syscall;
use killsnoop_exporter::{
    event::{Call, Comm, Event, Process, Time},
    ledger::Ledger,
    otlp::{self, OtlpArgs},
    terminal::{self, Columns, Form, Options},
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
    logs_service_server::{LogsService, LogsServiceServer},
};
use prost::Message as _;
use tokio::{net::TcpListener, runtime::Runtime};

const ROUNDS: usize = 5;
/// Below the room of every queue.
const MAX_PENDING: u64 = 32_768;
/// No round takes nearly as long.
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> Result<()> {
    let runtime = Runtime::new()?;
    let endpoint = runtime.block_on(start_collector())?;
    let table = Form::Table(Columns::default());
    writeln!(stdout(), "{:<20} {:>10} {:>10} {:>10}", "events a second", "min", "median", "max")?;
    measure("terminal, table", 2_000_000, |n| runtime.block_on(to_terminal(table, n)))?;
    measure("terminal, JSON", 2_000_000, |n| runtime.block_on(to_terminal(Form::Json, n)))?;
    for protocol in ["http/protobuf", "grpc"] {
        let round = |n| runtime.block_on(to_collector(&endpoint, protocol, n));
        measure(&format!("OTLP, {protocol}"), 200_000, round)?;
    }
    Ok(())
}

/// Takes rounds of `n` events, of which the first is not counted, and writes a line of events a second.
fn measure(name: &str, n: u64, round: impl Fn(u64) -> Result<Arc<Ledger>>) -> Result<()> {
    let mut rates = vec![];
    for _ in 0..=ROUNDS {
        let started = Instant::now();
        let ledger = round(n)?;
        let milliseconds = started.elapsed().as_millis().max(1);
        let n_delivered = ledger.n_delivered();
        ensure!(n_delivered == n, "{name}: {n_delivered} of {n} events were delivered");
        rates.push(u128::from(n) * 1000 / milliseconds);
    }
    let rates = &mut rates[1..];
    rates.sort_unstable();
    let (min, median, max) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
    writeln!(stdout(), "{name:<20} {min:>10} {median:>10} {max:>10}").context("cannot write")
}

async fn to_terminal(form: Form, n: u64) -> Result<Arc<Ledger>> {
    let ledger = Arc::new(Ledger::default());
    let null = File::options().write(true).open("/dev/null").context("cannot open /dev/null")?;
    let options = Options { form, header: true, color: false, count: None };
    let (sender, handle) = terminal::Output::new(options).start(Arc::clone(&ledger), null)?;
    offer(n, Arc::clone(&ledger), move |event| sender.offer(event)).await?;
    handle.finish(PATIENCE).await;
    Ok(ledger)
}

async fn to_collector(endpoint: &str, protocol: &str, n: u64) -> Result<Arc<Ledger>> {
    let args = OtlpArgs {
        endpoint: Some(endpoint.to_owned()),
        protocol: Some(protocol.to_owned()),
        ..OtlpArgs::default()
    };
    let config =
        otlp::Config::resolve(&args, &|_| None).map_err(|errors| anyhow::anyhow!(errors.join("; ")))?;
    let config = config.context("there is an endpoint, and yet nothing is sent")?;
    let ledger = Arc::new(Ledger::default());
    let (sender, task) = otlp::start(&config, Arc::clone(&ledger));
    offer(n, Arc::clone(&ledger), move |event| sender.offer(event)).await?;
    task.shutdown(tokio::time::Instant::now() + PATIENCE).await?;
    Ok(ledger)
}

/// Offers `n` events, a millisecond apart by their own time, and no faster than the sink takes them.
async fn offer(n: u64, ledger: Arc<Ledger>, take: impl Fn(&Event) + Send + 'static) -> Result<()> {
    let offering = tokio::task::spawn_blocking(move || {
        for at in 0..n {
            take(&call(at * 1_000_000));
            while ledger.n_pending() > MAX_PENDING {
                thread::sleep(Duration::from_micros(100));
            }
        }
    });
    offering.await.context("offering events died")
}

/// `bash` (4242) fails to send SIGKILL to 1024, so many nanoseconds after the boot of a machine.
fn call(boot_ns: u64) -> Event {
    let comm = Comm(*b"bash\0\0\0\0\0\0\0\0\0\0\0\0");
    let unix_ns = 1_700_000_000_000_000_000 + boot_ns;
    Event::Call(Call {
        time: Time { boot_ns, unix_ns, observed_unix_ns: unix_ns },
        syscall: Syscall::Kill,
        compat: false,
        sender: Process { pid: 4242, tid: 4243, uid: 1000, cgroup: 77, comm, ..Process::default() },
        target: 1024,
        target_tid: 0,
        target_pid: None,
        signal: 9,
        result: -3,
    })
}

/// Starts a collector that decodes all and keeps nothing, over HTTP and gRPC on one port, and returns its URL.
async fn start_collector() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/v1/logs", post(collect)).route_service(
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        LogsServiceServer::new(Collector),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(endpoint)
}

async fn collect(body: Bytes) -> Result<Vec<u8>, StatusCode> {
    ExportLogsServiceRequest::decode(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(ExportLogsServiceResponse::default().encode_to_vec())
}

struct Collector;

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        _: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(ExportLogsServiceResponse::default()))
    }
}
