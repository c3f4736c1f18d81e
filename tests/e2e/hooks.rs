//! Hook back ends: what each sees, and what the page says of it.

use killsnoop_tests::{exporter::Exporter, provoke::Play, sender::Sender};

use crate::signals;

#[test]
fn without_a_hook_of_calls_signals_and_deaths_are_counted_and_calls_are_no_series_at_all() {
    let exporter = Exporter::start(&["--hook", "none"]);
    let name = signals::name(signals::NO_HOOK);
    let signal = |page: &killsnoop_tests::scrape::Scrape| {
        page.value(&format!(
            "killsnoop_signals_total{{signal=\"{name}\",origin=\"kill\",outcome=\"ignored\"}}"
        ))
    };
    let deaths = "killsnoop_deaths_total{signal=\"SIGKILL\",cause=\"kill\",core_dumped=\"false\"}";
    let before = exporter.scrape();

    // The sender ignores them.
    Sender::new(&[&format!("kill:self:{}:7", signals::NO_HOOK)]).run();
    let played = Play::new(&["call", "kill", "9"]).run();
    assert!(played.the("victim").end.is_some());

    let after = exporter.scrape_until(|page| page.value(deaths) > before.value(deaths));
    assert!((signal(&after) - signal(&before) - 7.0).abs() < f64::EPSILON, "{after:#?}");
    for family in ["killsnoop_kill_calls_total", "killsnoop_kill_calls_by_syscall_total"] {
        assert!(!after.series().any(|series| series.starts_with(family)), "0 would be a count: {after:#?}");
    }
    assert!(after.has("killsnoop_hook_info{backend=\"none\",compat=\"unseen\"}"), "{after:#?}");
    exporter.stop();
}

#[test]
fn the_page_says_what_this_kernel_and_this_hook_let_be_seen() {
    for (hook, calls, compat) in [("tracepoint", 1.0, 0.0), ("raw", 1.0, 1.0), ("none", 0.0, 0.0)] {
        let exporter = Exporter::start(&["--hook", hook]);
        let page = exporter.scrape();
        let feature = |name: &str| {
            let series = format!("killsnoop_feature_available{{feature=\"{name}\"}}");
            assert!(page.has(&series), "{series}: {page:#?}");
            page.value(&series)
        };
        assert_eq!([feature("calls"), feature("compat_calls")], [calls, compat], "{hook}");
        assert_eq!(
            [feature("executables"), feature("oom_limits")],
            [1.0, 1.0],
            "this kernel is not locked down"
        );
        exporter.stop();
    }
}
