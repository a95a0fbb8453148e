//! Evertill.
