//! What completes commands in bash, in bash. What other shells make of theirs, tests/packages sees to, where they are
//! installed; that they have every flag, the exporter's own tests.

use std::process::Command;

use crate::repo::text;

/// What bash offers when somebody presses Tab behind these words; nothing if it does not take the script.
fn offered(script: &str, command: &str, words: &[&str]) -> Vec<String> {
    let asks = format!(
        "{script}\ncompleter=$(complete -p {command}) || exit; completer=${{completer##*-F }}\n\
         COMP_WORDS=({command} \"$@\") COMP_CWORD=$#\n\
         ${{completer%% *}} {command} \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").args(["--norc", "-c", &asks, "bash"]).args(words).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags_and_does_not_by_a_broken_copy() {
    let exporter = text("deploy/completions/killsnoop-exporter.bash");
    assert_eq!(offered(exporter, "killsnoop-exporter", &["wh"]), ["why"]);
    assert_eq!(offered(exporter, "killsnoop-exporter", &["--hook", "kretp"]), ["kretprobe"]);
    let killsnoop = text("deploy/completions/killsnoop.bash");
    assert_eq!(offered(killsnoop, "killsnoop", &["--fai"]), ["--failed"]);
    for (from, to) in [("_killsnoop() {", "_killsnoop( {"), ("esac", "easc"), ("compgen", "compgne")] {
        let broken = killsnoop.replace(from, to);
        assert_ne!(broken, killsnoop, "{from}");
        assert_eq!(offered(&broken, "killsnoop", &["--fai"]), [""; 0], "{to}");
    }
}
