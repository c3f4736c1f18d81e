//! Empty on purpose: a library target lets other crates name this one in their `Cargo.toml`.

#![no_std]
