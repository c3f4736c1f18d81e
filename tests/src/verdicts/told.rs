//! What a tracer has told of one scene, in few words.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    kernel_is_before,
    provoke::{End, Played, Player},
};

/// A scene, and what was told of its players.
#[derive(Debug)]
pub struct Told {
    /// The scene.
    pub played: Played,
    events: Vec<Arc<Value>>,
}

impl Told {
    /// # Panics
    /// If somebody died of a signal who was not told of, or the other way round.
    pub(super) fn new(played: Played, events: Vec<Arc<Value>>) -> Self {
        let told = Self { played, events };
        for player in told.played.players.iter().filter(|player| player.role != "fence") {
            let is_told = told.events("death").any(|event| player.is(&event["victim"]));
            match player.end {
                Some(End::Exit(_)) => assert!(!is_told, "{player:?} exited:\n{told}"),
                Some(End::Signal(..)) => assert!(is_told, "{player:?} died, and nobody tells:\n{told}"),
                // Nobody but the kernel could wait for it.
                None => {}
            }
        }
        told
    }

    /// All events of a kind, for instance `death`.
    pub fn events<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().map(|event| &**event).filter(move |event| event["event"] == kind)
    }

    /// What was told of the death of a player, in full.
    ///
    /// # Panics
    /// If it was not told once, or if it does not agree with how the player ended.
    #[must_use]
    pub fn death_of(&self, player: &Player) -> &Value {
        let deaths: Vec<_> = self.events("death").filter(|event| player.is(&event["victim"])).collect();
        let [death] = deaths[..] else { panic!("{} deaths of {player:?}:\n{self}", deaths.len()) };
        self.check_death(death, player);
        death
    }

    /// The deaths of all players with this role, each in a few words:
    /// `SIGKILL kill by second after SIGTERM kill by first`.
    ///
    /// # Panics
    /// As [`death_of`](Self::death_of).
    #[must_use]
    pub fn deaths(&self, role: &str) -> Vec<String> {
        self.played.all(role).map(|player| self.in_words(self.death_of(player))).collect()
    }

    /// The deaths of all players, whoever they are.
    #[must_use]
    pub fn n_deaths(&self) -> usize {
        self.events("death").count()
    }

    /// The calls of all players with this role, each in a few words: `kill SIGTERM victim ok`.
    #[must_use]
    pub fn calls(&self, role: &str) -> Vec<String> {
        let is_sender = |event: &&Value| self.played.all(role).any(|player| player.is(&event["sender"]));
        self.events("kill_call").filter(is_sender).map(|call| self.call_in_words(call)).collect()
    }

    /// What the kernel sent on its own to all players with this role, each in a few words:
    /// `SIGALRM timer by kernel:timer: delivered, default`.
    #[must_use]
    pub fn signals(&self, role: &str) -> Vec<String> {
        let is_target = |event: &&Value| self.played.all(role).any(|player| player.is(&event["target"]));
        let in_words = |event: &Value| {
            let (outcome, action) = (text(&event["outcome"]), text(&event["action"]));
            format!("{} by {}: {outcome}, {action}", signal(event), self.sender(event))
        };
        self.events("signal").filter(is_target).map(in_words).collect()
    }

    fn in_words(&self, death: &Value) -> String {
        let core = if death["core_dumped"] == true { " with core" } else { "" };
        let before = &death["preceded_by"];
        let before = if before.is_null() {
            String::new()
        } else {
            format!(" after {} by {}", signal(before), self.sender_to(before, &death["victim"]))
        };
        format!("{} by {}{core}{before}", signal(death), self.sender_to(death, &death["victim"]))
    }

    fn call_in_words(&self, call: &Value) -> String {
        let sender = self.played.players.iter().find(|player| player.is(&call["sender"]));
        // The caller writes the number that its namespace has for the target.
        let is_target = |player: &&Player| {
            sender.is_some_and(|sender| sender.pid_ns == player.pid_ns) && call["target"] == player.ns_pid
        };
        let target = match self.played.players.iter().find(is_target) {
            Some(player) => player.role.clone(),
            None if call["target"].is_null() => "pidfd".to_owned(),
            None => call["target"].to_string(),
        };
        let result = call["error"].as_str().unwrap_or("ok");
        format!("{} {} {target} {result}", text(&call["syscall"]), text(&call["signal_name"]))
    }

    fn sender_to(&self, posted: &Value, victim: &Value) -> String {
        let identity = |process: &Value| (process["pid"].clone(), process["start_boot_ns"].clone());
        let is_victim = identity(&posted["sender"]) == identity(victim);
        if is_victim { "itself".to_owned() } else { self.sender(posted) }
    }

    /// The role of a sender; without one, what stands for its name.
    fn sender(&self, posted: &Value) -> String {
        let (sender, name) = (&posted["sender"], text(&posted["sender_name"]));
        if sender.is_null() {
            return name.to_owned();
        }
        assert_eq!(sender["comm"], name, "{posted:#}");
        if sender["pid"] == self.played.pid {
            return "provoke".to_owned();
        }
        let player = self.played.players.iter().find(|player| player.is(sender));
        let player =
            player.unwrap_or_else(|| panic!("the sender is nobody of the scene: {posted:#}\n{self}"));
        self.check_process(sender, player);
        player.role.clone()
    }

    fn check_death(&self, death: &Value, player: &Player) {
        let signal = death["signal"].as_i64().expect("it has a signal");
        let told = End::Signal(signal, death["core_dumped"] == true);
        // Whom nobody but the kernel could wait for has said nothing else.
        assert_eq!(player.end.unwrap_or(told), told, "{death:#}");
        assert_eq!(death["exit_status"], 128 + signal, "{death:#}");
        let fatal = &death["fatal"]["signal"];
        // Before Linux 5.16 nothing is posted to whom a filter ends.
        let may_lack_it =
            death["cause"] == "unknown" || (death["cause"] == "seccomp" && kernel_is_before((5, 16)));
        assert!(*fatal == signal || (fatal.is_null() && may_lack_it), "{death:#}");
        self.check_process(&death["victim"], player);
        let sentence = text(&death["verdict"]);
        assert!(sentence.len() > 20 && !sentence.contains(char::is_control), "{sentence:?}");
        self.check_time(&death["boot_ns"]);
    }

    fn check_process(&self, process: &Value, player: &Player) {
        assert_eq!(process["pid"], player.pid, "{process:#}");
        assert_eq!(process["ns_pid"], player.ns_pid, "{process:#}");
        assert_eq!(process["pid_ns"], player.pid_ns, "{process:#}");
        assert_eq!(process["comm"], player.comm, "{process:#}");
        self.check_time(&process["start_boot_ns"]);
    }

    fn check_time(&self, boot_ns: &Value) {
        let at: u64 = text(boot_ns).parse().expect("a time is a number");
        let (began, over) = self.played.time;
        assert!((began..=over).contains(&at), "{at} is not from {began} to {over}");
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:#?}", self.played)?;
        self.events.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

fn signal(event: &Value) -> String {
    format!("{} {}", text(&event["signal_name"]), text(&event["cause"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
