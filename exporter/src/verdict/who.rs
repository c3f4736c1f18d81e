//! Processes in words.

use super::printable;
use crate::{cgroup::Place, event::Process};

/// Characters of one name that are shown. Names of pods and units may be four times as long; what is cut off is in JSON.
const MOST: usize = 80;
/// Characters of a container's id that are shown, as all tools show it.
const ID: usize = 12;
/// Characters of a path that are shown.
const PATH: usize = 200;

/// Whom something happened to: `nginx (4711, pod shop/web-7d9f/nginx)`.
pub(super) fn target(process: &Process) -> String {
    words(process, None)
}

/// Who did something: `systemd-oomd (612, uid 994, systemd-oomd.service)`.
pub(super) fn actor(process: &Process) -> String {
    words(process, Some(process.uid))
}

/// The path of a cgroup. Of a long one the end says more.
pub(super) fn path(place: &Place) -> String {
    let path = printable::text(place.path.as_bytes());
    match path.char_indices().rev().nth(PATH - 1) {
        Some((at, _)) if at > 0 => format!("…{}", &path[at..]),
        _ => path,
    }
}

fn words(process: &Process, uid: Option<u32>) -> String {
    let comm = printable::text(process.comm.bytes());
    let name = if comm.is_empty() { "?" } else { &comm };
    let uid = uid.map(|uid| format!(", uid {uid}")).unwrap_or_default();
    let place = process.place.as_deref().and_then(words_of_place);
    let place = place.map(|place| format!(", {place}")).unwrap_or_default();
    format!("{name} ({}{uid}{place})", process.pid)
}

/// The pod and its container, or the container, or the unit.
pub(super) fn words_of_place(place: &Place) -> Option<String> {
    let container = place.container.as_ref().map(|container| match &container.name {
        Some(name) => printable::bounded(name, MOST),
        None => printable::bounded(container.id.get(..ID).unwrap_or(&container.id), ID),
    });
    if let Some(pod) = &place.pod {
        let namespace = pod.namespace.as_ref().map(|namespace| printable::bounded(namespace, MOST));
        let name = printable::bounded(pod.name.as_ref().unwrap_or(&pod.uid), MOST);
        let parts: Vec<_> = [namespace, Some(name), container].into_iter().flatten().collect();
        return Some(format!("pod {}", parts.join("/")));
    }
    let container = container.map(|container| format!("container {container}"));
    container.or_else(|| place.unit.as_ref().map(|unit| printable::bounded(unit, MOST)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        cgroup::{Container, Pod},
        event::Comm,
    };

    fn process(place: Place) -> Process {
        Process {
            pid: 7,
            uid: 33,
            comm: Comm::of("nginx"),
            place: Some(Arc::new(place)),
            ..Process::default()
        }
    }

    fn container(name: Option<&str>) -> Container {
        let id = "3f4a5b6c7d8e9f".repeat(5);
        Container { id, runtime: "docker", name: name.map(str::to_owned) }
    }

    fn pod(name: Option<&str>, namespace: Option<&str>) -> Pod {
        let (name, namespace) = (name.map(str::to_owned), namespace.map(str::to_owned));
        Pod { uid: "1f0c-22".to_owned(), name, namespace }
    }

    #[test]
    fn the_place_is_told_by_what_people_know_it_by() {
        let unit = Some("nginx.service".to_owned());
        let rows = [
            (Place::default(), "nginx (7)"),
            (Place { unit: unit.clone(), ..Place::default() }, "nginx (7, nginx.service)"),
            (
                Place { container: Some(container(None)), unit, ..Place::default() },
                "nginx (7, container 3f4a5b6c7d8e)",
            ),
            (
                Place { container: Some(container(Some("web"))), ..Place::default() },
                "nginx (7, container web)",
            ),
            (
                Place { container: Some(container(None)), pod: Some(pod(None, None)), ..Place::default() },
                "nginx (7, pod 1f0c-22/3f4a5b6c7d8e)",
            ),
            (
                Place {
                    container: Some(container(Some("web"))),
                    pod: Some(pod(Some("web-7d9f"), Some("shop"))),
                    ..Place::default()
                },
                "nginx (7, pod shop/web-7d9f/web)",
            ),
        ];
        for (place, expected) in rows {
            assert_eq!(target(&process(place)), expected);
        }
        assert_eq!(actor(&process(Place::default())), "nginx (7, uid 33)");
        assert_eq!(target(&Process::default()), "? (0)");
    }

    #[test]
    fn names_that_would_break_a_line_or_fill_it_do_not() {
        let unit = format!("a\n{}", "x".repeat(300));
        let shown = target(&process(Place { unit: Some(unit), ..Place::default() }));
        assert_eq!(shown, format!("nginx (7, a\\n{}…)", "x".repeat(76)));
        let short_id = Container { id: "ä\u{1b}".repeat(7), ..Container::default() };
        let shown = target(&process(Place { container: Some(short_id), ..Place::default() }));
        assert_eq!(shown, "nginx (7, container ä\\x1bä\\x1bä…)");
    }

    #[test]
    fn of_a_long_path_the_end_is_shown() {
        let path = |path: &str| super::path(&Place { path: path.to_owned(), ..Place::default() });
        assert_eq!(path("/a\u{1b}"), "/a\\x1b");
        assert_eq!(path(&"b".repeat(200)), "b".repeat(200));
        assert_eq!(path(&format!("/a/{}", "b".repeat(200))), format!("…{}", "b".repeat(200)));
    }
}
