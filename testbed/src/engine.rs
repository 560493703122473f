//! Runs a Kubewarden policy module as policy-server does: waPC on wasmtime, compiled once, a fresh instance and memory
//! for every call, cut off after two seconds.
//!
//! It knows operations and bytes. Their meaning is in `review`; what a policy may ask of its host is behind
//! [`HostCalls`].

mod call_error;
mod clock;
mod frozen;
mod ticker;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;
use wapc::WapcHost;
use wasmtime_provider::wasmtime::{Config, Engine, Error, Module as Compiled};
use wasmtime_provider::{EpochDeadlines, WasmtimeEngineProviderBuilder, WasmtimeEngineProviderPre};

pub use self::call_error::CallError;
pub use self::clock::Clock;
use self::frozen::Frozen;

/// What policy-server allows a call by default.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(2);

/// What a host function answers; the guest gets an error as text.
pub type HostAnswer = Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;

/// The host functions that a policy may call (waPC binding, namespace, operation, payload).
pub trait HostCalls: Send + Sync {
    /// Answers one call.
    fn call(&self, binding: &str, namespace: &str, operation: &str, payload: &[u8]) -> HostAnswer;
}

/// A host that offers nothing: every call is answered with an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHostCalls;

impl HostCalls for NoHostCalls {
    fn call(&self, binding: &str, namespace: &str, operation: &str, _: &[u8]) -> HostAnswer {
        Err(format!("unsupported host call: {binding} {namespace}/{operation}").into())
    }
}

/// A compiled policy module. Clones share the compiled code.
#[derive(Clone)]
pub struct Module {
    compiled: Compilation,
    host_calls: Arc<dyn HostCalls>,
}

#[derive(Clone)]
enum Compilation {
    /// As policy-server runs it.
    Real(Arc<WasmtimeEngineProviderPre>),
    /// With a clock of the caller's.
    Frozen(Arc<Frozen>),
}

impl Module {
    /// Compiles the module in that file.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("failed to read the module {}", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("failed to load {}", path.display()))
    }

    /// Compiles a module.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let engine = Engine::new(Config::new().epoch_interruption(true)).map_err(|error| plain(&error));
        let engine = engine.context("failed to set up wasmtime")?;
        let compiled = Compiled::new(&engine, bytes).map_err(|error| plain(&error));
        let compiled = compiled.context("failed to compile the module")?;
        ticker::start(engine.weak())?;
        let compiled = WasmtimeEngineProviderBuilder::new().engine(engine).module(compiled).build_pre();
        let compiled = compiled.context("failed to link the module")?;
        Ok(Self { compiled: Compilation::Real(Arc::new(compiled)), host_calls: Arc::new(NoHostCalls) })
    }

    /// Compiles the module in that file such that it reads `clock`, without a limit of time.
    pub fn load_with_clock(path: &Path, clock: Clock) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("failed to read the module {}", path.display()))?;
        let frozen = Frozen::new(&bytes, clock).map_err(|error| plain(&error));
        let frozen = frozen.with_context(|| format!("failed to load {}", path.display()))?;
        Ok(Self { compiled: Compilation::Frozen(Arc::new(frozen)), host_calls: Arc::new(NoHostCalls) })
    }

    /// The same module with other host functions.
    #[must_use]
    pub fn with_host_calls(self, host_calls: Arc<dyn HostCalls>) -> Self {
        Self { host_calls, ..self }
    }

    /// Calls `operation` on a fresh instance.
    pub fn call_raw(&self, operation: &str, payload: &[u8]) -> Result<Vec<u8>, CallError> {
        let host_calls = Arc::clone(&self.host_calls);
        let compiled = match &self.compiled {
            Compilation::Real(compiled) => compiled,
            Compilation::Frozen(frozen) => return frozen.call(host_calls, operation, payload),
        };
        let deadline = ticker::ticks(TIME_LIMIT);
        let deadlines = EpochDeadlines { wapc_init: deadline, wapc_func: deadline };
        let instance = compiled.rehydrate(Some(deadlines)).map_err(|error| CallError::init(&error))?;
        let callback = move |_, binding: &str, namespace: &str, operation: &str, payload: &[u8]| {
            host_calls.call(binding, namespace, operation, payload)
        };
        let host = WapcHost::new(Box::new(instance), Some(Box::new(callback)));
        let host = host.map_err(|error| CallError::init(&error))?;
        host.call(operation, payload).map_err(|error| CallError::guest(&error))
    }

    /// The guest's answer to `validate`; `payload` is `{"request": …, "settings": …}`.
    pub fn validate(&self, payload: &Value) -> Result<Value> {
        let answer = self.call_raw("validate", payload.to_string().as_bytes())?;
        serde_json::from_slice(&answer).context("failed to read what the policy answered to `validate`")
    }

    /// An error with the guest's message, where it finds these settings invalid.
    pub(crate) fn ensure_settings(&self, settings: &Value) -> Result<()> {
        let answer = self.call_raw("validate_settings", settings.to_string().as_bytes())?;
        let answer: Value = serde_json::from_slice(&answer).context("failed to read the policy's answer")?;
        let message = answer.get("message").and_then(Value::as_str).unwrap_or("no message");
        ensure!(answer.get("valid") == Some(&Value::Bool(true)), "Policy settings are invalid: {message}");
        Ok(())
    }
}

/// wasmtime's error type is its own.
fn plain(error: &Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

impl fmt::Debug for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Module").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::guests;

    fn answer(guest: &[u8], host_calls: Arc<dyn HostCalls>) -> String {
        let module = Module::from_bytes(guest).unwrap().with_host_calls(host_calls);
        String::from_utf8(module.call_raw("validate", b"").unwrap()).unwrap()
    }

    struct Allowed;

    impl HostCalls for Allowed {
        fn call(&self, _: &str, _: &str, operation: &str, _: &[u8]) -> HostAnswer {
            Ok(format!("{operation}: yes").into_bytes())
        }
    }

    #[test]
    fn a_call_of_the_host_is_answered_or_an_error_for_the_guest_to_handle() {
        assert_eq!(answer(&guests::calling_its_host(), Arc::new(Allowed)), "can_i: yes");
        let error = answer(&guests::calling_its_host(), Arc::new(NoHostCalls));
        assert!(error.ends_with("unsupported host call: kubewarden kubernetes/can_i"), "{error}");
    }

    #[test]
    fn every_call_finds_fresh_memory_also_beside_others() {
        let module = Module::from_bytes(&guests::counting()).unwrap();
        let echo = Module::from_bytes(&guests::echoing()).unwrap();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let (module, echo) = (&module, &echo);
                scope.spawn(move || {
                    for _ in 0..20 {
                        assert_eq!(module.call_raw("validate", b"").unwrap(), b"1");
                        assert_eq!(echo.validate(&json!(number)).unwrap(), json!(number));
                    }
                });
            }
        });
    }
}
