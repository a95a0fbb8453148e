//! Whole-system tests of Evertill: the rig that brings up a real shop, the simulators at the true boundary
//! (a wallet, a printer, a scanner), and the headless driver of the till's real window.

pub mod process;
pub mod simulator;
pub mod workspace;
