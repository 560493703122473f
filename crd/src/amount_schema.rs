//! The schema of an amount. Apart from `amount`, whose sentence the rules of `schema` say.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Amount, schema};

/// An integer or a string, as Kubernetes writes it.
impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "minimum": 1, "maximum": i32::MAX, "maxLength": 32, "pattern": schema::AMOUNT,
            "x-kubernetes-validations": schema::of_amount(),
        })
    }
}
