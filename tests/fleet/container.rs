//! A container of the image with the rights that the chart gives it, run by runc as containerd would have it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

use killsnoop_tests::{
    eventually, http,
    judge::{output, run},
    process::Process,
    scrape::Scrape,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::seccomp;

/// A container that was started. Dropping this ends it.
pub(crate) struct Container {
    id: String,
    state: String,
    // Dropped before the folder that it runs in.
    pub(crate) process: Process,
    _folder: TempDir,
}

/// What a container is made from: a bundle, and the pod of a manifest.
pub(crate) struct Bundle {
    folder: TempDir,
    config: Value,
}

impl Bundle {
    /// Unpacks an image, and gives it the rights of a pod's first container.
    pub(crate) fn new(archive: &Path, pod: &Value) -> Self {
        let folder = TempDir::new().unwrap();
        let (layout, bundle) = (folder.path().join("layout"), folder.path().join("bundle"));
        fs::create_dir(&layout).unwrap();
        output(
            Command::new("tar").arg("--extract").arg("--directory").arg(&layout).arg("--file").arg(archive),
        );
        let image = format!("{}:{}", layout.display(), env!("CARGO_PKG_VERSION"));
        output(Command::new("umoci").args(["unpack", "--image", &image]).arg(&bundle));
        let text = fs::read_to_string(bundle.join("config.json")).unwrap();
        let config = configure(serde_json::from_str(&text).unwrap(), pod, folder.path());
        Self { folder, config }
    }

    /// The root of the container's files.
    pub(crate) fn rootfs(&self) -> PathBuf {
        self.folder.path().join("bundle/rootfs")
    }

    /// What runc gets.
    pub(crate) fn config(&mut self) -> &mut Value {
        &mut self.config
    }

    /// Gives it a file, as the kubelet does with `/etc/hosts`.
    pub(crate) fn file(&mut self, path: &str, text: &str) {
        let source = self.folder.path().join(path.replace('/', "-"));
        fs::write(&source, text).unwrap();
        let mount = json!({"destination": path, "type": "bind", "source": source, "options": ["bind", "ro"]});
        push(&mut self.config["mounts"], mount);
    }

    /// Starts it, with these flags besides.
    pub(crate) fn start(mut self, flags: &[&str]) -> Container {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = format!("killsnoop-test-{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let args = self.config["process"]["args"].as_array_mut().unwrap();
        args.extend(flags.iter().map(|flag| Value::from(*flag)));
        let bundle = self.folder.path().join("bundle");
        fs::write(bundle.join("config.json"), self.config.to_string()).unwrap();
        let state = self.folder.path().join("state").display().to_string();
        let process = Process::start(
            Command::new("runc").args(["--root", &state, "run", "--bundle"]).arg(&bundle).arg(&id),
        );
        Container { id, state, process, _folder: self.folder }
    }
}

impl Container {
    /// The exporter in it, once it is ready.
    pub(crate) fn address(&self) -> String {
        let address = self
            .process
            .stderr
            .find(|line| Some(line.split_once("listening on ")?.1.split(['"', ' ']).next()?.to_owned()));
        eventually(
            || (http::get(&address, "/readyz", &[]).status == 200).then_some(()),
            || format!("not ready\n{}", self.process.stderr),
        );
        address
    }

    /// Runs another command in it, as `kubectl exec` does.
    pub(crate) fn exec(&self, command: &[&str]) -> (bool, String) {
        run(Command::new("runc").args(["--root", &self.state, "exec", &self.id]).args(command))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // runc kills by the container's cgroup, so nothing of it is left.
        _ = Command::new("runc").args(["--root", &self.state, "delete", "--force", &self.id]).output();
    }
}

/// Writes what a pod says into the configuration of a container, as the kubelet and containerd do.
fn configure(mut config: Value, pod: &Value, folder: &Path) -> Value {
    let container = &pod["containers"][0];
    let (rights, of_pod) = (&container["securityContext"], &pod["securityContext"]);
    assert_eq!(rights["capabilities"]["drop"], json!(["ALL"]));
    let added = rights["capabilities"]["add"].as_array().unwrap().iter();
    let capabilities: Vec<_> = added.map(|name| format!("CAP_{}", name.as_str().unwrap())).collect();
    let process = &mut config["process"];
    process["terminal"] = false.into();
    process["user"] = json!({"uid": of_pod["runAsUser"], "gid": of_pod["runAsGroup"]});
    // No ambient ones: Kubernetes has no word for them.
    process["capabilities"] =
        json!({"bounding": capabilities, "effective": capabilities, "permitted": capabilities});
    process["noNewPrivileges"] = (rights["allowPrivilegeEscalation"] == false).into();
    let args = container["args"].as_array().unwrap().iter();
    // The port may be taken here.
    let args = args.filter(|arg| !arg.as_str().unwrap().starts_with("--web.listen-address="));
    process["args"] = Value::Array(process["args"].as_array().unwrap().iter().chain(args).cloned().collect());
    push(&mut process["args"], "--web.listen-address=127.0.0.1:0".into());
    config["root"]["readonly"] = rights["readOnlyRootFilesystem"].clone();

    let linux = &mut config["linux"];
    assert_eq!(of_pod["seccompProfile"]["type"], "RuntimeDefault");
    linux["seccomp"] = seccomp::filter(&seccomp::docker(), &capabilities);
    // That of the network is the machine's, so that the tests can ask.
    let mut namespaces = vec!["mount", "ipc", "uts"];
    if pod["hostPID"] != true {
        namespaces.push("pid");
    }
    linux["namespaces"] = namespaces.into_iter().map(|name| json!({"type": name})).collect();
    linux["resources"] = json!({});
    for mount in container["volumeMounts"].as_array().unwrap() {
        let volumes = pod["volumes"].as_array().unwrap();
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).unwrap();
        push(&mut config["mounts"], bind(mount, volume, folder));
    }
    config
}

fn push(list: &mut Value, value: Value) {
    list.as_array_mut().unwrap().push(value);
}

/// A volume as a bind mount. What a node of Kubernetes has and this machine may not have is an empty directory.
fn bind(mount: &Value, volume: &Value, folder: &Path) -> Value {
    let host = volume["hostPath"]["path"].as_str();
    let source = match host {
        Some(path) if path.starts_with("/sys/") => path.to_owned(),
        _ => {
            let own = folder.join("volumes").join(volume["name"].as_str().unwrap());
            fs::create_dir_all(&own).unwrap();
            // As the kubelet makes an emptyDir.
            fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
            own.display().to_string()
        }
    };
    let access = if mount["readOnly"] == true { "ro" } else { "rw" };
    json!({"destination": mount["mountPath"], "type": "bind", "source": source, "options": ["rbind", "rprivate", access]})
}

/// The counters of an exporter in a container.
pub(crate) fn scrape(address: &str) -> Scrape {
    Scrape::parse(http::get(address, "/metrics", &[]).text())
}
