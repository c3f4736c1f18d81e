//! Flags of `serve` for those who ask it what died, with `why`.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use clap::{Args, builder::OsStringValueParser, value_parser};

/// Where `serve` listens and `why` asks.
pub const DEFAULT_SOCKET: &str = "/run/killsnoop-exporter/control.sock";

/// Flags for those who ask what died, as typed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What died (killsnoop-exporter why)")]
pub struct ControlArgs {
    /// Socket on which `why` is answered, for root and the exporter's own user; empty for none
    /// [default: /run/killsnoop-exporter/control.sock]
    ///
    /// Its directory is made if it is missing; nobody else may be able to write to it. If the default cannot be used,
    /// the exporter goes on without.
    #[arg(long = "control.socket", value_name = "PATH", value_parser = OsStringValueParser::new())]
    socket: Option<OsString>,

    /// How many deaths to keep for `why`; each takes some 1 KiB
    #[arg(
        long = "control.deaths",
        value_name = "N",
        default_value_t = 10_000,
        value_parser = value_parser!(u32).range(1..=1_000_000)
    )]
    deaths: u32,
}

impl ControlArgs {
    /// Where to listen; `None` if nowhere.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        let path = self.socket.as_deref().unwrap_or(OsStr::new(DEFAULT_SOCKET));
        (!path.is_empty()).then(|| Path::new(path))
    }

    /// Whether somebody chose the path, so that it must work.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.socket.is_some()
    }

    /// How many deaths to keep.
    #[must_use]
    pub fn n_deaths(&self) -> usize {
        self.deaths as usize
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        control: ControlArgs,
    }

    fn parse(flags: &[&str]) -> Result<ControlArgs, String> {
        let flags = ["command"].iter().chain(flags);
        Command::try_parse_from(flags).map(|command| command.control).map_err(|error| error.to_string())
    }

    #[test]
    fn the_socket_is_in_its_place_elsewhere_or_nowhere() {
        let rows: [(&[&str], Option<&str>, bool); 4] = [
            (&[], Some(DEFAULT_SOCKET), false),
            (&["--control.socket=/a/b"], Some("/a/b"), true),
            (&["--control.socket", DEFAULT_SOCKET], Some(DEFAULT_SOCKET), true),
            (&["--control.socket="], None, true),
        ];
        for (flags, path, is_given) in rows {
            let args = parse(flags).unwrap();
            assert_eq!((args.path(), args.is_given()), (path.map(Path::new), is_given), "{flags:?}");
            assert_eq!(args.n_deaths(), 10_000);
        }
    }

    #[test]
    fn at_least_one_death_is_kept_and_not_all_memory_is_taken() {
        assert_eq!(parse(&["--control.deaths=1"]).unwrap().n_deaths(), 1);
        for n in ["0", "1000001", "-1", "x"] {
            assert!(
                parse(&[&format!("--control.deaths={n}")]).unwrap_err().contains("--control.deaths"),
                "{n}"
            );
        }
    }

    #[test]
    fn the_help_names_the_default() {
        let help = <Command as clap::CommandFactory>::command().render_help().to_string();
        assert!(help.split_whitespace().any(|word| word.contains(DEFAULT_SOCKET)), "{help}");
    }
}
