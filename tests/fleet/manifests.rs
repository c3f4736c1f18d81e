//! Manifests of Kubernetes, and who judges them.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use killsnoop_tests::{
    judge::{output, run, yaml},
    root, tool,
};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const CHART: &str = "deploy/kubernetes/chart";

/// What is accepted of style in files that people write, and in those that programs write.
const STYLE: &str = "{extends: default, rules: {line-length: disable, indentation: {indent-sequences: whatever}, empty-lines: disable, document-start: disable, comments-indentation: disable}}";

/// Manifests in a file of their own.
pub(crate) struct Manifests {
    pub(crate) path: PathBuf,
    // Removed when this is dropped.
    _folder: TempDir,
}

impl Manifests {
    pub(crate) fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("manifests.yaml");
        fs::write(&path, text).unwrap();
        Self { path, _folder: folder }
    }

    /// What the chart gives with these values.
    pub(crate) fn of_chart(values: Option<&Path>) -> Self {
        let mut helm = Command::new(tool("helm"));
        helm.args(["template", "killsnoop-exporter"]).arg(root().join(CHART));
        helm.args(["--namespace", "killsnoop-exporter"]);
        values.map(|values| helm.arg("--values").arg(values));
        Self::new(&output(&mut helm))
    }

    /// What kustomize makes of a folder.
    pub(crate) fn of_kustomize(folder: &str) -> Self {
        Self::new(&output(Command::new(tool("kubectl")).arg("kustomize").arg(root().join(folder))))
    }

    pub(crate) fn objects(&self) -> Vec<Value> {
        yaml(&self.path)
    }

    /// The only object of this kind.
    #[track_caller]
    pub(crate) fn the(&self, kind: &str) -> Value {
        let mut found: Vec<_> = self.objects().into_iter().filter(|object| object["kind"] == kind).collect();
        assert_eq!(found.len(), 1, "{kind}: {found:?}");
        found.remove(0)
    }

    /// The same with one text in place of another.
    #[track_caller]
    pub(crate) fn with(&self, from: &str, to: &str) -> Self {
        let text = fs::read_to_string(&self.path).unwrap();
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        Self::new(&text.replace(from, to))
    }

    /// What Kubernetes' own schemas say.
    pub(crate) fn kubernetes_takes_them(&self) -> (bool, String) {
        run(Command::new(tool("kubernetes-validate"))
            .args(["--kubernetes-version", "1.37", "--strict"])
            .arg(&self.path))
    }

    /// What the schemas of the Prometheus Operator say.
    pub(crate) fn the_operator_takes_them(&self) -> (bool, String) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("objects.json");
        fs::write(&path, serde_json::to_vec(&self.objects()).unwrap()).unwrap();
        run(Command::new(tool("crd-validate")).stdin(File::open(path).unwrap()))
    }

    pub(crate) fn has_objects_of_the_operator(&self) -> bool {
        self.objects().iter().any(|object| object["apiVersion"] == "monitoring.coreos.com/v1")
    }

    /// Fails with what any judge finds.
    #[track_caller]
    pub(crate) fn are_taken(&self, what: &str) {
        let (taken, text) = self.kubernetes_takes_them();
        assert!(taken, "{what}: {text}");
        if self.has_objects_of_the_operator() {
            let (taken, text) = self.the_operator_takes_them();
            assert!(taken, "{what}: {text}");
        }
        let (taken, text) = lint(&self.path);
        assert!(taken, "{what}: {text}");
    }
}

/// What yamllint says of a file.
pub(crate) fn lint(path: &Path) -> (bool, String) {
    run(Command::new(tool("yamllint")).args(["--strict", "--format", "parsable", "-d", STYLE]).arg(path))
}

/// All files below a folder, by their paths from there.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    fn walk(top: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(top, &path, found);
            } else {
                found.push(path.strip_prefix(top).unwrap().to_owned());
            }
        }
    }
    let mut found = vec![];
    walk(folder, folder, &mut found);
    found.sort();
    found
}
