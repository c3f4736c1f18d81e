//! Rules of the code base that no compiler checks, and documents that must agree with the code. A rule that has become
//! wrong is changed here, in the same commit as what it stood in the way of.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod completions;
mod documents;
mod judges;
mod layers;
mod man;
mod manifests;
mod repo;
mod sources;
