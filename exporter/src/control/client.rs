//! Asks the exporter that runs.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value};

use super::request;
use crate::recent::Query;

/// How long the exporter may take for anything; it gives its clients less.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer; no exporter sends so many.
const MOST_OF_ANSWER: u64 = 1 << 30;

/// What the exporter has told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The events, as [`verdict::json`](crate::verdict::json) has them, the most recent first.
    pub events: Vec<Map<String, Value>>,
    /// How many there are without the limit.
    pub n_matching: u64,
    /// How many of anybody are kept.
    pub n_kept: u64,
    /// Since when nothing is missing, as RFC 3339 has it in UTC.
    pub since: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there.
    #[error(
        "no exporter answers at {}; start one with `systemctl start killsnoop-exporter` or `killsnoop-exporter`, or give \
         the path of its --control.socket as --socket",
        .0.display()
    )]
    NotRunning(PathBuf),
    /// The socket is not for this user.
    #[error("no permission to ask at {}; ask as root, for instance with sudo", .0.display())]
    NotAllowed(PathBuf),
    /// The exporter does not want to answer.
    #[error("the exporter does not answer: {0}")]
    Refused(String),
    /// The answer has no end, or is none.
    #[error("the answer of the exporter at {} is cut off or garbled; ask again", .0.display())]
    Garbled(PathBuf),
    /// The conversation failed.
    #[error("cannot ask the exporter at {}", path.display())]
    Failed {
        /// The path.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
}

/// Asks the exporter behind a socket, and waits for the whole answer, so that it need not wait for whoever reads it.
///
/// # Errors
/// If nobody is there, or does not answer to this user or this question.
pub fn ask(path: &Path, query: &Query) -> Result<Answer, AskError> {
    let stream = UnixStream::connect(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => AskError::NotRunning(path.to_owned()),
        ErrorKind::PermissionDenied => AskError::NotAllowed(path.to_owned()),
        _ => AskError::Failed { path: path.to_owned(), source },
    })?;
    let failed = |source| AskError::Failed { path: path.to_owned(), source };
    let lines = request(stream, query).map_err(failed)?.split(b'\n').map(|line| line.map_err(failed));
    read(lines, &|| AskError::Garbled(path.to_owned()))
}

fn request(mut stream: UnixStream, query: &Query) -> io::Result<impl BufRead> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    match stream.write_all((request::write(query) + "\n").as_bytes()) {
        // Whoever is not heard may have been told why.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(BufReader::new(stream.take(MOST_OF_ANSWER))),
    }
}

fn read(
    lines: impl Iterator<Item = Result<Vec<u8>, AskError>>,
    garbled: &dyn Fn() -> AskError,
) -> Result<Answer, AskError> {
    let mut events = Vec::new();
    for line in lines {
        let object: Map<String, Value> = serde_json::from_slice(&line?).map_err(|_| garbled())?;
        match (object.get("end"), object.get("error")) {
            (Some(end), _) => return Answer::new(events, end).ok_or_else(garbled),
            (None, Some(error)) => {
                return Err(AskError::Refused(error.as_str().unwrap_or_default().to_owned()));
            }
            (None, None) => events.push(object),
        }
    }
    Err(garbled())
}

impl Answer {
    fn new(events: Vec<Map<String, Value>>, end: &Value) -> Option<Self> {
        let number = |key| end.get(key)?.as_u64();
        let since = end.get("since")?.as_str()?.to_owned();
        Some(Self { events, n_matching: number("matching")?, n_kept: number("kept")?, since })
    }
}
