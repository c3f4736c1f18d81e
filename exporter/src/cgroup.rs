//! Where a process runs: its cgroup, and what that says of container, pod and unit.

/// What a cgroup's path says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The path of the cgroup in its hierarchy, for instance `/system.slice/nginx.service`. Bytes that are not UTF-8
    /// became U+FFFD; control characters stay: what prints it escapes it.
    pub path: String,
    /// The container.
    pub container: Option<Container>,
    /// The Kubernetes pod.
    pub pod: Option<Pod>,
    /// The systemd unit: the innermost service or scope, else the innermost slice.
    pub unit: Option<String>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its id, as the runtime gave it: 64 hexadecimal digits.
    pub id: String,
    /// The runtime, for instance `docker`; empty if the path does not say.
    pub runtime: &'static str,
    /// Its name, if a file of the runtime or of the kubelet says it.
    pub name: Option<String>,
}

/// A Kubernetes pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its uid, with dashes.
    pub uid: String,
    /// Its name, if a file of the kubelet says it.
    pub name: Option<String>,
    /// Its namespace, if a file of the kubelet says it.
    pub namespace: Option<String>,
}
