//! Evertill's tool for IT.
fn main() {}
