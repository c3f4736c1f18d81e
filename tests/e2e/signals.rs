//! Which test counts which signal: each has real-time signals of its own, since counters are of the whole machine.

/// All signals that some test counts; nobody else may send them.
pub(crate) const COUNTED: std::ops::RangeInclusive<i64> = 35..=58;

/// Exact counts over all calls, with the first back end.
pub(crate) const EXACT_TRACEPOINT: i64 = 35;
/// Exact counts over all calls, with the second.
pub(crate) const EXACT_RAW: i64 = 36;
/// Exact counts over all calls, with whatever is found.
pub(crate) const EXACT_FOUND: i64 = 52;
/// Counts of failures.
pub(crate) const FAILURES: i64 = 37;
/// The flood that a small ring buffer cannot hold.
pub(crate) const FLOOD: i64 = 38;
/// Calls of 32-bit programs.
#[cfg(target_arch = "x86_64")]
pub(crate) const COMPAT_RAW: i64 = 39;
#[cfg(target_arch = "x86_64")]
pub(crate) const COMPAT_FOUND: i64 = 58;
/// Counters without any reader of events.
pub(crate) const UNREAD: i64 = 40;
/// Counters where the kernel shows no map as a whole.
pub(crate) const ONE_BY_ONE: i64 = 57;
/// Signals where calls are not watched.
pub(crate) const NO_HOOK: i64 = 41;
/// Events that cannot be delivered.
pub(crate) const NO_COLLECTOR: i64 = 42;
/// One event over OTLP/gRPC.
pub(crate) const OTLP_GRPC: i64 = 43;
/// One event over OTLP/HTTP.
pub(crate) const OTLP_HTTP: i64 = 44;
/// Events that are queued at the end.
pub(crate) const OTLP_DRAIN: i64 = 45;
/// Counters that are pushed by HTTP, and by gRPC.
pub(crate) const PUSH_HTTP: i64 = 50;
pub(crate) const PUSH_GRPC: i64 = 51;
/// Events that go through the collector with the configuration that is shipped.
pub(crate) const SHIPPED_COLLECTOR: i64 = 53;
/// What Prometheus 2 scrapes.
pub(crate) const PROMETHEUS_2: i64 = 54;
/// What Prometheus 3 scrapes.
pub(crate) const PROMETHEUS_3: i64 = 55;
/// Events that are queued at the end, and nobody takes them.
pub(crate) const LONG_QUEUE: i64 = 46;

/// Floods beside victims.
pub(crate) const FLOOD_BESIDE_DEATHS: i64 = 56;

/// Calls that a confined exporter counts, and those that it sends on by gRPC and by HTTP.
pub(crate) const CONFINED: i64 = 47;
pub(crate) const CONFINED_GRPC: i64 = 48;
pub(crate) const CONFINED_HTTP: i64 = 49;

/// The name of a real-time signal.
pub(crate) fn name(signal: i64) -> String {
    format!("SIGRTMIN+{}", signal - 34)
}
