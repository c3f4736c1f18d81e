//! Paths as they are found on machines, and paths as nobody would make them.

use proptest::prelude::*;

use super::*;

const ID: &str = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
const OUTER: &str = "93529524695bb00d91c1f6dba692ea8d3550c3b94fb2463af7bc9ec82f992d26";
const BUILD: &str = "n4eu0udvbz9vfzjy71jkvgkwh";
const UID: &str = "2d3da189-6407-48e3-9ab6-78188d75e609";
const HASH: &str = "a1de58db0ce81d19df7999f6808def1b";

/// The rows of the table: path, container, pod, unit.
fn rows() -> Vec<[String; 4]> {
    let filled = [("{id}", ID), ("{outer}", OUTER), ("{build}", BUILD), ("{uid}", UID), ("{hash}", HASH)]
        .iter()
        .fold(include_str!("table.txt").to_owned(), |table, (name, value)| table.replace(name, value))
        .replace("{u_id}", &UID.replace('-', "_"));
    let lines = filled.lines().filter(|line| line.starts_with('/'));
    let row = |line: &str| line.split(" | ").map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    lines.map(row).collect()
}

/// Those rows that are in a container.
fn containers() -> Vec<[String; 4]> {
    rows().into_iter().filter(|row| row[1] != "-").collect()
}

/// A place as the table has it.
fn shown(place: &Place) -> [String; 4] {
    let container = place.container.as_ref().map(|container| {
        let runtime = if container.runtime.is_empty() { "?" } else { container.runtime };
        let words = [Some(runtime), Some(container.id.as_str()), container.name.as_deref()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    let pod = place.pod.as_ref().map(|pod| pod.uid.clone());
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [place.path.clone(), or_dash(container), or_dash(pod), or_dash(place.unit.clone())]
}

#[test]
fn paths_say_what_the_table_says() {
    let rows = rows();
    assert!(rows.len() > 100);
    for row in rows {
        assert_eq!(shown(&parse(&row[0])), row);
    }
}

#[test]
fn what_only_looks_like_an_id_is_none() {
    let upper = ID.to_uppercase();
    for name in
        [&ID[1..], &format!("{ID}0"), &upper, &format!("docker-{upper}.scope"), "docker-.scope", "docker-a"]
    {
        assert_eq!(parse(&format!("/system.slice/{name}")).container, None, "{name}");
    }
    for name in ["pod", "podman", "pod-", "kubepods-pod.slice", "a-pod1234.slice", &format!("pod{ID}")] {
        assert_eq!(parse(&format!("/{name}")).pod, None, "{name}");
    }
    for name in
        ["a:b:c", "::", &format!("a:b:c:{ID}"), &format!("x.slice:y:z:{ID}"), &format!("a:docker:{ID}")]
    {
        assert_eq!(parse(&format!("/{name}")).container, None, "{name}");
    }
    for name in [".service", ".scope", ".slice", "slice"] {
        assert_eq!(parse(&format!("/{name}")).unit, None, "{name}");
    }
}

#[test]
fn escapes_of_systemd_are_undone_in_names_alone() {
    assert_eq!(unescape("a\\x2db\\x20c"), "a-b c");
    assert_eq!(unescape("\\x"), "\\x");
    assert_eq!(unescape("\\x2\\xzz\\xé9"), "\\x2\\xzz\\xé9");
    assert_eq!(unescape("\\xff"), "\u{fffd}");
    assert_eq!(unescape("\\x+1"), "\\x+1");
}

/// Names that are made by nobody, and by everybody: those of the table, with something changed.
fn component() -> impl Strategy<Value = String> {
    let known: Vec<String> =
        rows().iter().flat_map(|row| row[0].split('/').map(str::to_owned).collect::<Vec<_>>()).collect();
    prop_oneof![
        "\\PC{0,12}",
        "[:.\\-_\\\\x\n\u{1b}]{1,6}",
        (proptest::sample::select(known.clone()), ".{0,3}", 0_usize..80).prop_map(|(name, more, at)| {
            let at = (0..=at.min(name.len())).rfind(|at| name.is_char_boundary(*at)).unwrap();
            format!("{}{more}{}", &name[..at], &name[at..])
        }),
        proptest::sample::select(known),
    ]
}

/// Names that say nothing of containers.
fn mere_name() -> impl Strategy<Value = String> {
    "[g-z][a-z0-9 .:\n-]{0,20}".prop_filter("says something", |name| {
        let says = ["lxc", "supervisor", "pod", "machine-", "nomad", "mesos"];
        !says.iter().any(|word| name.starts_with(word))
    })
}

proptest! {
    #[test]
    fn nothing_is_said_that_is_not_in_the_path(parts in proptest::collection::vec(component(), 0..9)) {
        let path = format!("/{}", parts.join("/"));
        let place = parse(&path);
        prop_assert_eq!(&place.path, &path);
        let component = |text: &str| path.split('/').any(|part| part.contains(text));
        if let Some(container) = &place.container {
            prop_assert!(component(&container.id) && !container.id.is_empty());
        }
        if let Some(pod) = &place.pod {
            // A slice has underscores for dashes.
            prop_assert!(path.replace('_', "-").contains(&pod.uid));
        }
        if let Some(unit) = &place.unit {
            prop_assert!(path.split('/').any(|part| part == unit));
        }
    }

    #[test]
    fn what_runs_below_a_container_is_in_it(
        row in proptest::sample::select(containers()),
        below in proptest::collection::vec(mere_name(), 1..4),
    ) {
        let place = parse(&row[0]);
        let deeper = parse(&format!("{}/{}", row[0], below.join("/")));
        prop_assert_eq!(deeper.container, place.container);
        prop_assert_eq!(deeper.pod, place.pod);
    }

    #[test]
    fn what_is_above_a_container_does_not_hide_it(
        above in proptest::collection::vec(mere_name(), 1..4),
        row in proptest::sample::select(containers()),
    ) {
        let place = parse(&row[0]);
        let deeper = parse(&format!("/{}{}", above.join("/"), row[0]));
        prop_assert_eq!(deeper.container, place.container);
        prop_assert_eq!(deeper.pod, place.pod);
    }

    #[test]
    fn any_text_is_read(path in ".{0,300}") {
        prop_assert_eq!(parse(&path).path, path);
    }
}
