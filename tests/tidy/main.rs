//! Rules of the code base that no compiler checks, and documents that must agree with the code.
