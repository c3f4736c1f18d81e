//! The flags of the web server, named as those of other Prometheus exporters are.

use std::str::FromStr;

use clap::{Args, value_parser};

use super::{DEATHS, HEALTHY, LANDING, Limits, READY, landing::ASSETS};

/// The flags of the web server.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct WebArgs {
    /// Address to listen on: host:port, with an IPv6 host in brackets, or :port for all; may be repeated
    ///
    /// Sockets that a service manager passes, as systemd does for killsnoop-exporter.socket, are listened on instead.
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = EVERYWHERE,
        help_heading = HEADING
    )]
    pub listen_addresses: Vec<String>,

    /// Path under which the metrics are served
    #[arg(
        long = "web.telemetry-path",
        value_name = "PATH",
        default_value = "/metrics",
        help_heading = HEADING
    )]
    pub telemetry_path: TelemetryPath,

    /// Connections that may be open at once; one more closes the one that has been idle for longest
    #[arg(
        long = "web.max-connections",
        value_name = "N",
        default_value_t = 256,
        value_parser = value_parser!(u16).range(1..),
        help_heading = HEADING
    )]
    pub max_connections: u16,

    /// Show at / which processes died lately, and by whom: to whoever can reach the port
    ///
    /// This tells names, users, executables, containers and, with --show-command-lines, command lines. Without it, / shows
    /// how the exporter is, and names nobody.
    #[arg(long = "web.show-events", help_heading = HEADING)]
    pub show_events: bool,
}

const HEADING: &str = "Web";
const EVERYWHERE: &str = ":9435";

impl WebArgs {
    /// Whether nobody chose where to listen.
    #[must_use]
    pub fn listens_by_default(&self) -> bool {
        self.listen_addresses == [EVERYWHERE]
    }

    /// What clients may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { max_connections: self.max_connections, ..Limits::default() }
    }
}

/// A path that is free for the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryPath(String);

impl TelemetryPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TelemetryPath {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        // Others mean something in a URL or to the router.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        if !path.starts_with('/') || !path.bytes().all(is_plain) {
            return Err(format!(
                "{path:?} is no path; give one such as /metrics, of letters, digits and /-_.~"
            ));
        }
        let is_taken = [LANDING, DEATHS].iter().chain(&HEALTHY).chain(&READY).any(|taken| *taken == path);
        if is_taken || path.starts_with(ASSETS) {
            return Err(format!("{path:?} serves something else; give another path, such as /metrics"));
        }
        Ok(Self(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        web: WebArgs,
    }

    fn parse(flags: &[&str]) -> Result<WebArgs, String> {
        let flags = ["command"].iter().chain(flags);
        Command::try_parse_from(flags).map(|command| command.web).map_err(|error| error.to_string())
    }

    #[test]
    fn without_flags_the_metrics_are_where_prometheus_users_look() {
        let web = parse(&[]).unwrap();
        assert_eq!(web.listen_addresses, [":9435"]);
        assert!(web.listens_by_default());
        assert_eq!((web.telemetry_path.as_str(), web.max_connections), ("/metrics", 256));
    }

    #[test]
    fn several_addresses_replace_the_default() {
        let web = parse(&["--web.listen-address=127.0.0.1:1", "--web.listen-address", "[::1]:2"]).unwrap();
        assert_eq!(web.listen_addresses, ["127.0.0.1:1", "[::1]:2"]);
        assert!(!web.listens_by_default());
    }

    #[test]
    fn paths_that_are_none_or_are_taken_are_refused_by_name() {
        for path in [
            "",
            "metrics",
            "/",
            "/healthz",
            "/-/ready",
            "/deaths.jsonl",
            "/assets/x",
            "/a b",
            "/{x}",
            "/*",
            "/m?x",
            "/é",
            "/%41",
        ] {
            let error = parse(&[&format!("--web.telemetry-path={path}")]).unwrap_err();
            assert!(error.contains("--web.telemetry-path"), "{error}");
            assert!(path.is_empty() || error.contains(path), "{error}");
        }
        assert_eq!(
            parse(&["--web.telemetry-path=/a/b-c_d.e~/"]).unwrap().telemetry_path.as_str(),
            "/a/b-c_d.e~/"
        );
    }

    #[test]
    fn there_is_always_room_for_one_connection() {
        assert!(parse(&["--web.max-connections=0"]).unwrap_err().contains("--web.max-connections"));
        assert_eq!(parse(&["--web.max-connections=1"]).unwrap().limits().max_connections, 1);
    }
}
