//! A clock that a module reads instead of the real one.
//!
//! The module is the same but for one function: where it imports WASI's clock, it gets one that calls its host, with four
//! empty texts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use walrus::Module;

/// A clock that admission reads. Copies are the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Mutex<Reading>>);

#[derive(Clone, Copy, Debug)]
enum Reading {
    /// So many seconds apart from the real time.
    Apart(i64),
    /// It stops at that many seconds after 1970.
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

    /// It stops at that second after 1970.
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

    /// What the module gets for its call: nanoseconds since 1970, as WASI has them.
    pub(super) fn answer(&self) -> Vec<u8> {
        u64::try_from(self.now().as_nanos()).unwrap_or(u64::MAX).to_le_bytes().into()
    }
}

/// The module with its clock read from the host.
pub(super) fn read_from_host(module: &[u8]) -> Result<Vec<u8>> {
    let mut module = Module::from_buffer(module)?;
    let [clock, call, response] =
        [("wasi_snapshot_preview1", "clock_time_get"), ("wapc", "__host_call"), ("wapc", "__host_response")]
            .map(|(from, name)| module.imports.get_func(from, name));
    let (clock, call, response) = (clock?, call?, response?);
    module.replace_imported_func(clock, |(body, arguments)| {
        for _ in 0..8 {
            body.i32_const(0);
        }
        body.call(call).drop();
        // Which clock, how precise, and where the time goes.
        if let [_, _, place] = arguments.as_slice() {
            body.local_get(*place).call(response);
        }
        body.i32_const(0);
    })?;
    Ok(module.emit_wasm())
}
