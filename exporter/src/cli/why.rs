//! Flags of `why`: what is asked of the exporter that runs.

use std::{path::PathBuf, time::Duration};

use clap::{Args, value_parser};

use super::control::DEFAULT_SOCKET;
use crate::recent::{Query, Whom};

/// Flags of `why`, as typed.
#[derive(Args, Clone, Debug)]
#[command(long_about = WHY, after_help = EXAMPLES)]
pub struct WhyArgs {
    /// Whose death: a pid, the name of a process, or a container, pod or unit; without it, anybody's
    ///
    /// A number is a pid. A name is that of a process or its executable; that of a container or a pod, also as
    /// NAMESPACE/POD or POD/CONTAINER; the id of a container, of which 12 digits will do; or a unit of systemd, with or
    /// without .service. pid:4711, name:nginx and container:3f4a are that and nothing else; behind container: a few
    /// digits of the id will do.
    #[arg(value_name = "PID|NAME|CONTAINER")]
    whom: Option<Whom>,

    /// Show only deaths of the last 10s, 5m, 1h 30m or the like
    #[arg(long, value_name = "TIME", value_parser = duration)]
    since: Option<Duration>,

    /// Show so many at most, the most recent ones
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..=20_000))]
    limit: u32,

    /// Show each death as a JSON object on a line of its own, with everything that is known of it
    #[arg(long)]
    pub json: bool,

    /// Where the exporter is asked: what `serve` has as --control.socket
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub socket: PathBuf,
}

pub(super) const WHY: &str = "Say why processes died: ask the exporter that runs on this machine for the deaths by \
    signals that it has seen, the most recent first. Of a single one, everything is shown that is known. Exits 0 if there \
    is one, 1 if there is none, and 2 if no exporter can be asked. Only root and the exporter's own user may ask.";

const EXAMPLES: &str = "\
Examples:
  killsnoop-exporter why                         Show the last deaths of any process
  killsnoop-exporter why 4711                    Show why process 4711 is gone, and all that is known
  killsnoop-exporter why nginx --since 10m       Show who or what killed nginx in the last 10 minutes
  killsnoop-exporter why shop/web-7d9f           Show the deaths in pod web-7d9f of namespace shop
  killsnoop-exporter why container:3f4a --json   Show those in container 3f4a as JSON";

impl WhyArgs {
    /// What is asked.
    #[must_use]
    pub fn query(&self) -> Query {
        Query { whom: self.whom.clone().unwrap_or_default(), within: self.since, limit: self.limit as usize }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("nothing happened in no time; give a time such as 10m".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; give a number and a unit, such as 10m or 2h")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        why: WhyArgs,
    }

    fn parse(words: &str) -> Result<WhyArgs, String> {
        let words = ["why"].into_iter().chain(words.split_whitespace());
        Command::try_parse_from(words).map(|command| command.why).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_typed_is_what_is_asked() {
        let whom = |text: &str| text.parse::<Whom>().unwrap();
        let any = Query { whom: Whom::Anybody, within: None, limit: 20 };
        let rows = [
            ("", any.clone()),
            ("4711", Query { whom: Whom::Pid(4711), ..any.clone() }),
            ("nginx", Query { whom: whom("nginx"), ..any.clone() }),
            ("container:3f4a --limit 1", Query { whom: whom("container:3f4a"), limit: 1, ..any.clone() }),
            ("--since 10m", Query { within: Some(Duration::from_mins(10)), ..any }),
        ];
        for (words, query) in rows {
            assert_eq!(parse(words).unwrap().query(), query, "{words}");
        }
        let args = parse("--json --socket /a").unwrap();
        assert_eq!((args.json, args.socket), (true, PathBuf::from("/a")));
        assert_eq!(parse("").unwrap().socket, PathBuf::from(DEFAULT_SOCKET));
    }

    #[test]
    fn what_cannot_be_asked_is_refused_by_its_flag() {
        for words in ["--limit 0", "--limit x", "--since 0s", "--since soon", "--since 10", "pid:x", "name:"]
        {
            let error = parse(words).unwrap_err();
            let flag = words.split(' ').next().unwrap();
            assert!(error.contains(flag.trim_start_matches("pid:")), "{words}: {error}");
        }
    }
}
