//! What is asked, as a line of JSON.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::recent::{Query, Whom};

/// Writes a request, without the line's end.
pub(super) fn write(query: &Query) -> String {
    let mut object = Map::new();
    object.insert("whom".to_owned(), query.whom.to_string().into());
    if let Some(within) = query.within {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        object.insert("within_ms".to_owned(), within_ms.into());
    }
    object.insert("limit".to_owned(), query.limit.into());
    Value::Object(object).to_string()
}

/// Reads a request. What is not understood is refused and not passed over: an answer to another question would mislead.
pub(super) fn read(line: &[u8]) -> Result<Query, String> {
    let object: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| format!("the request is no JSON object: {error}"))?;
    let mut query = Query { whom: Whom::Anybody, within: None, limit: usize::MAX };
    for (key, value) in &object {
        match (key.as_str(), value.as_str(), value.as_u64()) {
            ("whom", Some(whom), _) => query.whom = whom.parse()?,
            ("within_ms", _, Some(within)) => query.within = Some(Duration::from_millis(within)),
            ("limit", _, Some(limit)) => query.limit = usize::try_from(limit).unwrap_or(usize::MAX),
            _ => return Err(not_understood(key)),
        }
    }
    Ok(query)
}

fn not_understood(key: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let key: String = key.chars().take(40).collect();
    format!(
        "the exporter that runs, version {version}, does not understand {key:?} of the request; restart it after an update"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_without_fields_asks_for_everything() {
        let everything = Query { whom: Whom::Anybody, within: None, limit: usize::MAX };
        assert_eq!(read(b"{}"), Ok(everything));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_name() {
        let rows = [
            ("", "no JSON object"),
            ("[]", "no JSON object"),
            ("{} {}", "no JSON object"),
            (r#"{"pid":1}"#, "\"pid\""),
            (r#"{"whom":1}"#, "\"whom\""),
            (r#"{"whom":"pid:x"}"#, "\"x\" is no pid"),
            (r#"{"within_ms":-1}"#, "\"within_ms\""),
            (r#"{"limit":1.5}"#, "\"limit\""),
        ];
        for (line, part) in rows {
            let error = read(line.as_bytes()).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(whom in "(pid:[0-9]{1,9}|(name:|container:|)(.|\\n){1,40})", within: Option<u64>, limit: usize) {
            if let Ok(whom) = whom.parse() {
                let query = Query { whom, within: within.map(Duration::from_millis), limit };
                let line = write(&query);
                prop_assert!(!line.contains('\n'));
                prop_assert_eq!(read(line.as_bytes()), Ok(query));
            }
        }

        #[test]
        fn no_bytes_are_too_strange_to_be_read(bytes: Vec<u8>, object in r#"\{"(whom|limit|within_ms)":("?.{0,9}"?|[-0-9.eE]{0,30})\}"#) {
            if let Err(error) = read(&bytes).and(read(object.as_bytes())) {
                prop_assert!(error.len() < 1000);
            }
        }
    }
}
