//! Who died: the form that asks, and the table that answers.

use killsnoop_common::cause::Cause;
use maud::{Markup, html};

use super::{
    Deaths, Paths,
    chart::{Kind, grouped},
    details::details,
    filter::{Facts, Field, Filter, NotUnderstood},
    time,
};
use crate::{
    event::{Event, Process},
    recent::Found,
    signal,
    verdict::{self, json, printable},
};

/// Rows of a page; older ones are on the next.
const ROWS: usize = 50;
/// Signals that are proposed to whoever types one.
const USUAL: [i32; 12] = [9, 15, 11, 6, 2, 1, 3, 7, 4, 8, 13, 14];

/// The section of the dead.
pub(super) fn deaths(deaths: &Deaths, filter: &Filter, errors: &[NotUnderstood], paths: &Paths) -> Markup {
    let found = if errors.is_empty() {
        deaths.recent.select(ROWS, |event| filter.wants(event))
    } else {
        deaths.recent.select(0, |_| false)
    };
    html! {
        section #deaths aria-labelledby="deaths-title" {
            h2 #deaths-title { "Who died, and why" }
            (form(filter, errors))
            div #found { @if errors.is_empty() { (summary(filter, &found)) } }
            div #table { @if !found.events.is_empty() { (table(&found)) } }
            nav #pages aria-label="Pages of deaths" { (pages(filter, &found)) }
            @if errors.is_empty() { (elsewhere(filter, paths)) }
        }
    }
}

/// One event as a line of JSON; `None` for what is neither a death nor an OOM kill.
pub(super) fn line(event: Event) -> Option<String> {
    let object = match event {
        Event::Death(death) => json::death(&death),
        Event::OomKill(kill) => json::oom_kill(&kill),
        Event::Call(_) | Event::Signal(_) => return None,
    };
    Some(json::line(object) + "\n")
}

fn form(filter: &Filter, errors: &[NotUnderstood]) -> Markup {
    html! {
        form #filter method="get" action="/" role="search" aria-label="Choose deaths" {
            (input(Field::Process, "Process", "name or pid", filter, errors, None))
            (input(Field::Container, "Container, pod or unit", "name or id", filter, errors, None))
            (input(Field::By, "Killed by", "name or pid", filter, errors, None))
            (input(Field::Signal, "Signal", "name or number", filter, errors, Some("signals")))
            datalist #signals { @for signal in USUAL { option value=(signal::name(signal)) {} } }
            div.field {
                label for="cause" { "Cause" }
                select #cause name="cause" {
                    option value="" { "any" }
                    @for cause in Cause::ALL {
                        @let is_chosen = filter.typed(Field::Cause) == Some(cause.name());
                        option value=(cause.name()) selected[is_chosen] { (cause.name()) }
                    }
                }
                (error(Field::Cause, errors))
            }
            div.buttons {
                button type="submit" { "Show" }
                @if filter.is_active() { a.button href="/" { "Show all" } }
            }
            (error(Field::Before, errors))
        }
    }
}

fn input(
    field: Field,
    label: &str,
    hint: &str,
    filter: &Filter,
    errors: &[NotUnderstood],
    list: Option<&str>,
) -> Markup {
    let name = field.name();
    let is_wrong = errors.iter().any(|error| error.field == field);
    html! {
        div.field {
            label for=(name) { (label) }
            input id=(name) name=(name) value=[filter.typed(field)] placeholder=(hint) list=[list] autocomplete="off"
                autocapitalize="none" spellcheck="false" maxlength="200"
                aria-invalid=[is_wrong.then_some("true")]
                aria-describedby=[is_wrong.then(|| format!("{name}-error"))];
            (error(field, errors))
        }
    }
}

fn error(field: Field, errors: &[NotUnderstood]) -> Markup {
    html! {
        @for error in errors.iter().filter(|error| error.field == field) {
            p.error id={ (field.name()) "-error" } role="alert" {
                bdo dir="ltr" { (printable::text(error.to_string().as_bytes())) }
            }
        }
    }
}

/// How many there are, and what to do if there is none.
fn summary(filter: &Filter, found: &Found) -> Markup {
    let (shown, exact) = time(found.since_unix_ns);
    let since = html! { "since " time datetime=(exact) { (shown) } " UTC" };
    let (n, n_kept) = (found.n_matching as u64, found.n_kept as u64);
    html! {
        @if n_kept == 0 {
            p.empty { "No process was ended by a signal " (since) ". The next one will stand here." }
        } @else if n == 0 && filter.is_older() {
            p.empty { "There are no older ones " (since) "." }
        } @else if n == 0 {
            p.empty { "None of the " (grouped(n_kept)) " deaths known " (since) " is like that. " a href="/" { "Show all" } "." }
        } @else {
            p {
                b { (grouped(n)) } @if filter.is_active() || filter.is_older() { " of " (grouped(n_kept)) }
                @if n_kept == 1 { " death " } @else { " deaths " } (since)
                @if n > found.events.len() as u64 { "; the last " (found.events.len()) " of them are shown" }
            }
        }
    }
}

fn table(found: &Found) -> Markup {
    html! {
        table.deaths role="table" aria-label="Deaths, the last one first" {
            thead role="rowgroup" { tr role="row" {
                @for head in ["Time (UTC)", "Process", "Signal", "Why, and by whom", "Cause"] {
                    th scope="col" role="columnheader" { (head) }
                }
            } }
            tbody #rows role="rowgroup" { @for event in &found.events { (row(event)) } }
        }
    }
}

fn row(event: &Event) -> Markup {
    let Some(facts) = Facts::of(event) else { return html! {} };
    let (shown, exact) = time(event.time().unix_ns);
    let (day, clock) = shown.split_once(' ').unwrap_or(("", &shown));
    let (signal, cause) = (signal::name(facts.signal), facts.cause.name());
    html! {
        // The same each time: what is open stays open when the page is brought up to date.
        tr id={ "death-" (facts.victim.pid) "-" (event.time().boot_ns) } role="row" {
            td.when role="cell" { time datetime=(exact) { (clock) " " span.day { (day) } } }
            th.who scope="row" role="rowheader" { (who(facts.victim)) }
            td.signal role="cell" { span class={ "badge " (Kind::of(facts.signal).class()) } { (signal) } }
            td.why role="cell" {
                details id={ "details-" (facts.victim.pid) "-" (event.time().boot_ns) } {
                    summary { bdo dir="ltr" { (reason(event)) } }
                    (details(event, &facts))
                }
            }
            td.cause role="cell" { (cause) }
        }
    }
}

fn reason(event: &Event) -> String {
    match event {
        Event::Death(death) => verdict::reason_of_death(death),
        Event::OomKill(kill) => verdict::reason_of_oom_kill(kill) + "; its death was not seen yet",
        Event::Call(_) | Event::Signal(_) => String::new(),
    }
}

fn who(process: &Process) -> Markup {
    let name = printable::text(process.comm.bytes());
    html! {
        bdi.name { @if name.is_empty() { "?" } @else { (name) } } " " span.pid { (process.pid) }
        @if let Some(place) = verdict::place(process) { " " bdi.place { (place) } }
    }
}

fn pages(filter: &Filter, found: &Found) -> Markup {
    let last = found.events.last().filter(|_| found.n_matching > found.events.len());
    html! {
        @if filter.is_older() { a.button href=(filter.with(Field::Before, None)) { "Newest" } }
        @if let Some(last) = last {
            @let before = last.time().boot_ns.to_string();
            a.button href=(filter.with(Field::Before, Some(&before))) { "Older" }
        }
    }
}

/// The same question for scripts, and for the shell.
fn elsewhere(filter: &Filter, paths: &Paths) -> Markup {
    let query = filter.with(Field::Before, None);
    html! {
        p.elsewhere {
            "The same as " a href={ (paths.lines) (if filter.is_active() { query.as_str() } else { "" }) } { "lines of JSON" }
            ". On the machine, as root: " code { "killsnoop-exporter why" } "."
        }
    }
}
