//! Both pages of a real exporter on this kernel: at rest, and after everything that makes series has happened.

use std::{thread::sleep, time::Duration};

use killsnoop_tests::exporter::Exporter;
use tempfile::NamedTempFile;

use crate::{
    figures::{Kind, Pages},
    fleet::file,
    page::Page,
    steps::Steps,
    workload,
};

/// Between two scrapes, as deploy/prometheus has it.
pub(crate) const INTERVAL: Duration = Duration::from_secs(15);

/// Patterns of both pages, in files.
pub(crate) struct Patterns {
    pub(crate) rest: NamedTempFile,
    pub(crate) busy: NamedTempFile,
}

impl Patterns {
    pub(crate) fn of(&self, kind: Kind) -> &NamedTempFile {
        match kind {
            Kind::Rest => &self.rest,
            Kind::Busy => &self.busy,
        }
    }
}

/// Takes each page twice, so that it is known how its series move.
pub(crate) fn take(steps: &mut Steps) -> (Patterns, Pages) {
    steps.begin("pages of a real exporter");
    steps.show("at rest");
    // As a node of a fleet has it, and nobody listens there.
    let exporter = Exporter::start(&["--control.socket=", "--otlp.endpoint", "http://127.0.0.1:1"]);
    let before = Page::take(&exporter);
    sleep(INTERVAL);
    let (rest, size_at_rest) = before.until(&Page::take(&exporter));
    steps.show("busy");
    workload::stir();
    let before = Page::take(&exporter);
    workload::stir();
    sleep(INTERVAL);
    let (busy, size_when_busy) = before.until(&Page::take(&exporter));
    exporter.stop();
    (Patterns { rest: file(&rest), busy: file(&busy) }, Pages { rest: size_at_rest, busy: size_when_busy })
}
