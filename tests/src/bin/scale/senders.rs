//! Many senders of log records in one process, each with a connection and a name of its own.

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use prost::Message as _;
use tokio::{
    runtime::Runtime,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tonic::{codec::CompressionEncoding, transport::Endpoint};

use crate::records::Pool;

/// Who sends how much.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) senders: usize,
    pub(crate) requests_per_second: usize,
    pub(crate) records_per_request: usize,
    /// As the agents of a fleet do.
    pub(crate) gzip: bool,
    pub(crate) seconds: usize,
}

/// What was sent and taken.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sent {
    pub(crate) records: usize,
    /// Of all requests, without compression.
    pub(crate) bytes: usize,
}

/// Sends by OTLP over gRPC to this address, and waits for the last answer.
pub(crate) fn send(address: &str, pool: &Arc<Pool>, load: Load) -> Sent {
    let runtime = Runtime::new().expect("threads can be had");
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for node in 0..load.senders {
            all.spawn(sender(format!("http://{address}"), Arc::clone(pool), node, load));
        }
        let sum =
            |sum: Sent, one: Sent| Sent { records: sum.records + one.records, bytes: sum.bytes + one.bytes };
        all.join_all().await.into_iter().fold(Sent::default(), sum)
    })
}

async fn sender(address: String, pool: Arc<Pool>, node: usize, load: Load) -> Sent {
    let endpoint = Endpoint::from_shared(address).expect("an address makes a URL");
    let channel = endpoint.connect().await.expect("the collector listens");
    let mut client = LogsServiceClient::new(channel);
    if load.gzip {
        // Who gets a request with gzip answers with it.
        client =
            client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    }
    let period = Duration::from_secs(1) / u32::try_from(load.requests_per_second).unwrap_or(1);
    // Nodes do not know each other: their requests are spread over the time between two.
    let first = period.mul_f64(node as f64 / load.senders as f64);
    let mut ticks = interval_at(Instant::now() + first, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = Sent::default();
    for _ in 0..load.seconds * load.requests_per_second {
        ticks.tick().await;
        let request = pool.request(node, node * 97 + sent.records, load.records_per_request);
        sent.records += load.records_per_request;
        sent.bytes += request.encoded_len();
        client.export(request).await.expect("the collector takes each request");
    }
    sent
}
