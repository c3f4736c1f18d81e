//! Places and the names that people have for them.

use crate::cgroup::Place;

/// Digits of a container's id that are enough to name it.
const ENOUGH: usize = 4;

/// Whether a place is this cgroup or one below it, with a slash at either end of the path or without.
pub(super) fn is_below(top: &str, place: &Place) -> bool {
    let (top, path) = (top.trim_matches('/'), place.path.trim_start_matches('/'));
    let rest = path.strip_prefix(top);
    top.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a place is in the container of this name, or of an id that begins so.
pub(super) fn is_container(name: &str, place: &Place) -> bool {
    place.container.as_ref().is_some_and(|container| {
        container.name.as_deref() == Some(name) || (name.len() >= ENOUGH && container.id.starts_with(name))
    })
}

/// Whether a place is in the pod of this uid, or of this name, which may have its namespace and a slash before it.
pub(super) fn is_pod(name: &str, place: &Place) -> bool {
    let (namespace, bare) = name.split_once('/').map_or((None, name), |(space, bare)| (Some(space), bare));
    place.pod.as_ref().is_some_and(|pod| {
        let is_in_namespace = namespace.is_none() || pod.namespace.as_deref() == namespace;
        pod.uid == name || (pod.name.as_deref() == Some(bare) && is_in_namespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::{Container, Pod};

    #[test]
    fn a_cgroup_has_all_that_is_below_it_and_no_neighbour_whose_name_begins_alike() {
        let place = Place { path: "/system.slice/nginx.service".to_owned(), ..Place::default() };
        for top in ["/", "", "/system.slice", "system.slice/", "/system.slice/nginx.service"] {
            assert!(is_below(top, &place), "{top}");
        }
        for top in ["/system", "/system.slice/nginx", "/nginx.service", "/system.slice/nginx.service/a"] {
            assert!(!is_below(top, &place), "{top}");
        }
        assert!(is_below("/", &Place { path: "/".to_owned(), ..Place::default() }));
    }

    #[test]
    fn a_container_is_named_by_its_name_or_by_the_first_four_digits_of_its_id() {
        let container =
            Container { id: "0123456789abcdef".repeat(4), runtime: "docker", name: Some("web".to_owned()) };
        let named = Place { container: Some(container), ..Place::default() };
        for name in ["web", "0123", "0123456789ab", &"0123456789abcdef".repeat(4)] {
            assert!(is_container(name, &named), "{name}");
        }
        for name in ["", "we", "web2", "012", "1234", "0123x"] {
            assert!(!is_container(name, &named), "{name}");
        }
        assert!(!is_container("web", &Place::default()));
    }

    #[test]
    fn a_pod_is_named_by_its_uid_or_by_its_name_with_or_without_a_namespace() {
        let pod = Pod {
            uid: "1b-2c".to_owned(),
            name: Some("web-7".to_owned()),
            namespace: Some("shop".to_owned()),
        };
        let place = Place { pod: Some(pod), ..Place::default() };
        for name in ["1b-2c", "web-7", "shop/web-7"] {
            assert!(is_pod(name, &place), "{name}");
        }
        for name in ["", "1b", "web", "desk/web-7", "/web-7", "shop/", "shop/1b-2c"] {
            assert!(!is_pod(name, &place), "{name}");
        }
        let unnamed =
            Place { pod: Some(Pod { uid: "1b-2c".to_owned(), ..Pod::default() }), ..Place::default() };
        assert!(is_pod("1b-2c", &unnamed) && !is_pod("", &unnamed) && !is_pod("/", &unnamed));
    }
}
