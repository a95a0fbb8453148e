//! Growth.
use super::cores::Cores;
use crate::store_rig::RigError;
use clap::Args;
use serde_json::Value;
/// Options.
#[derive(Clone, Debug, Args)]
pub struct GrowthOptions {}
/// Runs it.
/// # Errors
/// None.
pub async fn run(_o: &GrowthOptions, _c: Cores) -> Result<Value, RigError> { Ok(Value::Null) }
