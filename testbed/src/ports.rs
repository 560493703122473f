//! Ports on 127.0.0.1 that stay ours.
//!
//! Binding port 0 and letting go of it again leaves the port to anybody; and servers here must come back on the same
//! port after a stop. So ports come from below the range from which the kernel serves outgoing connections, each under
//! a file lock that every process using this crate respects. Nothing here listens.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A port on 127.0.0.1, reserved until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Reserves a port that nobody listens on.
    pub fn reserve() -> Result<Self> {
        let folder = std::env::temp_dir().join("hpa-override-testbed-ports");
        std::fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
        let offset = u16::try_from(random() % u64::from(COUNT))?;
        for step in 0..COUNT {
            let number = FIRST + (offset + step) % COUNT;
            if let Some(port) = Self::try_reserve(&folder.join(number.to_string()), number)? {
                return Ok(port);
            }
        }
        bail!("failed to find a free port from {FIRST} to {}: all are in use", FIRST + COUNT - 1)
    }

    fn try_reserve(file: &Path, number: u16) -> Result<Option<Self>> {
        let lock = File::create(file).with_context(|| format!("failed to open {}", file.display()))?;
        let free = lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok();
        Ok(free.then_some(Self { number, _lock: lock }))
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// A number that another process does not guess or repeat.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
