//! Whose death is asked for, as people write it.

use std::{fmt, str::FromStr};

use crate::{
    cgroup::{Container, Place, Pod},
    event::Process,
    verdict::printable,
};

/// Whose death is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Whom {
    /// Anybody's.
    #[default]
    Anybody,
    /// That of the process with this id in the initial pid namespace: `4711` or `pid:4711`.
    Pid(u32),
    /// Those of processes with this name, or with an executable of this name: `name:nginx`.
    Name(String),
    /// Those in a container, pod or unit of this name, or in a container whose id begins like this: `container:web`.
    Container(String),
    /// Those of either kind: `nginx`. An id of a container counts only with the 12 digits that tools show, because
    /// fewer may as well be a name.
    Either(String),
}

/// Digits of a container's id that nobody takes for anything else.
const ID: usize = 12;
/// Bytes of a name that the kernel keeps.
const COMM: usize = 15;

impl Whom {
    /// Whether it is this process, which ran that executable.
    #[must_use]
    pub fn is(&self, process: &Process, exe: Option<&str>) -> bool {
        let is_in = |name, digits| process.place.as_deref().is_some_and(|place| is_in(place, name, digits));
        match self {
            Self::Anybody => true,
            Self::Pid(pid) => process.pid == *pid,
            Self::Name(name) => is_called(process, exe, name),
            Self::Container(name) => is_in(name, 1),
            Self::Either(name) => is_called(process, exe, name) || is_in(name, ID),
        }
    }
}

impl FromStr for Whom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').unwrap_or(("", text));
        match (kind, name) {
            ("pid" | "name" | "container", "") => Err(format!("{text:?} names nobody")),
            ("pid", pid) => number(pid).map(Self::Pid).ok_or_else(|| format!("{pid:?} is no pid")),
            ("name", name) => Ok(Self::Name(name.to_owned())),
            ("container", name) => Ok(Self::Container(name.to_owned())),
            _ if text.is_empty() => Ok(Self::Anybody),
            // More digits than a pid has are the id of a container.
            _ => Ok(number(text).map_or_else(|| Self::Either(text.to_owned()), Self::Pid)),
        }
    }
}

fn number(text: &str) -> Option<u32> {
    // `parse` alone would take "+9".
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for Whom {
    /// As it can be read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anybody => Ok(()),
            Self::Pid(pid) => write!(f, "pid:{pid}"),
            Self::Name(name) => write!(f, "name:{name}"),
            Self::Container(name) => write!(f, "container:{name}"),
            Self::Either(name) => write!(f, "{name}"),
        }
    }
}

/// By the name as it is, as sentences show it, or as it was before the kernel cut it off.
fn is_called(process: &Process, exe: Option<&str>, name: &str) -> bool {
    let comm = process.comm.bytes();
    let file = exe.and_then(|exe| exe.rsplit('/').next());
    comm == name.as_bytes()
        || (comm.len() == COMM && name.as_bytes().starts_with(comm))
        || printable::text(comm) == name
        || file == Some(name)
}

fn is_in(place: &Place, name: &str, digits: usize) -> bool {
    let unit = place.unit.as_deref();
    let container = place.container.as_ref();
    unit == Some(name)
        || unit.and_then(|unit| unit.strip_suffix(".service")) == Some(name)
        || container.is_some_and(|container| is_container(container, name, digits))
        || place.pod.as_ref().is_some_and(|pod| is_pod(pod, container, name))
}

fn is_container(container: &Container, name: &str, digits: usize) -> bool {
    container.name.as_deref() == Some(name) || (name.len() >= digits && container.id.starts_with(name))
}

/// By uid, `pod`, `namespace/pod`, or either with `/container` behind it.
fn is_pod(pod: &Pod, container: Option<&Container>, name: &str) -> bool {
    let Some(pod_name) = &pod.name else { return pod.uid == name };
    let rest = pod.namespace.as_ref().and_then(|namespace| name.strip_prefix(namespace)?.strip_prefix('/'));
    let container = container.and_then(|container| container.name.as_deref());
    pod.uid == name
        || [Some(name), rest].into_iter().flatten().any(|name| {
            let behind = name.strip_prefix(&**pod_name);
            behind.is_some_and(|behind| {
                behind.is_empty() || behind.strip_prefix('/').is_some_and(|name| container == Some(name))
            })
        })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::event::Comm;

    fn process() -> Process {
        let container = Container {
            id: "3f4a5b6c7d8e9f".to_owned(),
            name: Some("web".to_owned()),
            ..Container::default()
        };
        let pod = Pod {
            uid: "1f0c-22".to_owned(),
            name: Some("shop-7d9f".to_owned()),
            namespace: Some("prod".to_owned()),
        };
        let place = Place {
            container: Some(container),
            pod: Some(pod),
            unit: Some("shop.service".to_owned()),
            ..Place::default()
        };
        let comm = Comm(*b"shop-frontend-w\0");
        Process { pid: 4711, ns_pid: 7, comm, place: Some(Arc::new(place)), ..Process::default() }
    }

    #[test]
    fn a_process_is_found_by_what_people_know_it_by() {
        let finds = [
            "",
            "4711",
            "pid:4711",
            "shop-frontend-w",
            "shop-frontend-worker",
            "name:shop-frontend-w",
            "name:php-fpm",
            "php-fpm",
            "web",
            "container:web",
            "container:3f4a",
            "container:3",
            "3f4a5b6c7d8e",
            "3f4a5b6c7d8e9f",
            "shop-7d9f",
            "prod/shop-7d9f",
            "prod/shop-7d9f/web",
            "shop-7d9f/web",
            "1f0c-22",
            "shop",
            "shop.service",
            "container:shop.service",
        ];
        let does_not = [
            "7",
            "pid:471",
            "47110",
            "shop-frontend",
            "shop-frontend-x",
            "name:web",
            "name:4711",
            "container:shop-frontend-w",
            "3f4a",
            "container:4a",
            "prod",
            "prod/shop-7d9f/",
            "test/shop-7d9f",
            "shop-7d9f/db",
            "SHOP",
            "/usr/sbin/php-fpm",
            "sbin",
        ];
        let is = |text: &str| text.parse::<Whom>().unwrap().is(&process(), Some("/usr/sbin/php-fpm"));
        assert_eq!(finds.iter().find(|text| !is(text)), None);
        assert_eq!(does_not.iter().find(|text| is(text)), None);
    }

    #[test]
    fn a_process_of_which_little_is_known_is_no_other() {
        let unknown = Process::default();
        for text in ["1", "name:sh", "sh", "container:a", "a"] {
            assert!(!text.parse::<Whom>().unwrap().is(&unknown, None), "{text}");
        }
        let place = Place { pod: Some(Pod { uid: "u".to_owned(), ..Pod::default() }), ..Place::default() };
        let nameless = Process { place: Some(Arc::new(place)), ..unknown };
        assert!(Whom::Container("u".to_owned()).is(&nameless, None));
        assert!(!Whom::Container("u/".to_owned()).is(&nameless, None));
    }

    #[test]
    fn a_name_is_found_as_it_is_and_as_it_was_shown() {
        let odd = Process { comm: Comm::of("a\n\u{1b}"), ..Process::default() };
        for name in ["a\n\u{1b}", "a\\n\\x1b"] {
            assert!(Whom::Name(name.to_owned()).is(&odd, None), "{name:?}");
        }
    }

    #[test]
    fn what_names_nobody_is_refused_by_its_text() {
        let rows = [
            ("pid:", "\"pid:\" names nobody"),
            ("name:", "\"name:\" names nobody"),
            ("container:", "\"container:\" names nobody"),
            ("pid:x", "\"x\" is no pid"),
            ("pid:-1", "\"-1\" is no pid"),
            ("pid:+1", "\"+1\" is no pid"),
            ("pid:4294967296", "\"4294967296\" is no pid"),
        ];
        for (text, error) in rows {
            assert_eq!(text.parse::<Whom>(), Err(error.to_owned()));
        }
        assert_eq!("123456789012".parse(), Ok(Whom::Either("123456789012".to_owned())));
        assert_eq!("a:b".parse(), Ok(Whom::Either("a:b".to_owned())));
    }

    proptest! {
        #[test]
        fn what_was_read_reads_the_same_again(text in "(pid:|name:|container:|)(.|\n){0,20}|[0-9]{1,12}") {
            if let Ok(whom) = text.parse::<Whom>() {
                prop_assert_eq!(whom.to_string().parse(), Ok(whom));
            }
        }
    }
}
