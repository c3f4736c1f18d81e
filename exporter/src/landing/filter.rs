//! Which deaths are shown: the query of the URL, as the form on the page writes it.

use std::fmt;

use form_urlencoded::Serializer;
use killsnoop_common::cause::{Cause, Scope};

use crate::{
    event::{Event, Process, sender_name},
    recent::Whom,
    signal,
    verdict::printable,
};

/// Longest value of a field. Each link on the page repeats all of them.
const LONGEST: usize = 200;
/// The signal of the OOM killer.
const SIGKILL: i32 = 9;

/// What is asked for, as typed and as understood. A field that was not understood asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    typed: Vec<(Field, String)>,
    whom: Option<Whom>,
    by: Option<By>,
    container: Option<Whom>,
    signal: Option<i32>,
    cause: Option<Cause>,
    before_boot_ns: Option<u64>,
}

/// A field of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Who died.
    Process,
    /// Who killed.
    By,
    /// Where who died ran: a container, pod or unit.
    Container,
    /// The signal.
    Signal,
    /// The cause.
    Cause,
    /// Only what happened before this time, in nanoseconds since boot: the next page.
    Before,
}

/// Whose signal it was: a process, or what stands for the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
enum By {
    Process(Whom),
    Kernel(String),
}

/// A value that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotUnderstood {
    pub(super) field: Field,
    reason: String,
}

impl Field {
    pub(super) const ALL: [Self; 6] =
        [Self::Process, Self::By, Self::Container, Self::Signal, Self::Cause, Self::Before];

    /// Its name in the query.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::By => "by",
            Self::Container => "container",
            Self::Signal => "signal",
            Self::Cause => "cause",
            Self::Before => "before",
        }
    }
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field.name(), self.reason)
    }
}

impl Filter {
    /// Reads a query; names that are no fields are passed over, as other programs may add theirs.
    pub(super) fn parse(query: &str) -> (Self, Vec<NotUnderstood>) {
        let (mut filter, mut errors) = (Self::default(), vec![]);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = Field::ALL.into_iter().find(|field| field.name() == name);
            let Some(field) = field.filter(|_| !value.trim().is_empty()) else { continue };
            // As names are shown, so that what is copied from the page is found, and what is typed is harmless.
            let value = printable::text(value.trim().as_bytes());
            if let Err(reason) = filter.set(field, &value) {
                errors.push(NotUnderstood { field, reason });
            }
        }
        (filter, errors)
    }

    fn set(&mut self, field: Field, value: &str) -> Result<(), String> {
        self.typed.retain(|(other, _)| *other != field);
        if value.chars().count() > LONGEST {
            return Err(format!("is longer than {LONGEST} characters"));
        }
        self.typed.push((field, value.to_owned()));
        match field {
            Field::Process => self.whom = Some(value.parse()?),
            Field::By => self.by = Some(By::parse(value)?),
            Field::Container => self.container = Some(Whom::Container(value.to_owned())),
            Field::Signal => self.signal = Some(signal::parse(value)?),
            Field::Cause => self.cause = Some(cause(value)?),
            Field::Before => {
                let number = value.parse().map_err(|_| format!("{value:?} is no number of nanoseconds"))?;
                self.before_boot_ns = Some(number);
            }
        }
        Ok(())
    }

    /// What was typed into a field.
    pub(super) fn typed(&self, field: Field) -> Option<&str> {
        self.typed.iter().find(|(other, _)| *other == field).map(|(_, value)| value.as_str())
    }

    /// The signal that is asked for.
    pub(super) fn signal(&self) -> Option<i32> {
        self.signal
    }

    /// Whether anything but the place in the list is asked for.
    pub(super) fn is_active(&self) -> bool {
        self.typed.iter().any(|(field, _)| *field != Field::Before)
    }

    /// Whether this is not the first page.
    pub(super) fn is_older(&self) -> bool {
        self.before_boot_ns.is_some()
    }

    /// The query with another value of one field, from the first page on unless it is about pages.
    pub(super) fn with(&self, field: Field, value: Option<&str>) -> String {
        let mut query = Serializer::for_suffix(String::from("?"), 1);
        let kept = self.typed.iter().filter(|(other, _)| *other != field && *other != Field::Before);
        query.extend_pairs(kept.map(|(field, value)| (field.name(), value)));
        if let Some(value) = value {
            query.append_pair(field.name(), value);
        }
        query.finish()
    }

    /// Whether an event is asked for.
    pub(super) fn wants(&self, event: &Event) -> bool {
        let Some(one) = Facts::of(event) else { return false };
        let is_of = |whom: &Whom| whom.is(one.victim, one.exe);
        self.whom.as_ref().is_none_or(is_of)
            && self.container.as_ref().is_none_or(is_of)
            && self.by.as_ref().is_none_or(|by| by.is(&one))
            && self.signal.is_none_or(|signal| signal == one.signal)
            && self.cause.is_none_or(|cause| cause == one.cause)
            && self.before_boot_ns.is_none_or(|before| event.time().boot_ns < before)
    }
}

/// Of a death or an OOM kill what both have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) victim: &'a Process,
    exe: Option<&'a str>,
    pub(super) sender: Option<&'a Process>,
    sender_exe: Option<&'a str>,
    pub(super) signal: i32,
    pub(super) cause: Cause,
}

impl<'a> Facts<'a> {
    pub(super) fn of(event: &'a Event) -> Option<Self> {
        match event {
            Event::Death(death) => Some(Self {
                victim: &death.victim,
                exe: death.victim_background.exe.as_deref(),
                sender: death.sender(),
                sender_exe: death.sender_background.exe.as_deref(),
                signal: death.signal,
                cause: death.cause,
            }),
            Event::OomKill(kill) => Some(Self {
                victim: &kill.victim,
                exe: None,
                sender: (kill.trigger.pid != 0).then_some(&kill.trigger),
                sender_exe: None,
                signal: SIGKILL,
                cause: match kill.memory.scope {
                    Scope::Memcg => Cause::OomMemcg,
                    Scope::Global => Cause::OomGlobal,
                    Scope::Unknown => Cause::Oom,
                },
            }),
            Event::Call(_) | Event::Signal(_) => None,
        }
    }
}

impl By {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("kernel:") {
            Ok(Self::Kernel(text.to_owned()))
        } else {
            text.parse().map(Self::Process)
        }
    }

    fn is(&self, one: &Facts<'_>) -> bool {
        match self {
            Self::Process(whom) => one.sender.is_some_and(|sender| whom.is(sender, one.sender_exe)),
            Self::Kernel(name) => sender_name(one.sender, one.cause) == name.as_str(),
        }
    }
}

fn cause(name: &str) -> Result<Cause, String> {
    let names = || Cause::ALL.map(Cause::name).join(", ");
    let found = Cause::ALL.into_iter().find(|cause| cause.name() == name);
    found.ok_or_else(|| format!("{name:?} is no cause; there are {}", names()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::event::examples;

    fn wants(query: &str, event: &Event) -> bool {
        let (filter, errors) = Filter::parse(query);
        assert_eq!(errors, [], "{query}");
        filter.wants(event)
    }

    #[test]
    fn each_field_asks_for_what_it_names_and_all_must_hold() {
        let death = examples::death_event();
        let before = death.time().boot_ns + 1;
        let has = [
            String::new(),
            "process=nginx".to_owned(),
            "process=4711".to_owned(),
            "by=systemd-oomd".to_owned(),
            "by=612".to_owned(),
            "signal=kill".to_owned(),
            "cause=kill".to_owned(),
            format!("before={before}"),
            "process=nginx&by=pid:612&signal=9&cause=kill".to_owned(),
            "process=&signal=+&utm=x".to_owned(),
        ];
        assert_eq!(has.iter().find(|query| !wants(query, &death)), None);
        let has_not = [
            "process=612",
            "by=nginx",
            "by=kernel:kill",
            "signal=15",
            "cause=tkill",
            "container=web",
            "before=1",
            "process=nginx&signal=15",
        ];
        assert_eq!(has_not.iter().find(|query| wants(query, &death)), None);
    }

    #[test]
    fn what_the_kernel_did_is_found_by_its_reason_and_whoever_wanted_memory_by_name() {
        let kill = Event::OomKill(Arc::new(examples::oom_kill()));
        for query in ["by=kernel:oom_memcg", "cause=oom_memcg", "signal=SIGKILL", "by=systemd-oomd"] {
            assert!(wants(query, &kill), "{query}");
        }
        for query in ["by=kernel:oom_global", "cause=kill"] {
            assert!(!wants(query, &kill), "{query}");
        }
        assert!(!wants("", &examples::call_event()));
    }

    #[test]
    fn what_is_not_understood_is_told_by_its_field_and_asks_for_nothing() {
        let long = format!("process={}", "x".repeat(LONGEST + 1));
        let rows = [
            ("signal=SIGFOO", "signal: \"SIGFOO\" is no signal"),
            ("cause=weather", "cause: \"weather\" is no cause"),
            ("process=pid:x", "process: \"x\" is no pid"),
            ("by=name:", "by: \"name:\" names nobody"),
            ("before=x", "before: \"x\" is no number"),
            (&long, "process: is longer than 200 characters"),
        ];
        for (query, error) in rows {
            let (_, errors) = Filter::parse(query);
            assert!(errors.len() == 1 && errors[0].to_string().starts_with(error), "{query}: {errors:?}");
        }
    }

    proptest! {
        #[test]
        fn a_link_leads_to_what_it_was_made_of(process in "\\PC{1,15}", container in "\\PC{1,15}", name in "\\PC{1,15}") {
            let query = Serializer::new(String::new())
                .append_pair("process", &process).append_pair("container", &container).append_pair("before", "7").finish();
            let (filter, _) = Filter::parse(&query);
            let link = filter.with(Field::By, Some(&name));
            let (other, _) = Filter::parse(link.strip_prefix('?').unwrap());
            prop_assert_eq!(other.typed(Field::Process), filter.typed(Field::Process));
            prop_assert_eq!(other.typed(Field::Container), filter.typed(Field::Container));
            prop_assert_eq!(other.typed(Field::By).unwrap_or_default(), printable::text(name.trim().as_bytes()));
            prop_assert!(!other.is_older() && link.is_ascii() && !link.contains(['"', '<', '\'']));
        }
    }
}
