//! Files as runtimes and the kubelet leave them, below a temporary directory.

use std::fmt::Write as _;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::cgroup::parse;

const ID: &str = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
const UID: &str = "2d3da189-6407-48e3-9ab6-78188d75e609";

/// A root with these files, whose names may have an `ID` in them.
fn root(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = root.path().join(file.replace("UID", UID).replace("ID", ID));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("ID", ID)).unwrap();
    }
    root
}

/// What a place is called below such a root: container, pod, namespace.
fn named(path: &str, files: &[(&str, &str)]) -> String {
    let root = root(files);
    let mut place = parse(&path.replace("UID", UID).replace("ID", ID));
    Names::new(root.path()).fill(&mut place);
    let container = place.container.and_then(|container| container.name);
    let (pod, namespace) = place.pod.map_or((None, None), |pod| (pod.name, pod.namespace));
    let mut text = String::new();
    for name in [container, pod, namespace] {
        write!(text, "{} ", name.as_deref().unwrap_or("-")).unwrap();
    }
    text.trim_end().to_owned()
}

const POD: &str = "/kubepods/burstable/podUID/ID";

#[test]
fn containerd_says_all_in_its_copy_of_the_specification() {
    let config = r#"{"annotations": {"io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.container-type":
        "container", "io.kubernetes.cri.sandbox-name": "web-0", "io.kubernetes.cri.sandbox-namespace": "shop"}}"#;
    for folder in ["run/containerd", "run/k3s/containerd"] {
        let file = format!("{folder}/io.containerd.runtime.v2.task/k8s.io/ID/config.json");
        assert_eq!(named(POD, &[(&file, config)]), "app web-0 shop");
        let slice = "/kubepods.slice/kubepods-podUID.slice/cri-containerd-ID.scope";
        assert_eq!(named(slice, &[(&file, config)]), "app web-0 shop");
    }
    let nerdctl = (
        "run/containerd/io.containerd.runtime.v2.task/default/ID/config.json",
        r#"{"annotations":
        {"nerdctl/name": "db", "nerdctl/namespace": "default"}}"#,
    );
    assert_eq!(named("/default/ID", &[nerdctl]), "db - -");
}

#[test]
fn a_sandbox_has_a_pod_and_no_name_of_its_own() {
    let config = (
        "run/containerd/io.containerd.runtime.v2.task/k8s.io/ID/config.json",
        r#"{"annotations":
        {"io.kubernetes.cri.sandbox-name": "web-0", "io.kubernetes.cri.sandbox-namespace": "shop"}}"#,
    );
    assert_eq!(named(POD, &[config]), "- web-0 shop");
}

#[test]
fn docker_names_what_it_runs_and_kubernetes_names_what_it_has_docker_run() {
    let file = "var/lib/docker/containers/ID/config.v2.json";
    let plain = r#"{"ID": "ID", "Name": "/web", "Config": {"Labels": {"maintainer": "x"}}}"#;
    assert_eq!(named("/docker/ID", &[(file, plain)]), "web - -");
    assert_eq!(
        named("/system.slice/docker-ID.scope", &[(file, r#"{"Name": "/web", "Config": null}"#)]),
        "web - -"
    );
    let labels = r#"{"Name": "/k8s_app_web-0_shop_x_0", "Config": {"Labels": {"io.kubernetes.container.name": "app",
        "io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop"}}}"#;
    assert_eq!(named(POD, &[(file, labels)]), "app web-0 shop");
}

#[test]
fn cri_o_says_all_where_the_container_runs() {
    let file = "run/containers/storage/overlay-containers/ID/userdata/config.json";
    let config = r#"{"annotations": {"io.container.manager": "cri-o", "io.kubernetes.container.name": "app",
        "io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop"}}"#;
    assert_eq!(named("/kubepods/podUID/crio-ID", &[(file, config)]), "app web-0 shop");
}

#[test]
fn podman_has_a_list_of_all() {
    let list = r#"[{"id": "a", "names": ["b"]}, {"id": "ID", "names": ["web"], "image": "x"}]"#;
    for name in ["containers", "volatile-containers"] {
        let file = format!("var/lib/containers/storage/overlay-containers/{name}.json");
        assert_eq!(named("/machine.slice/libpod-ID.scope", &[(&file, list)]), "web - -");
        assert_eq!(named("/machine.slice/libpod-ID.scope", &[(&file, "[{}]")]), "- - -");
    }
}

#[test]
fn the_names_of_the_kubelet_s_logs_say_all_that_runtimes_do_not() {
    let pod = ("var/log/pods/shop_web-0_UID/app/0.log", "");
    assert_eq!(named("/kubepods/burstable/podUID", &[pod]), "- web-0 shop");
    assert_eq!(
        named(POD, &[pod, ("var/log/containers/web-0_shop_the-app-ID.log", "")]),
        "the-app web-0 shop"
    );
    let others =
        [("var/log/pods/a_b_UIDc/x", ""), ("var/log/pods/UID/x", ""), ("var/log/containers/a_b_ID.log", "")];
    assert_eq!(named(POD, &others), "- - -");
}

#[test]
fn what_is_no_file_or_no_text_or_too_large_names_nothing() {
    let file = "var/lib/docker/containers/ID/config.v2.json";
    let large = format!(r#"{{"Name": "/web", "x": "{}"}}"#, "x".repeat(usize::try_from(MAX_BYTES).unwrap()));
    let long = format!(r#"{{"Name": "/{}"}}"#, "x".repeat(MAX_NAME + 1));
    let deep = "[".repeat(100_000);
    for text in ["", "{", "[]", "null", r#"{"Name": 7}"#, r#"{"Name": "/"}"#, &large, &long, &deep] {
        assert_eq!(named("/docker/ID", &[(file, text)]), "- - -");
    }
    assert_eq!(named("/docker/ID", &[(&format!("{file}/x"), "")]), "- - -");
}

#[test]
fn a_name_that_is_no_id_is_never_part_of_a_path() {
    // An LXC container may be called so; its path has a name already, and no file is asked for another.
    let mut place = parse("/lxc.payload.x/..");
    place.container.as_mut().unwrap().id = "../../etc".into();
    place.container.as_mut().unwrap().name = None;
    assert!(!Names::lacks(&place));
    let before = place.clone();
    Names::new(Path::new("/")).fill(&mut place);
    assert_eq!(place, before);
}

#[test]
fn names_are_inherited_within_a_container_and_a_pod_only() {
    let path = POD.replace("UID", UID).replace("ID", ID);
    let mut above = parse(&path);
    above.container.as_mut().unwrap().name = Some("app".into());
    above.pod.as_mut().unwrap().name = Some("web-0".into());
    let inherited = |path: String| {
        let mut place = parse(&path);
        Names::inherit(&mut place, &above);
        (Names::lacks(&place), place.container.and_then(|it| it.name), place.pod.and_then(|it| it.name))
    };
    assert_eq!(inherited(format!("{path}/init.scope")), (false, Some("app".into()), Some("web-0".into())));
    assert_eq!(inherited(format!("{path}/docker/{}", "a".repeat(64))), (true, None, Some("web-0".into())));
    assert_eq!(inherited(format!("{path}/pod{}", "b".repeat(32))), (true, Some("app".into()), None));
    assert_eq!(inherited("/".into()), (false, None, None));
}

proptest! {
    // Each case makes files.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_file_is_read_and_any_name_is_split(text in ".{0,200}", name in "[_a-z0-9\\-]{0,30}") {
        let file = "var/lib/docker/containers/ID/config.v2.json";
        let log = format!("var/log/pods/{name}_UID");
        named(POD, &[(file, text.as_str()), (log.as_str(), "")]);
    }
}
