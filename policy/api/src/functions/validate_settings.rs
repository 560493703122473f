//! `validateSettings`: what is wrong with these settings?

use hpa_override_core::Settings;
use serde_json::{Value, json};

use crate::{argument::only_key, error::Error};

pub(crate) const NAME: &str = "validateSettings";

pub(crate) fn answer(argument: &Value) -> Result<Value, Error> {
    let errors = Settings::parse(only_key(argument, "settings")?).err().unwrap_or_default();
    Ok(json!({ "errors": errors }))
}
