//! The doors of the core, one beside the other: each is asked as its hosts ask it, and answers as the JSON door does, so
//! that answers can be compared byte for byte.
//!
//! An answer is compared as text with its keys sorted, as native writes it. Of the two doors that give JSON text that is
//! the text itself: the npm package must have its keys in native's order. The two doors that give records have no order
//! to compare; the texts within their records (objects, patches) are compared as JSON.
//!
//! ```text
//!               ┌─ native:     the JSON door itself
//!   function ──►├─ component:  wit/override.wit on wasmtime          ──► answer or error, as JSON
//!   argument    ├─ jco:        the same, translated for Node
//!               └─ javascript: the npm package on Node
//! ```
//! The admission module answers the host's requests instead: it is the fifth, [`Wapc`].

mod component;
pub mod decision;
mod node;
mod sayable;
mod wapc;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use hpa_override_core::json::call;
use serde_json::{Value, json};

pub use self::component::Component;
pub use self::node::Node;
pub use self::wapc::{Wapc, Write};

/// An answer, or why there is none: `path`, `code`, `message`.
pub type Outcome = Result<Value, Value>;

/// One of them.
pub trait Door {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Whether the types of that function rule out what the JSON door has to refuse: other types, other keys.
    fn is_typed(&self, function: &str) -> bool;

    /// Whether it can be asked at all what native answers so: its types may rule the question out.
    fn takes(&self, function: &str, argument: &Value, native: &Outcome) -> bool {
        native.is_ok() || !self.is_typed(function) || sayable::sayable(function, argument)
    }

    /// Asks a function of the JSON door. None where the door's types rule the question out: not of what it
    /// [takes](Self::takes).
    ///
    /// # Errors
    /// When the door is broken: it traps, it ends, it gives what it may not give.
    fn ask(&self, function: &str, argument: &Value) -> Result<Option<Outcome>>;
}

/// The JSON door itself.
#[derive(Clone, Copy, Debug)]
pub struct Native;

impl Native {
    /// The answer to which all others are compared.
    ///
    /// # Errors
    /// Why there is none.
    pub fn answer(function: &str, argument: &Value) -> Outcome {
        call(function, argument).map_err(|error| json!(error))
    }
}

impl Door for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn is_typed(&self, _: &str) -> bool {
        false
    }

    fn ask(&self, function: &str, argument: &Value) -> Result<Option<Outcome>> {
        Ok(Some(Self::answer(function, argument)))
    }
}

/// Which doors there are. Native always is.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Doors {
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
}

impl Doors {
    /// Opens those that take any question, native first.
    ///
    /// # Errors
    /// When one is named and cannot be opened.
    pub fn open(&self) -> Result<Vec<Box<dyn Door>>> {
        let mut doors: Vec<Box<dyn Door>> = vec![Box::new(Native)];
        if let Some(file) = &self.component {
            doors.push(Box::new(Component::load(file).context("component")?));
        }
        if let Some(folder) = &self.jco {
            doors.push(Box::new(Node::jco(folder).context("jco")?));
        }
        if let Some(folder) = &self.javascript {
            doors.push(Box::new(Node::javascript(folder).context("javascript")?));
        }
        Ok(doors)
    }

    /// Opens the admission module.
    ///
    /// # Errors
    /// When it is named and cannot be opened.
    pub fn open_wapc(&self) -> Result<Option<Wapc>> {
        self.module.as_deref().map(|file| Wapc::load(file).context("wapc")).transpose()
    }
}
