//! A host that answers from a file, as `kwctl run --replay-host-capabilities-interactions` does: exchanges in their order,
//! and an error where the policy asks anything else.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hpa_override_testbed::{HostAnswer, HostCalls};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is left to be replayed.
pub struct Session(Mutex<VecDeque<Exchange>>);

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Exchange {
    Exchange { request: String, response: Response },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type")]
enum Response {
    Success { payload: String },
    Error { message: String },
}

impl Session {
    pub fn parse(text: &str) -> Self {
        Self(Mutex::new(serde_saphyr::from_str(text).unwrap()))
    }

    /// Whether all of it has been replayed.
    pub fn is_over(&self) -> bool {
        self.exchanges().is_empty()
    }

    fn exchanges(&self) -> MutexGuard<'_, VecDeque<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostCalls for Session {
    fn call(&self, binding: &str, namespace: &str, operation: &str, payload: &[u8]) -> HostAnswer {
        assert_eq!((binding, namespace, operation), ("kubewarden", "kubernetes", "can_i"));
        let Some(Exchange::Exchange { request, response }) = self.exchanges().pop_front() else {
            return Err("the list of recorded responses is empty".into());
        };
        assert_eq!(recorded(&request), asked(payload), "not the recorded question");
        match response {
            Response::Success { payload } => Ok(payload.into_bytes()),
            Response::Error { message } => Err(message.into()),
        }
    }
}

fn recorded(request: &str) -> Value {
    let fields = request.strip_prefix("!KubernetesCanI\n").unwrap();
    without_nulls(serde_saphyr::from_str(fields).unwrap())
}

/// The host reads the question into the type that it writes recordings of.
fn asked(payload: &[u8]) -> Value {
    let asked: Value = serde_json::from_slice(payload).unwrap();
    let review = asked["subject_access_review"].clone();
    without_nulls(json!({"request": review, "disable_cache": asked["disable_cache"]}))
}

fn without_nulls(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    map.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, without_nulls(value))).collect()
}
