//! The page as a whole: the answer first, then whether it can be trusted, then where to go from here.

use std::{io, sync::Arc};

use maud::{DOCTYPE, Markup, html};

use super::{Filter, Landing, Paths, chart, deaths, filter::NotUnderstood, health, health::problems};
use crate::counters::Snapshot;

/// Everything that one page shows, read once.
pub(super) struct View<'a> {
    pub(super) landing: &'a Landing,
    pub(super) filter: Filter,
    pub(super) errors: Vec<NotUnderstood>,
    pub(super) snapshot: io::Result<Arc<Snapshot>>,
    pub(super) is_ready: bool,
    pub(super) paths: &'a Paths,
}

impl View<'_> {
    pub(super) fn html(&self) -> Markup {
        let host = &self.landing.host.name;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { "killsnoop on " (host) }
                    link rel="icon" type="image/svg+xml" href=(self.paths.icon);
                    link rel="stylesheet" href=(self.paths.style);
                    script src=(self.paths.script) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (self.header())
                    main #main {
                        @match &self.landing.deaths {
                            Some(deaths) => {
                                (chart::chart(deaths, &self.filter))
                                (deaths::deaths(deaths, &self.filter, &self.errors, self.paths))
                            }
                            None => (hidden()),
                        }
                        (health::health(self.landing, &self.snapshot, self.is_ready))
                    }
                    (self.footer())
                }
            }
        }
    }

    fn header(&self) -> Markup {
        let (class, words) = self.state();
        html! {
            header {
                h1 { "killsnoop " span.host { "on " bdi { (self.landing.host.name) } } }
                a #state class={ "state " (class) } href="#health" { (words) }
                // What the script says. Without it, this stays empty.
                div.live {
                    button #pause type="button" hidden { "Pause" }
                    span #live {}
                    p #news.visually-hidden role="status" {}
                }
            }
        }
    }

    fn state(&self) -> (&'static str, &'static str) {
        let Ok(snapshot) = &self.snapshot else { return ("loss", "No counters") };
        let problems = problems(self.landing, snapshot, self.is_ready);
        match problems.iter().any(|problem| problem.is_loss) {
            _ if !self.is_ready => ("loss", "Not watching"),
            true => ("loss", "Watching, something was missed"),
            false if problems.is_empty() => ("none", "Watching, nothing was missed"),
            false => ("blind", "Watching, not all can be seen here"),
        }
    }

    fn footer(&self) -> Markup {
        html! {
            footer {
                nav aria-label="What else is served here" {
                    ul { @for (path, text) in &self.paths.links { li { a href=(path) { (text) } } } }
                }
                p { "killsnoop exporter " (env!("CARGO_PKG_VERSION")) ", " code { "man killsnoop-exporter" } " tells the rest" }
            }
        }
    }
}

/// What stands in the place of the dead if the operator has not asked for them.
fn hidden() -> Markup {
    html! {
        section #deaths aria-labelledby="deaths-title" {
            h2 #deaths-title { "Who died, and why" }
            p.empty {
                "Not shown here: it would tell names of processes and containers to whoever reaches this port. "
                "Start the exporter with " code { "--web.show-events" } " to show it, or ask on the machine, as root: "
                code { "killsnoop-exporter why" } "."
            }
        }
    }
}
