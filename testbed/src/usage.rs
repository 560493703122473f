//! What a process has used, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

/// The processor time that a process has used since its start, in user space and in the kernel, by all its threads.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(process)?));
    let time = clock.and_then(ClockId::now).context("failed to read the processor time of the controller")?;
    Ok(time.into())
}

/// The memory that a process has resident, in millions of bytes.
pub fn memory(process: u32) -> Result<f64> {
    memory_by(process, "VmRSS:")
}

/// The most memory that a process has had resident, in millions of bytes.
pub fn highest_memory(process: u32) -> Result<f64> {
    memory_by(process, "VmHWM:")
}

fn memory_by(process: u32, key: &str) -> Result<f64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let line = line.with_context(|| format!("process {process} has ended"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}
