//! Runs a Kubewarden policy module as policy-server does: waPC on wasmtime, compiled once, a fresh instance and memory
//! for every call, cut off after two seconds.
//!
//! It knows operations and bytes. Their meaning is in `review`; what a policy may ask of its host is behind
//! [`HostCalls`].

mod call_error;
mod clock;
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
    compiled: Arc<WasmtimeEngineProviderPre>,
    host_calls: Arc<dyn HostCalls>,
    clock: Option<Clock>,
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
        Ok(Self { compiled: Arc::new(compiled), host_calls: Arc::new(NoHostCalls), clock: None })
    }

    /// Compiles the module in that file such that it reads `clock`.
    pub fn load_with_clock(path: &Path, clock: Clock) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("failed to read the module {}", path.display()))?;
        let bytes = clock::read_from_host(&bytes).context("failed to give the module another clock")?;
        Ok(Self { clock: Some(clock), ..Self::from_bytes(&bytes)? })
    }

    /// The same module with other host functions.
    #[must_use]
    pub fn with_host_calls(self, host_calls: Arc<dyn HostCalls>) -> Self {
        Self { host_calls, ..self }
    }

    /// Calls `operation` on a fresh instance.
    pub fn call_raw(&self, operation: &str, payload: &[u8]) -> Result<Vec<u8>, CallError> {
        let deadline = ticker::ticks(TIME_LIMIT);
        let deadlines = EpochDeadlines { wapc_init: deadline, wapc_func: deadline };
        let instance = self.compiled.rehydrate(Some(deadlines)).map_err(|error| CallError::init(&error))?;
        let (host_calls, clock) = (Arc::clone(&self.host_calls), self.clock.clone());
        let callback = move |_, binding: &str, namespace: &str, operation: &str, payload: &[u8]| match &clock {
            Some(clock) if operation.is_empty() => Ok(clock.answer()),
            _ => host_calls.call(binding, namespace, operation, payload),
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
