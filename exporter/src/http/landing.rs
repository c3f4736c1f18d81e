//! The page at `/`, what it loads, and its list of deaths for scripts.
//!
//! People may wait where scrapes may not: pages have a turn of their own, one at a time, and few may wait for it.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState},
    sync::Arc,
};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER},
    },
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use super::{DEATHS, HEALTHY, LANDING, READY, Ready, TelemetryPath, is_ready};
use crate::landing::{ICON, Landing, Paths, SCRIPT, STYLE};

/// Pages that are made or wait to be made. Whoever comes on top of that is asked to come again.
const PLACES: usize = 16;

/// What this page may do: load what is served beside it, and ask for itself.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// What is here today may be another tomorrow, and names processes: nobody on the way keeps it.
const NOT_KEPT: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
/// The path of an asset changes with its content.
const KEPT: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));

/// What the routes need.
struct Site {
    landing: Arc<Landing>,
    paths: Paths,
    ready: Ready,
    places: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    /// With a key of this process' own: what others put on the page cannot be made to look like what was there before.
    tags: RandomState,
}

/// The routes of the page.
pub(super) fn router(landing: Arc<Landing>, telemetry_path: &TelemetryPath, ready: Ready) -> Router {
    let asset = |name: &str, content: &'static str| {
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(content);
        format!("{ASSETS}{stem}-{hash:016x}.{extension}")
    };
    let paths = Paths {
        links: links(telemetry_path, landing.shows_deaths()),
        style: asset("style.css", STYLE),
        script: asset("script.js", SCRIPT),
        icon: asset("icon.svg", ICON),
        lines: DEATHS,
    };
    let assets = [
        (&paths.style, "text/css; charset=utf-8", STYLE),
        (&paths.script, "text/javascript; charset=utf-8", SCRIPT),
        (&paths.icon, "image/svg+xml", ICON),
    ];
    let mut router = Router::new().route(LANDING, get(page)).route(DEATHS, get(lines));
    for (path, content_type, content) in assets {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(content_type)), KEPT];
        router = router.route(path, get(async move || (headers.clone(), content)));
    }
    router.with_state(Arc::new(Site {
        landing,
        paths,
        ready,
        places: Arc::new(Semaphore::new(PLACES)),
        turn: Arc::new(Semaphore::new(1)),
        tags: RandomState::new(),
    }))
}

/// Below this the assets are.
pub(super) const ASSETS: &str = "/assets/";

fn links(telemetry_path: &TelemetryPath, shows_deaths: bool) -> Vec<(String, &'static str)> {
    let deaths = shows_deaths.then_some((DEATHS, "Deaths as JSON"));
    let links = [(telemetry_path.as_str(), "Metrics"), (HEALTHY[0], "Health"), (READY[0], "Readiness")];
    links.into_iter().chain(deaths).map(|(path, text)| (path.to_owned(), text)).collect()
}

async fn page(State(site): State<Arc<Site>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let is_ready = is_ready(&site.ready);
    let made =
        site.make(move |site| site.landing.html(&query.unwrap_or_default(), is_ready, &site.paths)).await;
    let html = match made {
        Ok(html) => html,
        Err(busy) => return busy,
    };
    let status = if html.is_understood { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    // Weak, as the bytes on the way may be compressed.
    let tag = format!("W/\"{:016x}\"", site.tags.hash_one(&html.text));
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if is_known && html.is_understood {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, Html(html.text)).into_response()
    };
    let headers = response.headers_mut();
    headers.extend([(CONTENT_SECURITY_POLICY, POLICY), NOT_KEPT]);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

async fn lines(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Response {
    match site.make(move |site| site.landing.lines(&query.unwrap_or_default())).await {
        Ok(Some(Ok(lines))) => {
            ([(CONTENT_TYPE, HeaderValue::from_static("application/jsonl")), NOT_KEPT], lines).into_response()
        }
        Ok(Some(Err(errors))) => (StatusCode::BAD_REQUEST, format!("{errors}\n")).into_response(),
        Ok(None) => (StatusCode::FORBIDDEN, HIDDEN).into_response(),
        Err(busy) => busy,
    }
}

const HIDDEN: &str =
    "deaths are not shown here, because they name processes; start the exporter with --web.show-events\n";

impl Site {
    /// Makes something where it may block, in its turn.
    async fn make<T: Send + 'static>(
        self: &Arc<Self>,
        make: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Response> {
        let busy = || {
            let headers = [(RETRY_AFTER, HeaderValue::from_static("1"))];
            (StatusCode::SERVICE_UNAVAILABLE, headers, "too many readers at once; come again\n")
                .into_response()
        };
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| busy())?;
        let site = Arc::clone(self);
        let making = spawn_blocking(move || {
            // They end here and not with the request, as a client that leaves does not stop this.
            let _held: [OwnedSemaphorePermit; 2] = [place, turn];
            make(&site)
        });
        making.await.map_err(|_| busy())
    }
}

#[cfg(test)]
mod tests {
    use crate::landing::{SCRIPT, STYLE};

    #[test]
    fn what_the_page_loads_loads_nothing_else() {
        for asset in [STYLE, SCRIPT] {
            for other in ["http:", "https:", "url(", "@import", "import(", "eval", "innerHTML"] {
                assert!(!asset.contains(other), "{other}");
            }
        }
    }
}
