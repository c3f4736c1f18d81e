//! What shells complete is made of the definitions of the command line, as the man pages are. `UPDATE_EXPECT=1 cargo test
//! --test completions` writes the files anew.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::{fs, path::Path};

use clap::{Command, CommandFactory};
use clap_complete::{Generator, aot};
use expect_test::expect_file;
use killsnoop_exporter::cli::{Cli, trace::Killsnoop};

fn commands() -> [Command; 2] {
    [<Cli as CommandFactory>::command().disable_help_subcommand(true), Killsnoop::command()]
}

fn script(shell: impl Generator, command: &mut Command) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    aot::generate(shell, command, name, &mut script);
    // Some of them end their lines with spaces.
    lines(String::from_utf8(script).unwrap().lines().map(|line| line.trim_end().to_owned()))
}

/// fish's argparse knows no option with a dot in its name, so it is shown a dash there.
fn fish(command: &mut Command) -> String {
    let script = script(aot::Fish, command);
    let typed = "(commandline -opc)";
    let shown = r"(commandline -opc | string replace -r '^(--[^.=]*)\.' '$1-')";
    lines(script.lines().map(|line| match line.trim_start().strip_prefix("string join ") {
        Some(specs) => format!("    string join {}", specs.replace('.', "-")),
        None => line.replace(typed, shown),
    }))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

#[test]
fn every_shell_completes_every_command_as_it_is() {
    for mut command in commands() {
        let name = command.get_name().to_owned();
        expect_file![format!("../../deploy/completions/{name}.bash")]
            .assert_eq(&script(aot::Bash, &mut command));
        expect_file![format!("../../deploy/completions/{name}.fish")].assert_eq(&fish(&mut command));
        expect_file![format!("../../deploy/completions/_{name}")].assert_eq(&script(aot::Zsh, &mut command));
    }
}

#[test]
fn no_file_completes_a_command_that_is_gone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/completions");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 3 * commands().len());
}
