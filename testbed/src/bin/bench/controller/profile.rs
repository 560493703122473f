//! Where the controller's time goes: `perf record` beside a phase, where it is asked for.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hpa_override_testbed::{Child, Signal, say};

/// For perf to write down what it has seen.
const LIMIT: Duration = Duration::from_mins(1);

/// A phase that is being recorded, or none.
pub(crate) struct Profile(Option<Child>);

impl Profile {
    /// Begins to record that process into `folder`, where there is one, in a file named after the phase.
    pub(crate) fn start(folder: Option<&Path>, phase: &str, process: u32) -> Result<Self> {
        let Some(folder) = folder else { return Ok(Self(None)) };
        std::fs::create_dir_all(folder).context("failed to make the folder of the profiles")?;
        let file = folder.join(phase.replace(' ', "-")).with_extension("perf");
        let mut perf = Command::new("perf");
        perf.args(["record", "--quiet", "--freq=997", "--call-graph=fp", "--output"]).arg(&file);
        perf.args(["--pid", &process.to_string()]);
        say(&format!("bench: profile {}", file.display()));
        Ok(Self(Some(Child::spawn(perf, &folder.join("perf.log"))?)))
    }

    /// Ends the recording.
    pub(crate) fn finish(self) -> Result<()> {
        let Some(mut perf) = self.0 else { return Ok(()) };
        perf.signal(Signal::SIGINT)?;
        perf.wait(LIMIT).map(drop)
    }
}
