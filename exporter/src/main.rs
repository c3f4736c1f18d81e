//! The killsnoop exporter.

fn main() {}
