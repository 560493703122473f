//! The settings of the platform team, and the file that they come from: it is read again while the process runs, so that an
//! edit of it takes effect. One that is not valid changes nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use hpa_override_core::Settings;
use serde_json::Value;
use tokio::{sync::watch, time::sleep};

use crate::{
    events::{Events, PendingEvent},
    leadership::Leadership,
    metrics::Metrics,
    queues::Queues,
    state::State,
};

/// How often the file is read: the kubelet writes a changed `ConfigMap` within about a minute.
const READ_EVERY: Duration = Duration::from_secs(5);

/// The settings in force. Cheap to clone; clones are the same.
#[derive(Clone, Debug)]
pub struct CurrentSettings(watch::Sender<Arc<Settings>>);

impl CurrentSettings {
    /// These, until there are others.
    pub fn new(settings: Settings) -> Self {
        Self(watch::Sender::new(Arc::new(settings)))
    }

    /// Those in force now: a decision uses one reading.
    pub fn now(&self) -> Arc<Settings> {
        self.0.borrow().clone()
    }

    /// For those who wait for the next ones.
    pub fn changes(&self) -> watch::Receiver<Arc<Settings>> {
        self.0.subscribe()
    }

    fn set(&self, settings: Settings) {
        self.0.send_replace(Arc::new(settings));
    }
}

/// A file with settings, and what was last read of it.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    /// What was last taken of it: its text, or why it cannot be read.
    last: Said,
    /// What was last found, where that is something else: half a file may be one that is valid.
    found: Option<Said>,
}

type Said = Result<String, String>;

impl SettingsFile {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, is not YAML, or is not valid; the error lists every mistake.
    pub fn open(path: &Path) -> anyhow::Result<(Self, Settings)> {
        let text = read(path)?;
        let settings = parse(path, &text)?;
        Ok((Self { path: path.into(), last: Ok(text), found: None }, settings))
    }

    /// The settings, or what is wrong with them, where the file says something else than before, twice in a row: it may be
    /// being written.
    fn changed(&mut self) -> Option<anyhow::Result<Settings>> {
        let found = read(&self.path);
        let said = found.as_ref().map(Clone::clone).map_err(|error| format!("{error:#}"));
        let before = self.found.take();
        if said == self.last {
            return None;
        }
        if before.as_ref() != Some(&said) {
            self.found = Some(said);
            return None;
        }
        self.last = said;
        Some(found.and_then(|text| parse(&self.path, &text)))
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("failed to read the settings {}", path.display()))
}

fn parse(path: &Path, text: &str) -> anyhow::Result<Settings> {
    let document: Value = serde_saphyr::from_str(text)
        .with_context(|| format!("failed to read the settings {} as YAML", path.display()))?;
    match Settings::parse(&document) {
        Ok(settings) => Ok(settings),
        Err(errors) => bail!("the settings {} are not valid: {}", path.display(), errors.join("; ")),
    }
}

/// What a reload needs.
pub struct Reload {
    pub file: SettingsFile,
    pub settings: CurrentSettings,
    pub state: Arc<State>,
    pub queues: Queues,
    pub events: Events,
    pub metrics: Metrics,
    pub leadership: Leadership,
    /// Where this process runs, for its events.
    pub namespace: String,
}

impl Reload {
    /// Takes what the file says from now on, for as long as the process runs. After a change everything is planned anew.
    pub async fn run(mut self) {
        loop {
            sleep(READ_EVERY).await;
            if let Some(found) = self.file.changed() {
                self.take(found);
            }
        }
    }

    fn take(&self, found: anyhow::Result<Settings>) {
        self.metrics.note_settings(found.is_ok());
        let (reason, note) = match found {
            Ok(settings) if settings == *self.settings.now() => return,
            Ok(settings) => {
                self.settings.set(settings);
                self.queues.notify(self.state.replan());
                tracing::info!("the settings have changed: everything is planned anew");
                ("SettingsChanged", "the settings have changed: everything is planned anew".to_owned())
            }
            Err(error) => {
                let note = format!("{error:#}; those from before stay in force");
                tracing::error!("{note}");
                ("SettingsInvalid", note)
            }
        };
        if self.leadership.leads() {
            let is_warning = reason == "SettingsInvalid";
            self.events.publish(PendingEvent::about_this_pod(&self.namespace, reason, note, is_warning));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_when_it_says_something_else() {
        let folder = std::env::temp_dir().join(format!("hpa-override-settings-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("settings.yaml");
        let write = |text: &str| fs::write(&path, text).unwrap();
        write("replicaCeiling: 5\n");
        let (mut file, settings) = SettingsFile::open(&path).unwrap();
        assert_eq!(settings.limits.replica_ceiling, Some(5));
        assert!(file.changed().is_none());
        write("");
        assert!(file.changed().is_none(), "it may be being written");
        write("replicaCeiling: many\n");
        assert!(file.changed().is_none(), "it says something else again");
        let error = file.changed().unwrap().unwrap_err().to_string();
        assert!(error.starts_with("the settings ") && error.contains("are not valid: replicaCeiling: "), "{error}");
        assert!(file.changed().is_none(), "it is said once");
        fs::remove_file(&path).unwrap();
        assert!(file.changed().is_none());
        assert!(format!("{:#}", file.changed().unwrap().unwrap_err()).starts_with("failed to read the settings"));
        write("replicaCeiling: 6\n");
        assert!(file.changed().is_none());
        assert_eq!(file.changed().unwrap().unwrap().limits.replica_ceiling, Some(6));
        fs::remove_dir_all(&folder).unwrap();
    }
}
