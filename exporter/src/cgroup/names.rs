//! Names of containers and pods, from files that their runtimes and the kubelet keep.
//!
//! No runtime is asked, only files are read, and what may not be read has no name. An id is part of a file's name only
//! if it is 64 hexadecimal digits; a file that is larger than expected, or no file, is left alone. Containers of users
//! other than root are not named: where their files are is the user's choice.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{Place, path::is_long_id};

#[cfg(test)]
mod tests;

/// The largest file that is read, in bytes. One with all containers of a machine may be large.
const MAX_BYTES: u64 = 4 << 20;

/// Names in a directory that are looked at.
const MAX_ENTRIES: usize = 16_384;

/// The longest name, in bytes: that of a pod.
const MAX_NAME: usize = 253;

/// Where containerd keeps what runs: its own place, and those of k3s, k0s and `MicroK8s`.
const CONTAINERD: [&str; 4] =
    ["run/containerd", "run/k3s/containerd", "run/k0s/containerd", "var/snap/microk8s/common/run/containerd"];

/// The namespaces of containerd whose containers nobody else names.
const NAMESPACES: [&str; 2] = ["k8s.io", "default"];

/// Where CRI-O and podman keep containers: as they run, and for good.
const OVERLAY: [&str; 2] = ["run/containers/storage", "var/lib/containers/storage"];

/// Where docker keeps containers, and the kubelet links to logs of containers and logs of pods.
const DOCKER: &str = "var/lib/docker/containers";
const CONTAINER_LOGS: &str = "var/log/containers";
const POD_LOGS: &str = "var/log/pods";

/// Keys of annotations and labels, by what they say; the first that is there is taken.
const CONTAINER_KEYS: [&str; 3] =
    ["io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name"];
const POD_KEYS: [&str; 2] = ["io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"];
const NAMESPACE_KEYS: [&str; 2] = ["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"];

/// Finds names below a root: `/`, or where a container has the machine's.
#[derive(Debug)]
pub(super) struct Names {
    root: PathBuf,
}

/// All directories below which there are files that are read.
pub(super) fn folders(root: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = CONTAINERD.into_iter().chain(OVERLAY).chain([DOCKER, CONTAINER_LOGS, POD_LOGS]);
    folders.map(|folder| root.join(folder))
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    container: Option<String>,
    pod: Option<String>,
    namespace: Option<String>,
}

impl Names {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Whether a place has something that may have a name, and has none.
    pub(super) fn lacks(place: &Place) -> bool {
        let container = place.container.as_ref();
        container.is_some_and(|container| container.name.is_none() && is_long_id(&container.id))
            || place.pod.as_ref().is_some_and(|pod| pod.name.is_none())
    }

    /// Takes over the names of the place above, for what both are in.
    pub(super) fn inherit(place: &mut Place, above: &Place) {
        if let (Some(container), Some(above)) = (&mut place.container, &above.container)
            && container.id == above.id
        {
            container.name.clone_from(&above.name);
        }
        if let (Some(pod), Some(above)) = (&mut place.pod, &above.pod)
            && pod.uid == above.uid
        {
            pod.clone_from(above);
        }
    }

    /// Reads files for what has no name yet.
    pub(super) fn fill(&self, place: &mut Place) {
        let mut found = Found::default();
        if let Some(container) = &mut place.container
            && is_long_id(&container.id)
            && (container.name.is_none() || place.pod.as_ref().is_some_and(|pod| pod.name.is_none()))
        {
            found = self.of_container(&container.id, container.runtime);
            container.name = container.name.take().or(found.container.take());
        }
        if let Some(pod) = &mut place.pod
            && pod.name.is_none()
        {
            let found = if found.pod.is_some() { found } else { self.of_pod(&pod.uid).unwrap_or_default() };
            (pod.name, pod.namespace) = (found.pod, found.namespace);
        }
    }

    fn of_container(&self, id: &str, runtime: &str) -> Found {
        let files: &[fn(&Self, &str) -> Option<Found>] = match runtime {
            "containerd" => &[Self::containerd],
            "docker" => &[Self::docker],
            "cri-o" => &[Self::annotations],
            "podman" => &[Self::podman],
            _ => &[Self::containerd, Self::docker, Self::annotations],
        };
        let found = files.iter().find_map(|file| file(self, id));
        found.or_else(|| self.kubelet_log(id)).unwrap_or_default()
    }

    /// containerd's copy of what the container was made from.
    fn containerd(&self, id: &str) -> Option<Found> {
        let folders = CONTAINERD.iter().flat_map(|folder| NAMESPACES.map(|namespace| (folder, namespace)));
        let files = folders.map(|(folder, namespace)| {
            format!("{folder}/io.containerd.runtime.v2.task/{namespace}/{id}/config.json")
        });
        files.into_iter().find_map(|file| Found::of(self.json(&file)?.get("annotations")?.as_object()?))
    }

    /// CRI-O's.
    fn annotations(&self, id: &str) -> Option<Found> {
        let files = OVERLAY.map(|folder| format!("{folder}/overlay-containers/{id}/userdata/config.json"));
        files.iter().find_map(|file| Found::of(self.json(file)?.get("annotations")?.as_object()?))
    }

    fn docker(&self, id: &str) -> Option<Found> {
        let config = self.json(&format!("{DOCKER}/{id}/config.v2.json"))?;
        let labels = config.pointer("/Config/Labels").and_then(Value::as_object);
        labels.and_then(Found::of).or_else(|| {
            let name = config.get("Name")?.as_str()?;
            Some(Found { container: clean(name.strip_prefix('/').unwrap_or(name)), ..Found::default() })
        })
    }

    /// The lists of all containers: of those that end with the machine, and of the others.
    fn podman(&self, id: &str) -> Option<Found> {
        let lists = ["volatile-containers", "containers"];
        lists.iter().find_map(|list| {
            let list = self.json(&format!("{}/overlay-containers/{list}.json", OVERLAY[1]))?;
            let is_it = |container: &&Value| container.get("id").and_then(Value::as_str) == Some(id);
            let name = list.as_array()?.iter().find(is_it)?.pointer("/names/0")?;
            Some(Found { container: clean(name.as_str()?), ..Found::default() })
        })
    }

    /// The kubelet's link to the log of a container: `POD_NAMESPACE_CONTAINER-ID.log`.
    fn kubelet_log(&self, id: &str) -> Option<Found> {
        let end = format!("-{id}.log");
        self.find_entry(CONTAINER_LOGS, |name| {
            let [pod, namespace, container] = three(name.strip_suffix(&end)?)?;
            Some(Found { container: clean(container), pod: clean(pod), namespace: clean(namespace) })
        })
    }

    /// The kubelet's directory for the logs of a pod: `NAMESPACE_POD_UID`.
    fn of_pod(&self, uid: &str) -> Option<Found> {
        self.find_entry(POD_LOGS, |name| {
            let [namespace, pod, its_uid] = three(name)?;
            let found = Found { container: None, pod: clean(pod), namespace: clean(namespace) };
            (its_uid == uid).then_some(found)
        })
    }

    fn find_entry(&self, folder: &str, read: impl Fn(&str) -> Option<Found>) -> Option<Found> {
        let entries = fs::read_dir(self.root.join(folder)).ok()?.take(MAX_ENTRIES).flatten();
        entries.into_iter().find_map(|entry| read(entry.file_name().to_str()?))
    }

    fn json(&self, file: &str) -> Option<Value> {
        let path = self.root.join(file);
        // A pipe would be waited for.
        fs::metadata(&path).ok().filter(|found| found.is_file() && found.len() <= MAX_BYTES)?;
        let mut text = Vec::new();
        File::open(&path).ok()?.take(MAX_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

impl Found {
    /// What annotations or labels say; `None` if they name no container and no pod.
    fn of(values: &Map<String, Value>) -> Option<Self> {
        let first = |keys: &[&str]| keys.iter().find_map(|key| clean(values.get(*key)?.as_str()?));
        let (container, pod) = (first(&CONTAINER_KEYS), first(&POD_KEYS));
        (container.is_some() || pod.is_some()).then(|| Self {
            container,
            pod,
            namespace: first(&NAMESPACE_KEYS),
        })
    }
}

/// The three parts of a name of the kubelet's: names of Kubernetes have no underscores.
fn three(name: &str) -> Option<[&str; 3]> {
    let mut parts = name.split('_');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

fn clean(name: &str) -> Option<String> {
    (!name.is_empty() && name.len() <= MAX_NAME).then(|| name.to_owned())
}
