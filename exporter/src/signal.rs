//! The names of signals, and the numbers that people write for them.

use std::borrow::Cow;

use killsnoop_common::MAX_SIGNAL;
use nix::sys::signal::Signal;

/// The first real-time signal that programs may use: the C library keeps 32 and 33 for itself, so that
/// `SIGRTMIN` is 34 to all programs, see signal(7).
pub const SIGRTMIN: i32 = 34;

/// The name of a signal: `SIGKILL`, `SIGRTMIN`, `SIGRTMIN+6`, `SIGRTMAX`; `0` for the number that only asks whether
/// a target exists; the bare number for 32 and 33, which the C library uses, and for what is no signal.
#[must_use]
pub fn name(signal: i32) -> Cow<'static, str> {
    match signal {
        SIGRTMIN => "SIGRTMIN".into(),
        MAX_SIGNAL => "SIGRTMAX".into(),
        35..MAX_SIGNAL => format!("SIGRTMIN+{}", signal - SIGRTMIN).into(),
        _ => match Signal::try_from(signal) {
            Ok(signal) => signal.as_str().into(),
            Err(_) => signal.to_string().into(),
        },
    }
}

/// Reads what people write for a signal: a number from 0 to 64, or a name with or without `SIG`, in any case, with
/// `RTMIN+n` and `RTMAX-n` for real-time signals.
///
/// # Errors
/// Says which value is no signal and what would be one.
pub fn parse(text: &str) -> Result<i32, String> {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    number(text)
        .or_else(|| real_time(bare))
        .or_else(|| alias(bare).map(|signal| signal as i32))
        .or_else(|| format!("SIG{bare}").parse::<Signal>().ok().map(|signal| signal as i32))
        .ok_or_else(|| {
            format!("{text:?} is no signal; give a number from 0 to {MAX_SIGNAL}, or a name such as SIGKILL or RTMIN+1")
        })
}

fn number(text: &str) -> Option<i32> {
    // `parse` alone would take "+9".
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|signal| digits && (0..=MAX_SIGNAL).contains(signal))
}

fn real_time(bare: &str) -> Option<i32> {
    let (first, offset) = match (bare.strip_prefix("RTMIN"), bare.strip_prefix("RTMAX")) {
        (Some(rest), _) => {
            (SIGRTMIN, if rest.is_empty() { Some(0) } else { number(rest.strip_prefix('+')?) })
        }
        (_, Some(rest)) => {
            (MAX_SIGNAL, if rest.is_empty() { Some(0) } else { number(rest.strip_prefix('-')?).map(|n| -n) })
        }
        _ => return None,
    };
    Some(first + offset?).filter(|signal| (SIGRTMIN..=MAX_SIGNAL).contains(signal))
}

/// Second names of signal(7).
fn alias(bare: &str) -> Option<Signal> {
    match bare {
        "IOT" => Some(Signal::SIGABRT),
        "CLD" => Some(Signal::SIGCHLD),
        "POLL" => Some(Signal::SIGIO),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_the_name_of_signal_7() {
        let rows = [
            (0, "0"),
            (1, "SIGHUP"),
            (9, "SIGKILL"),
            (15, "SIGTERM"),
            (16, "SIGSTKFLT"),
            (29, "SIGIO"),
            (31, "SIGSYS"),
            (32, "32"),
            (33, "33"),
            (34, "SIGRTMIN"),
            (40, "SIGRTMIN+6"),
            (64, "SIGRTMAX"),
            (65, "65"),
            (-1, "-1"),
        ];
        for (signal, expected) in rows {
            assert_eq!(name(signal), expected);
        }
    }

    #[test]
    fn every_name_reads_back_as_its_number() {
        for signal in 0..=MAX_SIGNAL {
            assert_eq!(parse(&name(signal)), Ok(signal));
            assert_eq!(parse(&signal.to_string()), Ok(signal));
        }
    }

    #[test]
    fn people_may_write_names_as_they_like() {
        for text in ["KILL", "kill", "SigKill", " SIGKILL ", "9", "09"] {
            assert_eq!(parse(text), Ok(9), "{text}");
        }
        for (text, signal) in
            [("RTMIN", 34), ("rtmin+3", 37), ("SIGRTMAX-1", 63), ("RTMAX", 64), ("CLD", 17), ("IOT", 6)]
        {
            assert_eq!(parse(text), Ok(signal), "{text}");
        }
    }

    #[test]
    fn what_is_no_signal_is_refused_by_its_name() {
        for text in [
            "",
            "65",
            "-1",
            "+9",
            "9.0",
            "SIGFOO",
            "RTMIN+31",
            "RTMAX-31",
            "RTMIN-1",
            "99999999999",
            "9;DROP",
            "SIGSIGKILL",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
