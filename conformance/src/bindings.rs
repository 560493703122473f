//! The bindings of the core: each is asked as its hosts ask it, and gives its answer as text that can be compared with
//! native's byte for byte.
//!
//! ```text
//!               ┌─ component:  wit/override.wit on wasmtime   ┐
//!   function ──►├─ jco:        the same, translated for Node  ├─► the answer, or the error
//!   argument    ├─ javascript: the npm package on Node        ┘
//!               ├─ plugin:     files in, JSON out ──► the report of a review, a timeline
//!               └─ wapc:       the admission module on a clock of the caller's ──► what it decides of a write
//! ```
//! Keys are sorted, as native writes them. The npm package gives JSON text, so its own order of keys counts; component
//! and jco give records, which have no order, and the texts within them are compared as JSON.

mod component;
mod expressible;
mod node;
mod plugin;
mod wapc;

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{Outcome, Question, text};

pub use self::component::Component;
pub use self::node::Node;
pub use self::plugin::Plugin;
pub use self::wapc::Wapc;

/// A binding under test.
pub trait Binding {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// What it has to answer where native's outcome is this. None where it cannot be asked: its types rule the question
    /// out, or its host asks no such thing.
    fn expected(&self, question: &Question, native: &Outcome) -> Option<String>;

    /// What it answers; to be asked only what something is expected of.
    fn answer(&self, question: &Question) -> Result<String>;
}

/// The answer, or in its place why the binding gave none.
#[must_use]
pub fn answered(binding: &dyn Binding, question: &Question) -> String {
    binding.answer(question).unwrap_or_else(|error| format!("{BROKEN}{error:#}"))
}

/// What [`answered`] begins with where the binding broke: it may answer nothing more.
pub const BROKEN: &str = "broken: ";

/// What a binding has to answer whose types may rule a question out: native's answer.
fn as_native(typed: bool, question: &Question, native: &Outcome) -> Option<String> {
    let asked = native.is_ok() || !typed || expressible::expressible(&question.function, &question.argument);
    asked.then(|| text(native))
}

/// Which bindings there are.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Bindings {
    /// The admission module.
    #[arg(long, value_name = "FILE")]
    pub module: Option<PathBuf>,
    /// The component.
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// The folder with the component as jco translates it. Needs Node.
    #[arg(long, value_name = "DIR")]
    pub jco: Option<PathBuf>,
    /// The folder with the npm package. Needs Node.
    #[arg(long, value_name = "DIR")]
    pub javascript: Option<PathBuf>,
    /// The kubectl plugin.
    #[arg(long, value_name = "FILE")]
    pub plugin: Option<PathBuf>,
}

impl Bindings {
    /// Starts those that are named.
    pub fn start(&self) -> Result<Vec<Box<dyn Binding>>> {
        let mut bindings: Vec<Box<dyn Binding>> = Vec::new();
        if let Some(file) = &self.component {
            bindings.push(Box::new(Component::load(file).context("component")?));
        }
        if let Some(folder) = &self.jco {
            bindings.push(Box::new(Node::jco(folder).context("jco")?));
        }
        if let Some(folder) = &self.javascript {
            bindings.push(Box::new(Node::javascript(folder).context("javascript")?));
        }
        if let Some(file) = &self.plugin {
            bindings.push(Box::new(Plugin::new(file).context("plugin")?));
        }
        if let Some(file) = &self.module {
            bindings.push(Box::new(Wapc::load(file).context("wapc")?));
        }
        Ok(bindings)
    }
}
