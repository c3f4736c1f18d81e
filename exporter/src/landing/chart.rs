//! The last hour in two rows of bars, and the same as a table.

use maud::{Markup, html};

use super::{Deaths, Filter, history::Shown, lock, time};
use crate::{clock, signal};

/// Units of the drawing: it is stretched to the width of the page.
const BAR: u64 = 10;
const HEIGHT: u64 = 40;

/// What a process that dies of a signal may have done: colours go by this, and words beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It could not help it.
    Killed,
    /// It failed by itself.
    Crashed,
    /// It was asked to end, and had no handler; or a limit or a timer did it.
    Other,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Killed, Self::Crashed, Self::Other];

    pub(super) fn of(number: i32) -> Self {
        match &*signal::name(number) {
            "SIGKILL" => Self::Killed,
            "SIGSEGV" | "SIGABRT" | "SIGBUS" | "SIGILL" | "SIGFPE" | "SIGSYS" | "SIGTRAP" => Self::Crashed,
            _ => Self::Other,
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Crashed => "crashed",
            Self::Other => "other",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Killed => "by SIGKILL",
            Self::Crashed => "crashed",
            Self::Other => "by other signals",
        }
    }
}

/// The section of the last hour.
pub(super) fn chart(deaths: &Deaths, filter: &Filter) -> Markup {
    let minutes = lock(&deaths.history).shown(filter.signal(), clock::unix_ns());
    let which = filter.signal().map(signal::name);
    let (n_posted, n_deaths) =
        (minutes.iter().map(|one| one.posted).sum::<u64>(), minutes.iter().map(Shown::n_deaths).sum::<u64>());
    let of_which = which.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
    let signals = which.map_or_else(|| "signals".to_owned(), |name| format!("{name} sent"));
    html! {
        section #chart aria-labelledby="chart-title" {
            h2 #chart-title { "The last hour, by minute" }
            figure {
                (row(&format!("deaths{of_which}"), n_deaths, &minutes, deaths_bars))
                (row(&signals, n_posted, &minutes, posted_bars))
            }
            p.legend {
                @for kind in Kind::ALL { span { i class={ "swatch " (kind.class()) } {} (kind.words()) } " " }
                @if filter.signal().is_none() {
                    span { "Signals without SIGCHLD, SIGCONT, SIGURG and SIGWINCH, which are daily life." }
                }
            }
            (table(&minutes))
        }
    }
}

/// A part of a bar: its class, and how much it is.
type Part = (&'static str, u64);

fn deaths_bars(minute: &Shown) -> Vec<Part> {
    let of = |kind| {
        minute.deaths.iter().filter(move |(signal, _)| Kind::of(*signal) == kind).map(|(_, n)| n).sum()
    };
    Kind::ALL.map(|kind| (kind.class(), of(kind))).to_vec()
}

fn posted_bars(minute: &Shown) -> Vec<Part> {
    vec![("posted", minute.posted)]
}

fn row(what: &str, total: u64, minutes: &[Shown], bars: impl Fn(&Shown) -> Vec<Part>) -> Markup {
    let sum = |minute: &Shown| bars(minute).iter().map(|(_, n)| n).sum::<u64>();
    let most = minutes.iter().map(sum).max().unwrap_or(0);
    let label = format!("{} {what} in the last hour, at most {} in a minute", grouped(total), grouped(most));
    html! {
        div.row {
            div.label { b { (grouped(total)) } " " (what) }
            svg role="img" aria-label=(label) viewBox={ "0 0 " (BAR * minutes.len() as u64) " " (HEIGHT) }
                preserveAspectRatio="none" {
                @for (at, n) in unknown(minutes) {
                    rect.unknown x=(at * BAR) y=(HEIGHT - 1) width=(n * BAR) height="1" {}
                }
                @for (at, minute) in (0..).zip(minutes).filter(|(_, minute)| sum(minute) > 0) {
                    (bar(at, &bars(minute), most))
                }
            }
            div.axis aria-hidden="true" { span { "60 min ago" } span { "30" } span { "now" } }
        }
    }
}

/// Where minutes are of which nothing is known, and how many there are one after the other.
fn unknown(minutes: &[Shown]) -> Vec<(u64, u64)> {
    let mut runs = vec![];
    let mut at = 0;
    for run in minutes.chunk_by(|one, next| one.is_known == next.is_known) {
        if !run[0].is_known {
            runs.push((at, run.len() as u64));
        }
        at += run.len() as u64;
    }
    runs
}

fn bar(at: u64, parts: &[Part], most: u64) -> Markup {
    let mut top = HEIGHT;
    let parts = parts.iter().filter(|(_, n)| *n > 0).map(|(class, n)| {
        // Whatever is there can be seen.
        let height = scaled(*n, most).max(2).min(top);
        top -= height;
        (class, top, height)
    });
    let parts: Vec<_> = parts.collect();
    html! {
        @for (class, y, height) in parts {
            rect class=(class) x=(at * BAR + 1) y=(y) width=(BAR - 2) height=(height) {}
        }
    }
}

fn scaled(n: u64, most: u64) -> u64 {
    u64::try_from(u128::from(n) * u128::from(HEIGHT) / u128::from(most.max(1))).unwrap_or(HEIGHT)
}

fn table(minutes: &[Shown]) -> Markup {
    let some: Vec<_> =
        minutes.iter().rev().filter(|minute| minute.posted > 0 || minute.n_deaths() > 0).collect();
    html! {
        details #chart-table {
            summary { "As a table" }
            @if some.is_empty() { p { "No signal in the last hour." } }
            @else {
                table.numbers {
                    caption { "Minutes with a signal or a death, the last one first" }
                    thead { tr { th scope="col" { "Minute (UTC)" } th scope="col" { "Signals" } th scope="col" { "Deaths" } th scope="col" { "Of these" } } }
                    tbody { @for minute in some {
                        @let (shown, exact) = time(minute.unix_ns);
                        tr {
                            th scope="row" { time datetime=(exact) { (shown.get(..16).unwrap_or(&shown)) } }
                            td { (grouped(minute.posted)) }
                            td { (grouped(minute.n_deaths())) }
                            td.words { (by_signal(minute)) }
                        }
                    } }
                }
            }
        }
    }
}

fn by_signal(minute: &Shown) -> String {
    let each = minute.deaths.iter().map(|(signal, n)| format!("{} {}", grouped(*n), signal::name(*signal)));
    each.collect::<Vec<_>>().join(", ")
}

/// A number in groups of three digits.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let rows = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ];
        for (n, expected) in rows {
            assert_eq!(grouped(n), expected);
        }
    }

    #[test]
    fn bars_stand_on_each_other_and_stay_within_the_drawing_however_large_the_numbers_are() {
        for parts in [[1, 1, 1], [u64::MAX / 3; 3], [1, u64::MAX / 2, 0], [1, 1, u64::MAX - 2]] {
            let parts: Vec<_> = parts.into_iter().map(|n| ("killed", n)).collect();
            let most = parts.iter().map(|(_, n)| n).sum();
            let drawn = bar(0, &parts, most).into_string();
            let number = |rect: &str, name: &str| -> u64 {
                rect.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
            };
            let mut bottom = HEIGHT;
            for rect in drawn.split("<rect").skip(1) {
                let (y, height) = (number(rect, " y"), number(rect, "height"));
                assert!(y + height == bottom, "{drawn}");
                bottom = y;
            }
        }
    }
}
