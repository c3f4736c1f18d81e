//! What is served, to whoever can reach the port, with GET and HEAD alone:
//!
//! - `/` shows people what died lately, how the exporter is, and where the rest is
//! - `/deaths.jsonl`: what died lately, for scripts
//! - `/metrics`, or what `--web.telemetry-path` says: the page of metrics, in the format that `Accept` asks for
//! - `/healthz`, `/-/healthy`: 200 for as long as the process lives
//! - `/readyz`, `/-/ready`: 200 while the hooks are attached, 503 before and after
//!
//! None of them names a process or a user of the machine, unless `--web.show-events` is given: then the first two do.

mod accept;
mod args;
mod bind;
mod connections;
mod landing;
mod seldom;
mod server;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Version,
        header::{
            ACCEPT, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
            TRANSFER_ENCODING, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{Next, from_fn, map_response},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{sync::Semaphore, task::spawn_blocking};
use tower_http::{CompressionLevel, compression::CompressionLayer};
use tracing::error;

pub use args::{TelemetryPath, WebArgs};
pub use bind::{BindError, bind};
pub use server::{Limits, Listener, serve};

use crate::{
    landing::Landing,
    metrics::{Format, Page},
};
use seldom::Seldom;

/// Paths that the telemetry path cannot have.
const LANDING: &str = "/";
const DEATHS: &str = "/deaths.jsonl";
const HEALTHY: [&str; 2] = ["/healthz", "/-/healthy"];
const READY: [&str; 2] = ["/readyz", "/-/ready"];

/// Sent with every answer that does not say otherwise: nothing here loads, runs, embeds or is embedded.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Pages that are rendered at the same time; others wait for their turn, so that many readers cost no more CPU time at
/// once than two.
const RENDERS_AT_ONCE: usize = 2;

/// What the routes need.
struct Site {
    page: Arc<Page>,
    ready: Ready,
    renders: Arc<Semaphore>,
    failures: Seldom,
}

/// Whether the hooks are attached.
type Ready = Arc<AtomicBool>;

/// All routes. `ready` is set by whoever attaches the hooks, and unset when the end begins.
pub fn router(
    args: &WebArgs,
    page: impl Into<Arc<Page>>,
    landing: Arc<Landing>,
    ready: Arc<AtomicBool>,
) -> Router {
    let telemetry_path = &args.telemetry_path;
    let landing = landing::router(landing, telemetry_path, Arc::clone(&ready));
    let site = Site {
        page: page.into(),
        ready,
        renders: Arc::new(Semaphore::new(RENDERS_AT_ONCE)),
        failures: Seldom::default(),
    };
    let mut router = Router::new().route(telemetry_path.as_str(), get(metrics));
    for path in HEALTHY {
        router = router.route(path, get(async || "healthy\n"));
    }
    for path in READY {
        router = router.route(path, get(readiness));
    }
    router
        .fallback(async || (StatusCode::NOT_FOUND, "not found; / lists what is here\n"))
        .method_not_allowed_fallback(async || {
            (StatusCode::METHOD_NOT_ALLOWED, "method not allowed; use GET or HEAD\n")
        })
        .with_state(Arc::new(site))
        .merge(landing)
        // The page compresses to a tenth at any level, and a scrape should cost as little as can be.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn(refuse_ambiguous))
        .layer(map_response(secure))
}

async fn metrics(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let format = accept::format(headers.get_all(ACCEPT));
    match site.render(format).await {
        Ok(page) => {
            let headers = [
                (CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
                (VARY, HeaderValue::from_static("accept")),
            ];
            (headers, page).into_response()
        }
        Err(error) => {
            if site.failures.is_due() {
                error!("no page of metrics: {error:#}");
            }
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}\n")).into_response()
        }
    }
}

async fn readiness(State(site): State<Arc<Site>>) -> (StatusCode, &'static str) {
    if is_ready(&site.ready) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the hooks are not attached\n")
    }
}

fn is_ready(ready: &Ready) -> bool {
    ready.load(Relaxed)
}

impl Site {
    /// Renders where it may block, so that no other task of the process waits for a scrape.
    async fn render(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        let turn = Arc::clone(&self.renders).acquire_owned().await?;
        let page = Arc::clone(&self.page);
        let rendering = spawn_blocking(move || {
            // The turn ends here and not with the request, as a client that leaves does not stop this.
            let _turn = turn;
            page.render(format)
        });
        Ok(rendering.await??)
    }
}

/// Refuses requests that a proxy in front could have understood in another way, see RFC 9112, 3.2 and 6.1. As no route
/// takes a body, none needs `Transfer-Encoding`; hyper hides the `Content-Length` that may have come with it.
async fn refuse_ambiguous(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let n_hosts = headers.get_all(HOST).iter().count();
    let reason = if n_hosts > 1 || (n_hosts == 0 && request.version() == Version::HTTP_11) {
        "bad request: one Host header is needed\n"
    } else if headers.contains_key(TRANSFER_ENCODING) {
        "bad request: Transfer-Encoding is not taken here\n"
    } else {
        return next.run(request).await;
    };
    (StatusCode::BAD_REQUEST, [(CONNECTION, "close")], reason).into_response()
}

async fn secure(mut response: Response) -> Response {
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
