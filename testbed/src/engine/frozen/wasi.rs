//! The imports of WASI that a policy may have: the clock, an empty environment, bytes that are not random, output that
//! nobody reads.

use wasmtime_provider::wasmtime::{Caller, Error, Linker, Result};

use super::{Call, address, read, write};

const MODULE: &str = "wasi_snapshot_preview1";
/// WASI's "no error".
const SUCCESS: i32 = 0;

pub(super) fn link(linker: &mut Linker<Call>) -> Result<()> {
    linker.func_wrap(MODULE, "clock_time_get", |mut caller: Caller<'_, Call>, _: i32, _: i64, at: i32| {
        let nanoseconds = u64::try_from(caller.data().clock.now().as_nanos()).unwrap_or(u64::MAX);
        write(&mut caller, at, &nanoseconds.to_le_bytes()).map(|()| SUCCESS)
    })?;
    linker.func_wrap(MODULE, "random_get", |mut caller: Caller<'_, Call>, at: i32, length: i32| {
        write(&mut caller, at, &vec![7; address(length)]).map(|()| SUCCESS)
    })?;
    linker.func_wrap(MODULE, "environ_sizes_get", |mut caller: Caller<'_, Call>, count: i32, size: i32| {
        write(&mut caller, count, &[0; 4])?;
        write(&mut caller, size, &[0; 4]).map(|()| SUCCESS)
    })?;
    linker.func_wrap(MODULE, "environ_get", |_: Caller<'_, Call>, _: i32, _: i32| SUCCESS)?;
    linker.func_wrap(MODULE, "fd_write", fd_write)?;
    linker.func_wrap(MODULE, "proc_exit", |_: Caller<'_, Call>, status: i32| -> Result<()> {
        Err(Error::msg(format!("the guest exited with {status}")))
    })?;
    Ok(())
}

/// Says that everything was written: a list of addresses and lengths, four bytes each.
fn fd_write(mut caller: Caller<'_, Call>, _: i32, list: i32, count: i32, written: i32) -> Result<i32> {
    let list = read(&mut caller, list, count.saturating_mul(8))?;
    let lengths = list.chunks_exact(8).filter_map(|entry| entry.last_chunk::<4>());
    let total = lengths.map(|bytes| u32::from_le_bytes(*bytes)).fold(0, u32::saturating_add);
    write(&mut caller, written, &total.to_le_bytes()).map(|()| SUCCESS)
}
