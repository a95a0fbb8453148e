//! Simulators at the true boundary: they speak the real protocols and formats, and misbehave on request.

pub mod printer;
pub mod scanner;
pub mod wechat;
