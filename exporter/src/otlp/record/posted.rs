//! Posted signals as attributes: the one that a death came of, the one before it, or one on its own.

use std::time::Duration;

use killsnoop_common::cause::Cause;

use super::attributes::Attributes;
use crate::event::{Background, Posted, Time, sender_name};

impl Attributes {
    /// Who sent it, for which reason, and what became of it. The reason is the event's: a death knows it better than
    /// the signal did when it was posted.
    pub(super) fn posted(
        &mut self,
        posted: &Posted,
        cause: Cause,
        background: Option<&Background>,
        time: &Time,
    ) {
        if let Some(sender) = &posted.sender {
            self.sender(sender, background, time);
        }
        self.text("killsnoop.sender.name", sender_name(posted.sender.as_ref(), cause));
        self.int("killsnoop.signal.code", posted.code);
        self.text("killsnoop.outcome", posted.outcome.name());
        self.text("killsnoop.action", posted.action.name());
        self.bool("killsnoop.to_process", posted.to_process);
        self.int_if_known("killsnoop.claimed_pid", posted.claimed_pid);
    }

    /// A signal that came before the one that counts, which came at that boot time.
    pub(super) fn preceded_by(&mut self, before: &Posted, boot_ns: u64) {
        let sender = before.sender.as_ref();
        let seconds_before = Duration::from_nanos(boot_ns.saturating_sub(before.at_boot_ns));
        self.int("killsnoop.preceded_by.signal.number", before.signal);
        self.text("killsnoop.preceded_by.signal.name", before.signal_name());
        self.text("killsnoop.preceded_by.cause", before.cause.name());
        self.int_if_known("killsnoop.preceded_by.sender.pid", sender.map(|sender| sender.pid));
        self.text("killsnoop.preceded_by.sender.name", sender_name(sender, before.cause));
        self.seconds("killsnoop.preceded_by.seconds_before", seconds_before);
    }
}
