//! Simulators at the true boundary: they speak the real protocols and formats, and misbehave on request.

#[cfg(test)]
mod adapter_bills;
pub mod alipay;
pub mod pole;
pub mod printer;
pub mod scanner;
pub mod wallet;
pub mod wechat;
