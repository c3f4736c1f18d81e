//! What the path of a cgroup says: container, pod and systemd unit.
//!
//! Pure and closed: names are known by their shape, and of what is not known nothing is said. Where containers are
//! nested, the innermost is told. Whoever may make cgroups may make them look like those of a container: a path says
//! where a process is, not who put it there.
//!
//! Names of units and ids stay as systemd escaped them, `\x2d` for a dash: so systemctl takes them. The name of a
//! systemd-nspawn container is unescaped: so machinectl takes it.

use super::{Container, Place, Pod};

#[cfg(test)]
mod tests;

/// Directories and scopes called `PREFIX-ID` and `PREFIX-ID.scope`, and the runtime that calls them so.
const PREFIXES: [(&str, &str); 8] = [
    ("buildkit", "buildkit"),
    ("containerd", "containerd"),
    ("cri-containerd", "containerd"),
    ("crio", "cri-o"),
    ("docker", "docker"),
    ("libpod", "podman"),
    // Below the unit that runs podman, where the container shares the unit's cgroup.
    ("libpod-payload", "podman"),
    ("nerdctl", "containerd"),
];

/// Directories below which containers have directories called by their ids alone.
const HOMES: [Home; 8] = [
    Home { name: "actions_job", runtime: "docker", is_id: is_long_id },
    Home { name: "buildkit", runtime: "buildkit", is_id: is_build_id },
    // The default namespace of containerd, and that of Kubernetes.
    Home { name: "default", runtime: "containerd", is_id: is_long_id },
    Home { name: "k8s.io", runtime: "containerd", is_id: is_long_id },
    Home { name: "docker", runtime: "docker", is_id: is_long_id },
    Home { name: "ecs", runtime: "docker", is_id: is_long_id },
    Home { name: "garden", runtime: "garden", is_id: is_garden_id },
    Home { name: "mesos", runtime: "mesos", is_id: is_uuid },
];

/// Units that processes run in; slices only hold other units.
const LEAVES: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];

struct Home {
    name: &'static str,
    runtime: &'static str,
    is_id: fn(&str) -> bool,
}

/// Reads a path as the kernel writes it, of any hierarchy and any cgroup driver. Never fails: a path that says nothing
/// makes a place that is nothing but a path.
#[must_use]
pub fn parse(path: &str) -> Place {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (mut container, mut pod, mut home) = (None, None, None);
    for (n, part) in parts.iter().enumerate() {
        let above = if n == 0 { "" } else { parts[n - 1] };
        if let Some(found) = find_pod(part) {
            (pod, home) = (Some(found), None);
        }
        if let Some(found) = find_container(above, part, parts.get(n + 1), home) {
            (container, home) = (Some(found), None);
        } else if let Some(found) = HOMES.iter().find(|home| home.name == *part) {
            home = Some(found);
        }
    }
    Place { path: path.to_owned(), container, pod, unit: find_unit(&parts).map(str::to_owned) }
}

/// Whether this is an id as most runtimes make them: 64 lower-case hexadecimal digits.
pub(super) fn is_long_id(text: &str) -> bool {
    is_hex(text, 64)
}

/// The container that a directory belongs to, by its name, by those above and below it, and by the home it is in.
fn find_container(above: &str, part: &str, below: Option<&&str>, home: Option<&Home>) -> Option<Container> {
    let scope = part.strip_suffix(".scope");
    let stem = scope.unwrap_or(part);
    by_colons(part)
        .or_else(|| by_prefix(stem, scope.is_some()))
        .or_else(|| by_id(stem, home))
        .or_else(|| by_lxc(above, part))
        .or_else(|| by_machine(part, below))
        .or_else(|| by_nomad(above, scope?))
}

/// `SLICE:PREFIX:ID`: what is meant for systemd, given to a runtime that makes directories of its own.
fn by_colons(part: &str) -> Option<Container> {
    let (rest, id) = part.rsplit_once(':')?;
    let (slice, prefix) = rest.split_once(':')?;
    (slice.ends_with("slice") && !prefix.contains(':')).then(|| named(prefix, id, true)).flatten()
}

/// `PREFIX-ID`.
fn by_prefix(stem: &str, is_scope: bool) -> Option<Container> {
    let kata = || Some(container("kata", stem.strip_prefix("kata_").filter(|id| is_long_id(id))?));
    stem.rsplit_once('-').and_then(|(prefix, id)| named(prefix, id, is_scope)).or_else(kata)
}

fn named(prefix: &str, id: &str, is_unit: bool) -> Option<Container> {
    let runtime = PREFIXES.iter().find(|(name, _)| *name == prefix).map(|(_, runtime)| *runtime);
    match runtime {
        // A step of a build: docker does not know it as a container.
        Some("docker" | "buildkit") if is_build_id(id) => Some(container("buildkit", id)),
        _ if !is_long_id(id) => None,
        Some(runtime) => Some(container(runtime, id)),
        // The process that watches over a container has a scope of its own, and is outside.
        None => (is_unit && !prefix.ends_with("conmon")).then(|| container("", id)),
    }
}

/// Nothing but an id.
fn by_id(stem: &str, home: Option<&Home>) -> Option<Container> {
    let at_home = home.filter(|home| (home.is_id)(stem)).map(|home| home.runtime);
    let runtime = at_home.or_else(|| is_long_id(stem).then_some(""))?;
    Some(container(runtime, stem))
}

/// `lxc/NAME`, `lxc.payload/NAME` and `lxc.payload.NAME`; beside them `lxc.monitor` is outside of the container.
fn by_lxc(above: &str, part: &str) -> Option<Container> {
    let is_home = ["lxc", "lxc.payload"].contains(&above) && !part.starts_with("lxc.");
    let name = part.strip_prefix("lxc.payload.").or_else(|| is_home.then_some(part))?;
    (!name.is_empty()).then(|| Container { name: Some(name.to_owned()), ..container("lxc", name) })
}

/// `machine-NAME.scope` and `systemd-nspawn@NAME.service`, but not its `supervisor`, which is outside of the container.
fn by_machine(part: &str, below: Option<&&str>) -> Option<Container> {
    let scope = || part.strip_prefix("machine-")?.strip_suffix(".scope");
    let service = || part.strip_prefix("systemd-nspawn@")?.strip_suffix(".service");
    let id = scope().or_else(service).filter(|id| !id.is_empty())?;
    let runtime = match id.split_once("\\x2d") {
        // A virtual machine of libvirt.
        Some(("qemu", _)) => return None,
        Some(("lxc", _)) => "lxc",
        _ => "systemd-nspawn",
    };
    let is_inside = below.is_none_or(|below| *below != "supervisor");
    is_inside.then(|| Container { name: Some(unescape(id)), ..container(runtime, id) })
}

/// `ALLOCATION.TASK.scope`.
fn by_nomad(above: &str, stem: &str) -> Option<Container> {
    let (allocation, task) = stem.split_once('.')?;
    let is_task = ["nomad.slice", "share.slice", "reserve.slice"].contains(&above) && is_uuid(allocation);
    is_task.then(|| Container { name: Some(task.to_owned()), ..container("nomad", stem) })
}

fn container(runtime: &'static str, id: &str) -> Container {
    Container { id: id.to_owned(), runtime, name: None }
}

/// `podUID`, or `kubepods-QOS-podUID.slice` with whatever before it the kubelet's own cgroup adds. A slice has
/// underscores for dashes, and may have colons behind it.
fn find_pod(part: &str) -> Option<Pod> {
    let slice = part.split(':').next().and_then(|part| part.strip_suffix(".slice"));
    let uid = match slice {
        Some(slice) => slice.rsplit_once("-pod")?.1,
        None => part.strip_prefix("pod")?,
    };
    let uid = uid.replace('_', "-");
    // Pods of files on the node have hashes for uids.
    (is_uuid(&uid) || is_hex(&uid, 32)).then_some(Pod { uid, name: None, namespace: None })
}

fn find_unit<'a>(parts: &[&'a str]) -> Option<&'a str> {
    let is_a = |part: &str, kind: &str| part.strip_suffix(kind).is_some_and(|stem| !stem.is_empty());
    let leaf = parts.iter().rfind(|part| LEAVES.iter().any(|kind| is_a(part, kind)));
    leaf.or_else(|| parts.iter().rfind(|part| is_a(part, ".slice"))).copied()
}

/// Undoes the escapes of systemd for bytes, `\x2d`.
fn unescape(text: &str) -> String {
    let mut pieces = text.split("\\x");
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| is_hex(digits, 2));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&piece.as_bytes()[2..]);
            }
            None => bytes.extend(format!("\\x{piece}").bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    have_lengths(text, &[8, 4, 4, 4, 12])
}

/// A uuid, or one that ends early.
fn is_garden_id(text: &str) -> bool {
    is_uuid(text) || have_lengths(text, &[8, 4, 4, 4, 4])
}

fn have_lengths(text: &str, lengths: &[usize]) -> bool {
    let pieces = text.split('-');
    pieces.clone().count() == lengths.len()
        && pieces.zip(lengths).all(|(piece, length)| is_hex(piece, *length))
}

/// The id that `BuildKit` gives to a step of a build: 25 digits and lower-case letters.
fn is_build_id(text: &str) -> bool {
    text.len() == 25 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}
