//! Documents that must say what the code does: the reference of OTLP events, which is made of the module's documentation
//! (`UPDATE_EXPECT=1 cargo test --test documents` writes it anew), command lines, and the causes of deaths.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::{collections::BTreeSet, fs, path::Path};

use clap::{Arg, Command, CommandFactory, Parser};
use expect_test::expect_file;
use killsnoop_common::cause::Cause;
use killsnoop_exporter::cli::{Cli, trace::Killsnoop};

const GUIDE: &str = "docs/why-was-my-process-killed.md";

const EVENTS_HEAD: &str = "\
# OTLP events

<!-- Made by exporter/tests/documents.rs of the documentation of exporter/src/otlp.rs. -->

With `--otlp.endpoint` the exporter sends each event as an OpenTelemetry log record. Which events these are, the flags `--events.*`
say: `kill_call`, `death` and `oom_kill` unless `--events.class` names others. What is lost on the way is counted in
[killsnoop_events_lost_total](metrics.md#killsnoop_events_lost_total).

```sh
killsnoop-exporter --otlp.endpoint http://localhost:4318
killsnoop-exporter --otlp.endpoint http://localhost:4317 --otlp.protocol grpc --events.class death,oom_kill
```

The resource is who reports, not who died: `service.name` (killsnoop-exporter), `service.version`, `service.instance.id` (the same
as long as `/etc/machine-id` is), `host.name`, `host.id`, `host.arch`, `os.type` and `os.version`, and what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` add.
Attributes named `process.*` and `container.*` are the sender's.

";

/// Where links between modules lead in a document.
const LINKS: [(&str, &str); 1] =
    [("killsnoop_common::cause::Cause", "why-was-my-process-killed.md#what-each-cause-means")];

/// Words before a command that are not part of it.
const BEFORE: [&str; 5] = ["$", "#", "sudo", "--", "&&"];

/// Words that end a command.
const AFTER: [&str; 7] = ["|", "#", "&&", "&", ";", ">", "2>"];

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents for users, by their path from the root of the repository.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = |name: &str| fs::read_dir(root.join(name)).unwrap().map(|entry| entry.unwrap().path());
    let paths = folder("docs").chain(folder("dashboards/runbooks")).chain([root.join("README.md")]);
    let is_document = |path: &std::path::PathBuf| path.extension().is_some_and(|found| found == "md");
    let named = |path: std::path::PathBuf| {
        (path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), read(&path))
    };
    let documents: Vec<_> = paths.filter(is_document).map(named).collect();
    assert!(documents.len() > 15, "{}", documents.len());
    documents
}

#[test]
fn the_reference_of_events_is_the_documentation_of_their_module() {
    let module = include_str!("../src/otlp.rs").lines().map_while(|line| line.strip_prefix("//!"));
    let told =
        module.map(|line| line.strip_prefix(' ').unwrap_or(line)).skip_while(|line| *line != "# Records");
    let mut reference = EVENTS_HEAD.to_owned();
    for line in told {
        let line = LINKS.iter().fold(line.to_owned(), |line, (from, to)| line.replace(from, to));
        assert!(!line.contains("](crate::"), "{line}");
        let level = if line.starts_with("# ") { "#" } else { "" };
        reference += &[level, &line, "\n"].concat();
    }
    expect_file!["../../docs/otlp-events.md"].assert_eq(&reference);
}

/// What is written as code: blocks line by line, lines that go on put together, and what stands between backticks.
fn code(document: &str) -> Vec<String> {
    let (mut code, mut is_block, mut line) = (vec![], false, String::new());
    for text in document.lines() {
        if text.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            line += text.trim();
            match line.strip_suffix('\\') {
                Some(goes_on) => line = goes_on.to_owned(),
                None => code.push(std::mem::take(&mut line)),
            }
        } else {
            code.extend(text.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    code
}

/// The words of the command in a line that is this program, without those around it; `None` if there is none.
fn command<'a>(line: &'a str, program: &str) -> Option<Vec<&'a str>> {
    let words: Vec<_> = line.split_whitespace().collect();
    let is_it = |word: &str| word.rsplit('/').next() == Some(program);
    // Elsewhere it is spoken of, or is what another command works on.
    let begins = |at: usize| at == 0 || BEFORE.contains(&words[at - 1]);
    let at = (0..words.len()).find(|at| is_it(words[*at]) && begins(*at))?;
    let end = words[at..].iter().position(|word| AFTER.contains(word)).map_or(words.len(), |n| at + n);
    let plain = words[at..end].iter().map(|word| word.trim_matches(['\'', '"'])).collect();
    Some(plain)
}

/// What is wrong with the commands of a document.
fn mistyped(document: &str) -> Vec<String> {
    let mut mistakes = vec![];
    for line in code(document) {
        let refused = |error: clap::Error| {
            // Help and version are answers.
            error.use_stderr().then(|| format!("{line}\n{error}"))
        };
        if let Some(words) = command(&line, "killsnoop-exporter") {
            mistakes.extend(Cli::try_parse_from(words).err().and_then(refused));
        } else if let Some(words) = command(&line, "killsnoop") {
            mistakes.extend(Killsnoop::try_parse_from(words).err().and_then(refused));
        }
    }
    mistakes
}

#[test]
fn every_command_line_in_a_document_can_be_typed() {
    let (mut n_commands, mut mistakes) = (0, vec![]);
    for (path, document) in documents() {
        n_commands +=
            code(&document).iter().filter(|line| command(line, "killsnoop-exporter").is_some()).count();
        mistakes.extend(mistyped(&document).into_iter().map(|mistake| format!("{path}: {mistake}")));
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    assert!(n_commands > 40, "{n_commands}");
}

#[test]
fn a_command_line_that_cannot_be_typed_is_noticed() {
    let document = "`killsnoop-exporter why nginx --sinec 1h`\n```sh\n$ sudo killsnoop-exporter trace \\\n  --hok raw | \
        head\nln -s killsnoop-exporter killsnoop && ./killsnoop -Q   # -Q\nkubectl exec x -- killsnoop-exporter why -x\n```\n`killsnoop-exporter(8)`";
    let mistakes = mistyped(document);
    let flags: Vec<_> = ["--sinec", "--hok", "-Q", "-x"]
        .iter()
        .filter(|flag| mistakes.iter().any(|mistake| mistake.contains(&format!("argument '{flag}'"))))
        .collect();
    assert_eq!(flags.len(), 4, "{mistakes:#?}");
    assert_eq!(mistyped("`killsnoop-exporter why nginx --since 1h`\n`killsnoop -x -p 181`"), [""; 0]);
}

#[test]
fn every_flag_in_a_document_exists() {
    let mut known = BTreeSet::new();
    let mut command = <Cli as CommandFactory>::command();
    command.build();
    let killsnoop = Killsnoop::command();
    let all = [&command, &killsnoop].into_iter().chain(command.get_subcommands());
    known.extend(all.flat_map(Command::get_arguments).filter_map(Arg::get_long).map(str::to_owned));
    let mut unknown = vec![];
    for (path, document) in documents().into_iter().filter(|(path, _)| path.starts_with("docs/")) {
        for line in code(&document).iter().filter_map(|line| line.strip_prefix("--")) {
            let flag = line.split(['=', ' ']).next().unwrap();
            // A group of flags is written as --events.*.
            let is_group =
                flag.strip_suffix('*').is_some_and(|group| known.iter().any(|flag| flag.starts_with(group)));
            if !known.contains(flag) && !is_group {
                unknown.push(format!("{path}: --{flag}"));
            }
        }
    }
    assert_eq!(unknown, [""; 0]);
}

/// The names in the first column of the table below a heading.
fn first_column(document: &str, heading: &str) -> Vec<String> {
    let section = document.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    rows.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`').to_owned()).collect()
}

#[test]
fn the_guide_has_every_cause_and_no_other() {
    let (_, guide) = documents().into_iter().find(|(path, _)| path == GUIDE).unwrap();
    let mut told = first_column(&guide, "\n## What each cause means\n");
    let mut known: Vec<_> = Cause::ALL.iter().map(|cause| cause.name().to_owned()).collect();
    told.sort_unstable();
    known.sort_unstable();
    assert_eq!(told, known);
}
