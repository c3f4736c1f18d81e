//! Attributes by their types. A value that is not known is an attribute that is not there.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};

/// An attribute that is text.
pub(in crate::otlp) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

/// The attributes of a record in the making.
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    /// None yet, with room for so many.
    pub(super) fn with_room_for(n: usize) -> Self {
        Self(Vec::with_capacity(n))
    }

    pub(super) fn text(&mut self, key: &str, value: impl Into<String>) {
        self.0.push(text(key, value));
    }

    pub(super) fn text_if_known(&mut self, key: &str, value: Option<impl Into<String>>) {
        self.0.extend(value.map(|value| text(key, value)));
    }

    /// Each a text of its own.
    pub(super) fn texts(&mut self, key: &str, values: impl Iterator<Item = String>) {
        let values = values.map(|value| AnyValue { value: Some(Value::StringValue(value)) }).collect();
        self.0.push(attribute(key, Value::ArrayValue(ArrayValue { values })));
    }

    pub(super) fn int(&mut self, key: &str, value: impl Into<i64>) {
        self.0.push(attribute(key, Value::IntValue(value.into())));
    }

    pub(super) fn int_if_known(&mut self, key: &str, value: Option<impl Into<i64>>) {
        if let Some(value) = value {
            self.int(key, value);
        }
    }

    /// A number of bytes. The protocol has no larger numbers than 2^63-1, and no machine has more memory.
    pub(super) fn bytes(&mut self, key: &str, value: u64) {
        self.int(key, i64::try_from(value).unwrap_or(i64::MAX));
    }

    pub(super) fn bool(&mut self, key: &str, value: bool) {
        self.0.push(attribute(key, Value::BoolValue(value)));
    }

    pub(super) fn seconds(&mut self, key: &str, value: Duration) {
        self.0.push(attribute(key, Value::DoubleValue(value.as_secs_f64())));
    }

    /// All of them, in the order in which they came.
    pub(super) fn list(self) -> Vec<KeyValue> {
        self.0
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
