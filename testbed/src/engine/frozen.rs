//! A policy module whose clock is the caller's: the same bytes on the same engine, with the imports made here.
//!
//! The module reads this clock by the very call by which it reads the real one in a cluster. Everything else is as with
//! policy-server's provider, a fresh instance and memory for every call; there is no limit of time.

mod wapc;
mod wasi;

use std::sync::Arc;

use wasmtime_provider::wasmtime::{
    Caller, Config, Engine, Error, Extern, InstancePre, Linker, Memory, Module, OptLevel, Result, Store,
};

use super::{CallError, Clock, HostCalls};

/// A module with such a clock.
pub(super) struct Frozen {
    engine: Engine,
    instance: InstancePre<Call>,
    clock: Clock,
}

/// What one call of the module needs and leaves behind.
struct Call {
    clock: Clock,
    host_calls: Arc<dyn HostCalls>,
    operation: Vec<u8>,
    payload: Vec<u8>,
    answer: Vec<u8>,
    error: Vec<u8>,
    /// What the last call of the host came to.
    host_answer: Result<Vec<u8>, String>,
}

impl Frozen {
    /// Compiled fast rather than well: it is asked hardly more often than it is compiled.
    pub(super) fn new(bytes: &[u8], clock: Clock) -> Result<Self> {
        let engine = Engine::new(Config::new().cranelift_opt_level(OptLevel::None))?;
        let mut linker = Linker::new(&engine);
        wapc::link(&mut linker)?;
        wasi::link(&mut linker)?;
        let instance = linker.instantiate_pre(&Module::new(&engine, bytes)?)?;
        Ok(Self { engine, instance, clock })
    }

    pub(super) fn call(
        &self,
        host_calls: Arc<dyn HostCalls>,
        operation: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let lengths = (length(operation.as_bytes()), length(payload));
        let call = Call {
            clock: self.clock.clone(),
            host_calls,
            operation: operation.into(),
            payload: payload.into(),
            answer: Vec::new(),
            error: Vec::new(),
            host_answer: Ok(Vec::new()),
        };
        let mut store = Store::new(&self.engine, call);
        let init = |error: Error| CallError::Init(error.to_string());
        let instance = self.instance.instantiate(&mut store).map_err(init)?;
        for start in ["_start", "_initialize", "wapc_init"] {
            if let Ok(start) = instance.get_typed_func::<(), ()>(&mut store, start) {
                start.call(&mut store, ()).map_err(init)?;
            }
        }
        let guest_call = instance.get_typed_func::<(i32, i32), i32>(&mut store, "__guest_call").map_err(init)?;
        let done = guest_call.call(&mut store, lengths).map_err(|error| CallError::Guest(error.to_string()))?;
        let call = store.into_data();
        if done == 1 { Ok(call.answer) } else { Err(CallError::Guest(String::from_utf8_lossy(&call.error).into())) }
    }
}

/// The guest's memory.
fn memory(caller: &mut Caller<'_, Call>) -> Result<Memory> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    memory.ok_or_else(|| Error::msg("the guest exports no memory"))
}

/// Bytes of the guest.
fn read(caller: &mut Caller<'_, Call>, at: i32, length: i32) -> Result<Vec<u8>> {
    let memory = memory(caller)?;
    let bytes = memory.data(&caller).get(address(at)..).and_then(|rest| rest.get(..address(length)));
    bytes.map(<[u8]>::to_vec).ok_or_else(|| Error::msg("the guest points outside its memory"))
}

/// Bytes for the guest.
fn write(caller: &mut Caller<'_, Call>, at: i32, bytes: &[u8]) -> Result<()> {
    Ok(memory(caller)?.write(caller, address(at), bytes)?)
}

/// Addresses and lengths of the guest are unsigned.
fn address(number: i32) -> usize {
    number.cast_unsigned() as usize
}

/// What no guest has memory for is as good as the longest length.
fn length(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}
