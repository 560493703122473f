//! A policy module whose clock is the caller's: the same bytes on an interpreter, with WASI's few imports made here.
//!
//! The module reads this clock by the very call by which it reads the real one in a cluster. Everything else is as on
//! policy-server's engine, a fresh instance and memory for every call; there is no limit of time.

mod wapc;
mod wasi;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmi::{Caller, Engine, Error, Extern, Linker, Memory, Module, Store};

use crate::engine::{CallError, HostCalls};

/// A clock that admission reads. Copies are the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Mutex<Reading>>);

#[derive(Clone, Copy, Debug)]
enum Reading {
    /// So many seconds apart from the real time.
    Apart(i64),
    /// It stands still, seconds after 1970.
    Frozen(i64),
}

impl Default for Reading {
    fn default() -> Self {
        Self::Apart(0)
    }
}

impl Clock {
    /// It runs, so many seconds ahead of the real time (behind it, where negative).
    pub fn run(&self, ahead: i64) {
        self.set(Reading::Apart(ahead));
    }

    /// It stands still at that second after 1970.
    pub fn freeze(&self, at: i64) {
        self.set(Reading::Frozen(at));
    }

    fn set(&self, reading: Reading) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }

    /// The time since 1970.
    fn now(&self) -> Duration {
        let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Reading::Frozen(at) => seconds(at.max(0)),
            Reading::Apart(ahead) => {
                let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                if ahead < 0 { real.saturating_sub(seconds(ahead)) } else { real + seconds(ahead) }
            }
        }
    }
}

/// A module with such a clock.
#[derive(Debug)]
pub(crate) struct Frozen {
    engine: Engine,
    module: Module,
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
    pub(crate) fn new(bytes: &[u8], clock: Clock) -> Result<Self, Error> {
        let engine = Engine::default();
        Ok(Self { module: Module::new(&engine, bytes)?, engine, clock })
    }

    pub(crate) fn call(
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
        let instance = self.linker().and_then(|linker| linker.instantiate_and_start(&mut store, &self.module));
        let instance = instance.map_err(init)?;
        for start in ["_start", "_initialize", "wapc_init"] {
            if let Ok(start) = instance.get_typed_func::<(), ()>(&store, start) {
                start.call(&mut store, ()).map_err(init)?;
            }
        }
        let guest_call = instance.get_typed_func::<(i32, i32), i32>(&store, "__guest_call").map_err(init)?;
        let done = guest_call.call(&mut store, lengths).map_err(|error| CallError::Guest(error.to_string()))?;
        let call = store.into_data();
        if done == 1 { Ok(call.answer) } else { Err(CallError::Guest(String::from_utf8_lossy(&call.error).into())) }
    }

    fn linker(&self) -> Result<Linker<Call>, Error> {
        let mut linker = Linker::new(&self.engine);
        wapc::link(&mut linker)?;
        wasi::link(&mut linker)?;
        Ok(linker)
    }
}

/// The guest's memory.
fn memory(caller: &Caller<'_, Call>) -> Result<Memory, Error> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    memory.ok_or_else(|| Error::new("the guest exports no memory"))
}

/// Bytes of the guest.
fn read(caller: &Caller<'_, Call>, at: i32, length: i32) -> Result<Vec<u8>, Error> {
    let bytes = memory(caller)?.data(caller).get(address(at)..).and_then(|rest| rest.get(..address(length)));
    bytes.map(<[u8]>::to_vec).ok_or_else(|| Error::new("the guest points outside its memory"))
}

/// Bytes for the guest.
fn write(caller: &mut Caller<'_, Call>, at: i32, bytes: &[u8]) -> Result<(), Error> {
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
