//! Evertill.
fn main() {}
